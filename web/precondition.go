package web

import (
	"fmt"
	"strconv"
	"strings"
)

// precondition is what If-Match asks for.
type precondition struct {
	exists  bool   // *: any version, but there has to be one
	version *int64 // nil: none is asked for
}

// parseIfMatch reads If-Match of RFC 9110: *, or one or more tags that this
// server gives out, such as "4". A number without quotes is taken too.
//
// A weak tag counts like a strong one, which that RFC does not want: what
// compresses an answer on its way makes its tag weak, and must not lock people
// out. The tags here name a version of the invoice, not the bytes of an
// answer, so that nothing is lost. Of several versions the newest counts: a
// command is decided on one, and which must not depend on when it is asked.
func parseIfMatch(s string) (precondition, error) {
	switch strings.TrimSpace(s) {
	case "":
		return precondition{}, nil
	case "*":
		return precondition{exists: true}, nil
	}
	var newest int64
	for tag := range strings.SplitSeq(s, ",") {
		version, ok := parseTag(strings.TrimSpace(tag))
		if !ok {
			return precondition{}, fmt.Errorf(`If-Match is %.100q; send the version that you saw, such as "4"`, s)
		}
		newest = max(newest, version)
	}
	return precondition{version: &newest}, nil
}

// parseTag reads what etag wrote. 01 and +1 are not the tags of version 1.
func parseTag(tag string) (int64, bool) {
	number := unquote(strings.TrimPrefix(tag, "W/"))
	version, err := strconv.ParseInt(number, 10, 64)
	ok := err == nil && version >= 0 && strconv.FormatInt(version, 10) == number
	return version, ok && (tag == number || strings.HasSuffix(tag, `"`))
}

func etag(version int64) string { return `"` + strconv.FormatInt(version, 10) + `"` }
