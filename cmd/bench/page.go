package main

import (
	"path/filepath"

	"github.com/eventim-go/eventim/cmd/bench/report"
)

// pageCmd makes the page and the plots from results that were kept.
type pageCmd struct {
	Results []string `arg:"" optional:"" help:"Files that compare kept, each with phases of its own. Without one, what the page was made from."`
	Docs    string   `default:"docs" help:"Folder with benchmarks.md."`
}

// Run implements the command.
func (c pageCmd) Run() error {
	files := c.Results
	if len(files) == 0 {
		files = []string{filepath.Join(c.Docs, "benchmarks", "results.json")}
	}
	var pieces []report.Results
	for _, file := range files {
		r, err := report.Read(file)
		if err != nil {
			return err
		}
		pieces = append(pieces, r)
	}
	all, err := report.Join(pieces)
	if err != nil {
		return err
	}
	return report.WriteDocs(c.Docs, all)
}
