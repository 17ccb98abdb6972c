package main

import (
	"os"

	"github.com/eventim-go/eventim/cmd/faults/report"
)

type reportCommand struct {
	Files []string `arg:"" name:"file" help:"Reports of runs (run --report)."`
	Docs  string   `placeholder:"DIR" help:"Write the tables into reliability.md in this folder, and the plot beside it."`
}

// Run runs the command.
func (c *reportCommand) Run() error {
	all, err := report.ReadAll(c.Files)
	if err != nil {
		return err
	}
	for _, t := range all.Tables() {
		if err := t.WriteText(os.Stdout); err != nil {
			return err
		}
	}
	if c.Docs == "" {
		return nil
	}
	return all.WriteDocs(c.Docs)
}
