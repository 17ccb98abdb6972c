package totals

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/eventim-go/eventim/invoices/money"
)

var update = flag.Bool("update", false, "write the golden file instead of comparing with it")

// documentsFile has documents with their totals. Whoever computes totals by code
// of its own, as the page and the checker do, is held against it.
const documentsFile = "testdata/documents.json"

type goldenLine struct {
	Quantity  money.Decimal `json:"quantity"`
	UnitPrice money.Decimal `json:"unitPrice"`
	Discount  Adjustment    `json:"discount,omitzero"`
	Charge    Adjustment    `json:"charge,omitzero"`
	Tax       Tax           `json:"tax,omitzero"`
	Net       money.Amount  `json:"net"`
}

type goldenDocument struct {
	Currency         money.Currency `json:"currency"`
	PricesIncludeTax bool           `json:"pricesIncludeTax"`
	Lines            []goldenLine   `json:"lines"`
	Discounts        []Adjustment   `json:"discounts"`
	Charges          []Adjustment   `json:"charges"`
	Totals           Totals         `json:"totals"`
}

func TestDocuments(t *testing.T) {
	t.Parallel()
	if *update {
		writeDocuments(t)
	}
	data, err := os.ReadFile(documentsFile)
	if err != nil {
		t.Fatal(err)
	}
	var documents []goldenDocument
	if err := json.Unmarshal(data, &documents); err != nil || len(documents) < 50 {
		t.Fatalf("%d documents, %v", len(documents), err)
	}
	var again bytes.Buffer
	for i := range documents {
		documents[i].compute(t)
	}
	encode(t, &again, documents)
	if !bytes.Equal(again.Bytes(), data) {
		t.Error("the totals are not those of the file: run go test ./invoices/totals -update and look at the difference")
	}
}

func (d *goldenDocument) compute(t *testing.T) {
	t.Helper()
	lines := make([]line, len(d.Lines))
	for i := range d.Lines {
		l := &d.Lines[i]
		var err error
		if l.Net, err = OfLine(l.Quantity, l.UnitPrice, l.Discount, l.Charge, d.Currency); err != nil {
			t.Fatal(err)
		}
		lines[i] = line{l.Tax, l.Net}
	}
	var err error
	d.Totals, err = Document{d.Currency, d.PricesIncludeTax, all(lines), d.Discounts, d.Charges}.Totals()
	if err != nil {
		t.Fatal(err)
	}
}

func writeDocuments(t *testing.T) {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a test
	adjustment := func() Adjustment {
		if random.IntN(2) == 0 {
			return Adjustment{Percent: decimal(fmt.Sprintf("%d.%d", 1+random.IntN(30), 1+random.IntN(9)))}
		}
		return Adjustment{Amount: decimal(fmt.Sprint(1 + random.IntN(20)))}
	}
	documents := make([]goldenDocument, 60)
	for i := range documents {
		d := &documents[i]
		d.Currency, d.PricesIncludeTax = []money.Currency{"EUR", "EUR", "JPY", "KWD"}[i%4], i%3 == 0
		d.Discounts, d.Charges = []Adjustment{}, []Adjustment{}
		for range random.IntN(3) {
			d.Discounts = append(d.Discounts, adjustment())
		}
		for range random.IntN(3) {
			d.Charges = append(d.Charges, adjustment())
		}
		d.Lines = []goldenLine{}
		for range random.IntN(5) {
			l := goldenLine{
				Quantity: decimal(fmt.Sprintf("%d.%d", 1+random.IntN(9), random.IntN(100))), UnitPrice: decimal(fmt.Sprintf("%d.%03d", 3+random.IntN(90), random.IntN(1000))),
				Tax: taxes[random.IntN(len(taxes))],
			}
			if random.IntN(3) == 0 {
				l.Discount, l.Charge = Adjustment{Percent: decimal(fmt.Sprint(1 + random.IntN(50)))}, adjustment()
			}
			d.Lines = append(d.Lines, l)
		}
		d.compute(t)
	}
	var b bytes.Buffer
	encode(t, &b, documents)
	if err := os.WriteFile(documentsFile, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

func encode(t *testing.T, b *bytes.Buffer, documents []goldenDocument) {
	t.Helper()
	encoder := json.NewEncoder(b)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(documents); err != nil {
		t.Fatal(err)
	}
}
