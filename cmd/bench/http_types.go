package main

import (
	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/invoices"
	"github.com/eventim-go/eventim/projector"
)

type (
	resultOf   = eventim.Result[invoices.Invoice, invoices.Event]
	snapshotOf = eventim.Snapshot[invoices.Invoice]

	snapshotView = projector.Projection[snapshotOf]
	eventView    = projector.Projection[eventim.Event[invoices.Event]]
	resultView   = projector.Projection[resultOf]
)
