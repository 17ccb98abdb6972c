package web_test

import (
	"testing"
)

// Nobody handles the commands: they are acknowledged, and every page is told
// that they wait.
func TestNobodyHandlesTheCommands(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	n := s.serve()
	n.until("commands", "ok")
	n.post("inv-1", "CreateInvoice", create).want(t, 202)
	var got reply
	eventually(t, func() bool {
		got = n.get("/api/handling")
		return got.json("state") == "stalled"
	}, func() string { return got.text })
	s.handle()
	eventually(t, func() bool {
		got = n.get("/api/handling")
		return got.json("state") == "ok"
	}, func() string { return got.text })
}
