package web

import (
	"context"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/eventim-go/eventim/invoices"
)

// apiVersion is that of the interface, not of the program.
const apiVersion = "1.0.0"

// registerAPI adds the operations to mux, and what describes them at
// /openapi.json.
func (s *Server) registerAPI(mux *routing) {
	config := huma.DefaultConfig("Eventim invoices", apiVersion)
	config.Info.Description = "Send commands to invoices, and read them. Every error is a problem of RFC 9457 with a stable code."
	config.OpenAPIPath, config.DocsPath, config.SchemasPath, config.CreateHooks = "", "", "", nil
	registry := config.Components.Schemas
	aliasDomain(registry)
	schemaOf[Problem](registry)
	api := humago.New(mux, config)
	s.registerCommands(api)
	s.registerReads(api)
	s.registerOperations(api)
	s.registerDeadLetters(api)
	s.registerSessions(api)
	s.registerTokens(api)
	s.openAPI = api.OpenAPI()

	mux.HandleFunc("GET /api/live", s.serveLive)
	mux.HandleFunc("GET /healthz", serveHealth)
	mux.HandleFunc("GET /readyz", s.serveReady)
	mux.HandleFunc(anyCommand, func(w http.ResponseWriter, r *http.Request) {
		newProblem(codeCommandUnknown, "%q is not a command of invoices.", r.PathValue("type")).write(w)
	})
	mux.HandleFunc(anyAPI, answerOther(mux.ServeMux))
	publish(mux, s.openAPI)
}

// registerCommands adds one operation for each command type, so that each has
// its own schema.
func (s *Server) registerCommands(api huma.API) {
	for _, name := range s.commands.Names() {
		if !invoices.Asked(name) {
			continue
		}
		zero, _, _ := s.commands.Member(name)
		op := huma.Operation{
			OperationID: name, Method: http.MethodPost, Path: "/api/invoices/{id}/commands/" + name,
			Summary: name, Tags: []string{"commands"}, MaxBodyBytes: maxBody,
			RequestBody:      &huma.RequestBody{Content: map[string]*huma.MediaType{}},
			SkipValidateBody: true, // the domain's own types do, with better messages
			Responses:        map[string]*huma.Response{},
		}
		register(api, op, commandOutcomes, func(ctx context.Context, in *postInput) (*postOutput, error) {
			return s.post(ctx, name, in)
		})
		schemas := api.OpenAPI().Components.Schemas
		schema := schemas.Schema(reflect.TypeOf(zero), true, name)
		op.RequestBody.Required = len(schemas.SchemaFromRef(schema.Ref).Required) > 0 // SendInvoice has nothing to say
		op.RequestBody.Content["application/json"].Schema = schema
		describePost(op.Responses)
	}
}

// describePost tells the two good answers apart, which huma sees as one.
func describePost(responses map[string]*huma.Response) {
	ok := responses["200"]
	ok.Description = "Accepted: the result and the invoice after it (with Prefer: wait)"
	responses["202"] = &huma.Response{
		Description: "Kafka has the command; its result is not known yet", Headers: ok.Headers, Content: ok.Content,
	}
}
