package web

import (
	"net/url"
	"strings"
)

// Clients take "." and ".." for folders, "%2e%2e" too (RFC 3986, 5.2.4), and
// http.ServeMux takes "%2F" for the end of a folder. In a path such an id begins
// with a mark, and so does one that looks like a marked one.
func isMarked(id string) bool {
	switch strings.TrimLeft(id, "~") {
	case ".", "..", "/":
		return true
	default:
		return false
	}
}

// segment is an id as one segment of a path.
func segment(id string) string {
	if isMarked(id) {
		id = "~" + id
	}
	return url.PathEscape(id)
}

// idOf is the id that segment wrote, once it is no longer escaped.
func idOf(written string) string {
	if isMarked(written) {
		return strings.TrimPrefix(written, "~")
	}
	return written
}

// commandPath is where what became of a command can be read.
func commandPath(invoice, command string) string {
	return "/api/invoices/" + segment(invoice) + "/commands/" + segment(command)
}
