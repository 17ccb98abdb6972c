package main

import (
	"path/filepath"

	"github.com/eventim-go/eventim/cmd/bench/report"
)

// pageCmd makes the page and the plots again, from the results that were kept.
type pageCmd struct {
	Docs string `default:"docs" help:"Folder with benchmarks.md and benchmarks/results.json."`
}

// Run implements the command.
func (c pageCmd) Run() error {
	r, err := report.Read(filepath.Join(c.Docs, "benchmarks", "results.json"))
	if err != nil {
		return err
	}
	return report.WriteDocs(c.Docs, r)
}
