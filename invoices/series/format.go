package series

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Format says how the numbers of a series are written: {YYYY} or {YY} is the fiscal
// year, {0000} the number with at least so many digits, and the rest is written as it
// is. Each of the two stands in it once, so that no two numbers are written alike.
type Format string

// DefaultFormat writes 2026-0001.
const DefaultFormat Format = "{YYYY}-{0000}"

var formats = regexp.MustCompile(`^[0-9A-Za-z/_. -]{0,20}(?:\{YY(?:YY)?\}[0-9A-Za-z/_. -]{0,20}\{0{1,9}\}|\{0{1,9}\}[A-Za-z/_. -][0-9A-Za-z/_. -]{0,19}\{YY(?:YY)?\})[0-9A-Za-z/_. -]{0,20}$`)

// Check returns an error for what is no format.
func (f Format) Check() error {
	if !formats.MatchString(string(f)) || strings.TrimSpace(string(f)) != string(f) {
		return fmt.Errorf("%.80q is not a format of numbers, such as %s: it has the fiscal year, {YYYY} or {YY}, and the number, "+
			"{0} to {000000000}, once each, and letters, digits, spaces and -_./ around them", string(f), DefaultFormat)
	}
	return nil
}

var places = regexp.MustCompile(`\{[^}]*\}`)

// Write is a number as the format has it.
func (f Format) Write(fiscalYear int, number int64) string {
	return places.ReplaceAllStringFunc(string(f), func(place string) string {
		switch place {
		case "{YYYY}":
			return fmt.Sprintf("%04d", fiscalYear)
		case "{YY}":
			return fmt.Sprintf("%02d", fiscalYear%100)
		default:
			digits := strconv.FormatInt(number, 10)
			return strings.Repeat("0", max(0, len(place)-len("{}")-len(digits))) + digits
		}
	})
}

// UnmarshalText reads a format, for flags.
func (f *Format) UnmarshalText(text []byte) error {
	*f = Format(text)
	return f.Check()
}
