package series

import (
	"fmt"
	"strconv"
	"strings"
)

// Key says which series a document belongs to.
type Key struct {
	Entity     string // the legal entity
	Document   string // the kind of document
	FiscalYear int    // 1 to 9999
}

// DefaultEntity is the only legal entity as yet.
const DefaultEntity = "default"

// Invoice is the kind of document that an invoice is.
const Invoice = "invoice"

// Of is the series of the documents of that kind and year, of the default entity.
func Of(document string, fiscalYear int) Key { return Key{DefaultEntity, document, fiscalYear} }

// String is the id of the series, such as default.invoice.2026.
func (k Key) String() string { return fmt.Sprintf("%s.%s.%04d", k.Entity, k.Document, k.FiscalYear) }

// ParseKey reads what String writes.
func ParseKey(id string) (Key, error) {
	parts := strings.Split(id, ".")
	if len(parts) == 3 {
		year, err := strconv.Atoi(parts[2])
		if k := (Key{parts[0], parts[1], year}); err == nil && year > 0 && parts[0] != "" && parts[1] != "" && k.String() == id {
			return k, nil
		}
	}
	return Key{}, fmt.Errorf("%.40q is not the id of a series, such as default.invoice.2026", id)
}
