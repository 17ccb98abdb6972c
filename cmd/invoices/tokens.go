package main

import (
	"context"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/eventim-go/eventim/internal/app"
	"github.com/eventim-go/eventim/web/access"
)

// tokensCommand is for whoever may write to the database, and so needs no login.
type tokensCommand struct {
	Create createToken `cmd:"" help:"Make a token, and print what the program sends: once."`
	List   listTokens  `cmd:"" help:"List the tokens, and when each was used last."`
	Revoke revokeToken `cmd:"" help:"End a token. Its websockets close within seconds."`
}

// fromHere is who makes tokens on the command line.
const fromHere = "command line"

type createToken struct {
	Name     string        `arg:"" help:"What the history calls the program."`
	Role     access.Role   `required:"" placeholder:"ROLE" help:"What it may do: viewer, clerk, bookkeeper or admin."`
	Days     int           `default:"90" placeholder:"N" help:"After how many days it ends; at most 366."`
	Postgres postgresFlags `embed:"" group:"postgres"`
}

// Run runs the command.
func (c *createToken) Run(ctx context.Context, p process) error {
	return withTokens(ctx, c.Postgres, p, func(tokens access.Tokens) error {
		_, secret, err := tokens.Create(ctx, fromHere, fromHere, c.Name, c.Role, time.Duration(c.Days)*24*time.Hour)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(p.out, secret)
		return err
	})
}

type listTokens struct {
	Postgres postgresFlags `embed:"" group:"postgres"`
}

// Run runs the command.
func (c *listTokens) Run(ctx context.Context, p process) error {
	return withTokens(ctx, c.Postgres, p, func(tokens access.Tokens) error {
		list, err := tokens.List(ctx, "")
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
		_, _ = fmt.Fprintln(w, "ID\tNAME\tROLE\tOWNER\tEXPIRES\tUSED") // Flush tells
		for _, t := range list {
			used := "never"
			if t.Used != nil {
				used = t.Used.UTC().Format(time.DateTime)
			}
			_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", t.ID, t.Name, t.Role, t.Owner, t.Expires.UTC().Format(time.DateTime), used)
		}
		return w.Flush()
	})
}

type revokeToken struct {
	ID       string        `arg:"" help:"As the list has it."`
	Postgres postgresFlags `embed:"" group:"postgres"`
}

// Run runs the command.
func (c *revokeToken) Run(ctx context.Context, p process) error {
	return withTokens(ctx, c.Postgres, p, func(tokens access.Tokens) error {
		revoked, err := tokens.Revoke(ctx, "", c.ID)
		if err == nil && !revoked {
			err = fmt.Errorf("there is no token %s", c.ID)
		}
		return err
	})
}

func withTokens(ctx context.Context, f postgresFlags, p process, do func(access.Tokens) error) error {
	pool, err := f.open(ctx, "tokens")
	if err != nil {
		return err
	}
	defer pool.Close()
	if err := app.AwaitPostgres(ctx, pool, p.logger); err != nil {
		return err
	}
	return do(access.NewTokens(pool))
}
