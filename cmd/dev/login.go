package main

import (
	"context"
	"net"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/internal/devlogin"
	"github.com/eventim-go/eventim/web/access"
)

// issuerOffset is how far the port of the login is from that of the page.
const issuerOffset = 10_000

// login starts a provider for this machine. Who has not logged in may do
// everything, unless that is asked for: what a new user tries first just works.
func (d dev) login(ctx context.Context) (*access.Gate, eventim.Part, error) {
	port := 0
	if at, ok := d.listener.Addr().(*net.TCPAddr); ok && at.Port+issuerOffset < 1<<16 {
		port = at.Port + issuerOffset
	}
	server, err := devlogin.Listen(ctx, port)
	if err != nil {
		return nil, eventim.Part{}, err
	}
	anonymous := access.Admin
	if d.requireLogin {
		anonymous = access.Nobody
	}
	gate, err := access.New(access.Config{
		Issuer: server.Issuer, ClientID: devlogin.ClientID, Anonymous: anonymous, Pool: d.pool, Logger: d.logger,
	})
	return gate, eventim.Part{Name: "login", Run: server.Run}, err
}
