package app

import (
	"os"

	"github.com/eventim-go/eventim/invoices"
)

// Tests of the programs share a cluster, so that each names topics of its own.
// It is no flag, since an operator who changed it would lose sight of the
// invoices.
func init() {
	if name := os.Getenv("EVENTIM_AGGREGATE"); name != "" {
		invoices.Aggregate.Name = name
	}
}
