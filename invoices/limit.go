package invoices

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/eventim-go/eventim/eventim"
)

// Limits, so that no invoice grows without bound. An invoice that has reached
// all of them is, as JSON, half a megabyte of Latin text, and below the 1 MiB
// that brokers allow a record by default in any living script. Lengths are in
// characters.
const (
	maxLines       = 1000
	maxPayments    = 500
	maxName        = 200
	maxEmail       = 254 // RFC 5321
	maxAddress     = 1000
	maxDescription = 200
	maxReference   = 140 // what a SEPA transfer carries

	maxWholeDigits    = 12
	maxFractionDigits = 6

	// maxAmount is the largest net and the largest total, in minor units. It
	// is exact in a float64, for programs that know no other number. Sums of
	// invoices have no limit: see Sum.
	maxAmount = 999_999_999_999_999
)

// The dates that an invoice may bear: what is outside is a slip of the
// keyboard, such as the year 0026.
var minDate, maxDate = Date{"1900-01-01"}, Date{"2999-12-31"}

// checkText refuses control characters besides what lays out lines: they are
// invisible, and Postgres stores no NUL, so that one would stop every view.
func checkText(what, s string, limit int) error {
	if n := utf8.RuneCountInString(s); n > limit {
		return eventim.Reject(CodeTextTooLong, "the %s has %d characters: at most %d are allowed", what, n, limit)
	}
	if !utf8.ValidString(s) || strings.ContainsFunc(s, isForbidden) {
		return eventim.Reject(CodeTextInvalid, "the %s contains a control character: remove it", what)
	}
	return nil
}

func isForbidden(r rune) bool {
	return unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t'
}
