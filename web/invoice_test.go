package web

import "testing"

func TestInvoicesOfDotsHaveAPath(t *testing.T) {
	t.Parallel()
	for written, id := range map[string]string{
		"~..": "..", "~.": ".", "~~..": "~..", "~...": "~...", "~a": "~a", "~": "~", "inv-1": "inv-1", "a..": "a..",
	} {
		in := &invoiceInput{OfInvoice: OfInvoice{ID: written}}
		if errs := in.Resolve(nil); errs != nil || in.ID != id {
			t.Errorf("%q: got %q, %v, want %q", written, in.ID, errs, id)
		}
	}
}
