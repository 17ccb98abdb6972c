package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

type healthcheckCommand struct {
	URL     string        `name:"url" default:"http://127.0.0.1:8081/readyz" help:"What to ask."`
	Timeout time.Duration `default:"3s" help:"How long to wait for the answer."`
}

// Run runs the command.
func (c *healthcheckCommand) Run(ctx context.Context, p process) error {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.URL, http.NoBody)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	// Docker shows it in the state of the container.
	if _, err := io.Copy(p.out, io.LimitReader(response.Body, 4<<10)); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", c.URL, response.Status)
	}
	return nil
}
