package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/eventim-go/eventim/web/access"
)

type loginFlags struct {
	Issuer           string            `env:"EVENTIM_LOGIN_ISSUER" placeholder:"URL" help:"Provider of OpenID Connect by which people log in. Without one nobody has to, and everybody may do everything."`
	URL              string            `env:"EVENTIM_LOGIN_URL" placeholder:"URL" help:"Where people reach the page, https://host[:port]. The provider sends them back to /login/callback there."`
	ClientID         string            `env:"EVENTIM_LOGIN_CLIENT_ID" placeholder:"NAME" help:"What the provider knows this program by."`
	ClientSecretFile string            `env:"EVENTIM_LOGIN_CLIENT_SECRET_FILE" placeholder:"FILE" help:"File with the secret that goes with it, unless it is a public client."`
	RolesClaim       string            `env:"EVENTIM_LOGIN_ROLES_CLAIM" default:"roles" placeholder:"NAME" help:"Member of the ID token that has the roles or groups of a person."`
	Scopes           []string          `env:"EVENTIM_LOGIN_SCOPES" placeholder:"NAME" help:"Scopes to ask for besides openid, profile and email; some providers have one for groups."`
	Roles            map[string]string `env:"EVENTIM_LOGIN_ROLES" placeholder:"GROUP=ROLE" help:"Roles of groups that are not called viewer, clerk, bookkeeper or admin."`
	Anonymous        access.Role       `env:"EVENTIM_LOGIN_ANONYMOUS" default:"nobody" placeholder:"ROLE" help:"Role of who has not logged in."`
	Idle             time.Duration     `env:"EVENTIM_LOGIN_IDLE" default:"1h" placeholder:"TIME" help:"A session ends so long after its last request."`
	Lifetime         time.Duration     `env:"EVENTIM_LOGIN_LIFETIME" default:"12h" placeholder:"TIME" help:"A session ends so long after it began."`
}

// gate is nil where nobody has to log in.
func (f loginFlags) gate(pool *pgxpool.Pool, p process) (*access.Gate, error) {
	if f.Issuer == "" {
		p.logger.Warn("NOBODY HAS TO LOG IN: whoever reaches the page or the API may do everything; --login-issuer changes that")
		return nil, nil
	}
	if f.URL == "" {
		return nil, errors.New("--login-issuer needs --login-url, where people reach the page")
	}
	clientSecret, err := secret("", f.ClientSecretFile)
	if err != nil {
		return nil, fmt.Errorf("the secret of the login: %w", err)
	}
	roles := map[string]access.Role{}
	for group, name := range f.Roles {
		if roles[group], err = access.ParseRole(name); err != nil {
			return nil, fmt.Errorf("--login-roles %s=%s: %w", group, name, err)
		}
	}
	return access.New(access.Config{
		Issuer: f.Issuer, URL: f.URL, ClientID: f.ClientID, ClientSecret: clientSecret, RolesClaim: f.RolesClaim, Scopes: f.Scopes,
		Roles:     roles,
		Anonymous: f.Anonymous, Idle: f.Idle, Lifetime: f.Lifetime, Pool: pool, Logger: p.logger,
	})
}
