package web

import (
	"net/http"
	"slices"
	"strings"
)

// Patterns of what answers when no operation does.
const (
	anyAPI     = "/api/"
	anyPage    = "/"
	anyCommand = "POST /api/invoices/{id}/commands/{type}"
)

// methodsOf lists the methods for which mux has more than a fallback at the
// path of r. The routes themselves are asked, so that there is no second table.
func methodsOf(mux *http.ServeMux, r *http.Request) []string {
	var methods []string
	for _, method := range []string{
		http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
	} {
		_, pattern := mux.Handler(&http.Request{Method: method, URL: r.URL, Host: r.Host})
		if !slices.Contains([]string{anyAPI, anyPage, anyCommand, ""}, pattern) {
			methods = append(methods, method)
		}
	}
	return methods
}

// answerOther answers a request of the API that is no operation: what is at
// this path is wanted with another method, or nothing is there.
func answerOther(mux *http.ServeMux) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		methods := methodsOf(mux, r)
		if len(methods) == 0 {
			newProblem(codeNotFound, "%s is not part of the API; /openapi.json says what is.", r.URL.Path).write(w)
			return
		}
		answerMethod(w, r, methods...)
	}
}

// answerMethod answers a request with a method other than these. OPTIONS is
// always there, for whoever asks which.
func answerMethod(w http.ResponseWriter, r *http.Request, methods ...string) {
	allow := strings.Join(append(methods, http.MethodOptions), ", ")
	w.Header().Set("Allow", allow)
	if r.Method == http.MethodOptions {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	newProblem(codeMethod, "%s cannot be done here, but %s.", r.Method, allow).write(w)
}
