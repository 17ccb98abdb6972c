package invoices

import (
	"time"

	"github.com/eventim-go/eventim/eventim"
)

// The dates that an invoice may bear: what is outside is a slip of the
// keyboard, such as the year 0026.
var minDate, maxDate = Date{"1900-01-01"}, Date{"2999-12-31"}

// maxAhead is how many years after a command its dates may be.
const maxAhead = 10

func checkDate(what string, d Date) error {
	if d == (Date{}) {
		return eventim.Reject(CodeDateInvalid, "the %s is missing", what)
	}
	if d.Before(minDate) || maxDate.Before(d) {
		return eventim.Reject(CodeDateInvalid, "the %s %v is not between %v and %v", what, d, minDate, maxDate)
	}
	return nil
}

// checkNotAhead holds the dates of a command against when it was given. Money
// has been received or has not: not later than tomorrow, since where the sender
// is, tomorrow may have begun. An invoice may look ten years ahead.
func checkNotAhead(c Command, given time.Time) error {
	latest := given.UTC().AddDate(maxAhead, 0, 0)
	switch c := c.(type) {
	case CreateInvoice:
		return c.checkNotAfter(latest)
	case ChangeDetails:
		return c.checkNotAfter(latest)
	case ReviseDraft:
		return c.checkNotAfter(latest)
	case ReceivePayment:
		return checkNotAfter("date of the payment", c.Date, given.UTC().AddDate(0, 0, 1))
	case ReversePayment:
		return checkNotAfter("date of the reversal", c.Date, given.UTC().AddDate(0, 0, 1))
	}
	return nil
}

func (d Details) checkNotAfter(latest time.Time) error {
	if err := checkNotAfter("issue date", d.IssueDate, latest); err != nil {
		return err
	}
	return checkNotAfter("due date", d.DueDate, latest)
}

func checkNotAfter(what string, d Date, latest time.Time) error {
	last, err := DateOf(latest)
	if err == nil && last.Before(d) {
		return eventim.Reject(CodeDateInvalid, "the %s %v is too far in the future: %v is the last that is taken today", what, d, last)
	}
	return nil
}
