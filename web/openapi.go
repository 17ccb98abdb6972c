package web

import (
	"net/http"
	"sync"

	"github.com/danielgtaylor/huma/v2"
)

// publish serves the description of the API, for tools of both versions of
// OpenAPI. Each form is written when it is asked for first.
func publish(mux *routing, api *huma.OpenAPI) {
	for name, write := range map[string]func() ([]byte, error){
		"openapi.json": api.MarshalJSON, "openapi.yaml": api.YAML,
		"openapi-3.0.json": api.Downgrade, "openapi-3.0.yaml": api.DowngradeYAML,
	} {
		file := sync.OnceValue(func() asset {
			data, err := write()
			if err != nil {
				panic(err) // a test writes them all
			}
			return newAsset(name, data, revalidated)
		})
		mux.HandleFunc("GET /"+name, func(w http.ResponseWriter, r *http.Request) { file().ServeHTTP(w, r) })
	}
}
