package views_test

import (
	"fmt"
	"testing"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/invoices"
	"github.com/eventim-go/eventim/invoices/views"
)

// BenchmarkWrite compares rows written one by one with rows written as a set,
// each in a transaction.
func BenchmarkWrite(b *testing.B) {
	for _, size := range []int{1, 100, 1000} {
		b.Run(fmt.Sprint("batch=", size), func(b *testing.B) {
			_, write := table(b, views.InvoiceList(invoices.Aggregate))
			rows, version := 0, int64(0)
			batch := make([]eventim.Snapshot[invoices.Invoice], size)
			for b.Loop() {
				if rows%10_000 == 0 {
					version++ // from then on, updates
				}
				for i := range batch {
					batch[i] = snapshot(fmt.Sprint("invoice-", (rows+i)*7919%10_000), version)
				}
				write(batch...)
				rows += size
			}
			b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
