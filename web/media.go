package web

import (
	"mime"
	"strings"
)

// mediaProblem refuses a body that is not plain JSON in UTF-8. A body without
// a type is refused as well: it is how a page of another site sends one that
// its browser asks nobody about.
func mediaProblem(contentType, encoding string, body []byte) *Problem {
	if encoding != "" && !strings.EqualFold(encoding, "identity") {
		return newProblem(codeMediaType, "Content-Encoding is %q; send the body as it is.", encoding)
	}
	if contentType == "" && len(body) == 0 {
		return nil
	}
	if media, params, err := mime.ParseMediaType(contentType); err == nil && media == mediaJSON &&
		(params["charset"] == "" || strings.EqualFold(params["charset"], "utf-8")) {
		return nil
	}
	return newProblem(codeMediaType, "Content-Type is %q; send application/json.", contentType)
}

const mediaJSON = "application/json"
