package web

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"
)

// How long a browser keeps a file: one that is asked about each time, and one
// whose name changes with its content.
const (
	revalidated = "no-cache"
	immutable   = "public, max-age=31536000, immutable"
)

// asset is a file that is the same for everybody. It is compressed once.
type asset struct {
	plain, gzipped []byte // gzipped is nil when it would save little
	contentType    string
	cacheControl   string
	tag            string // without quotes; that of the compressed form differs
}

func newAsset(name string, data []byte, cacheControl string) asset {
	sum := sha256.Sum256(data)
	return asset{
		plain: data, gzipped: compress(data), cacheControl: cacheControl,
		contentType: cmp.Or(mime.TypeByExtension(path.Ext(name)), http.DetectContentType(data)),
		tag:         base64.RawURLEncoding.EncodeToString(sum[:12]),
	}
}

// compress returns nil for what is small or dense.
func compress(data []byte) []byte {
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // a level that there is
	_, _ = z.Write(data)                                  // a buffer does not fail
	_ = z.Close()
	if b.Len() > len(data)*9/10 {
		return nil
	}
	return b.Bytes()
}

// ServeHTTP answers GET and HEAD, with ranges and validators.
func (a asset) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", a.contentType)
	h.Set("Cache-Control", a.cacheControl)
	data, tag := a.plain, a.tag
	if a.gzipped != nil {
		h.Add("Vary", "Accept-Encoding")
		if acceptsGzip(r) {
			h.Set("Content-Encoding", "gzip")
			data, tag = a.gzipped, a.tag+"-gzip"
		}
	}
	h.Set("ETag", `"`+tag+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
}

// acceptsGzip reads Accept-Encoding: gzip;q=0 is a refusal, and * means gzip
// where gzip is not named.
func acceptsGzip(r *http.Request) bool {
	anyCoding := false
	for part := range strings.SplitSeq(strings.Join(r.Header.Values("Accept-Encoding"), ","), ",") {
		coding, parameter, _ := strings.Cut(part, ";")
		switch strings.ToLower(strings.TrimSpace(coding)) {
		case "gzip":
			return wanted(parameter)
		case "*":
			anyCoding = wanted(parameter)
		}
	}
	return anyCoding
}

// wanted tells whether a weight, such as q=0.5, is more than nothing.
func wanted(parameter string) bool {
	name, value, _ := strings.Cut(strings.TrimSpace(parameter), "=")
	if !strings.EqualFold(name, "q") {
		return true
	}
	q, err := strconv.ParseFloat(value, 64)
	return err == nil && q > 0
}
