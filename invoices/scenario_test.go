package invoices

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/eventim/eventimtest"
	"github.com/eventim-go/eventim/invoices/money"
)

type scenario = eventimtest.Scenario[Invoice, Command, Event]

// today is when the commands of the tests are given.
var today = time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)

// run decides a scenario today, unless it says when.
func run(t *testing.T, s scenario) {
	t.Helper()
	if s.Time.IsZero() {
		s.Time = today
	}
	s.Run(t, Aggregate)
}

var (
	acme = Details{
		Customer:  Customer{Name: "Acme GmbH", Email: "billing@acme.example", Address: "Hauptstr. 1\n10115 Berlin"},
		IssueDate: mustDate("2026-11-21"), DueDate: mustDate("2026-12-21"),
	}
	consulting     = LineDetails{Description: "Consulting", Quantity: mustDecimal("2"), UnitPrice: mustDecimal("12.50")}
	hosting        = LineDetails{Description: "Hosting", Quantity: mustDecimal("0.5"), UnitPrice: mustDecimal("9.99")}
	consultingItem = LineItem{"1", consulting, eur("25.00")}
	created        = InvoiceCreated{Details: acme, Currency: "EUR", Lines: []LineItem{consultingItem}, Total: eur("25.00")}
	createdEmpty   = InvoiceCreated{Details: acme, Currency: "EUR", Lines: []LineItem{}, Total: eur("0")}
	sent           = InvoiceSent{Total: eur("25.00"), Series: "default.invoice.2026"}
	record         = RecordNumber{"default.invoice.2026", "2026-0001"}
	sentBefore     = InvoiceSent{Total: eur("25.00")} // there were series
	numbered       = InvoiceNumbered{"default.invoice.2026", "2026-0001"}
	ten            = ReceivePayment{Amount: eur("10.00"), Date: mustDate("2026-11-30"), Reference: "RF18"}
	tenReceived    = PaymentReceived{Payment: Payment{ID: "1", Amount: ten.Amount, Date: ten.Date, Reference: "RF18"}, Paid: eur("10.00"), Balance: eur("15.00")}
	rest           = ReceivePayment{Amount: eur("15.00"), Date: mustDate("2026-12-01")}
	restReceived   = PaymentReceived{Payment: Payment{ID: "2", Amount: rest.Amount, Date: rest.Date}, Paid: eur("25.00"), Balance: eur("0.00")}
	paid           = InvoicePaid{eur("25.00")}
	voided         = InvoiceVoided{"issued twice", eur("25.00")}
	writtenOff     = InvoiceWrittenOff{"insolvent", eur("15.00")}
	byBank         = ReceivePayment{Amount: eur("10.00"), Date: ten.Date, Method: "bank_transfer", TransactionID: "tx-1"}
	byBankReceived = PaymentReceived{
		Payment: Payment{ID: "1", Amount: eur("10.00"), Date: ten.Date, Method: "bank_transfer", TransactionID: "tx-1"}, Paid: eur("10.00"), Balance: eur("15.00"),
	}
	bounced  = ReversePayment{PaymentID: "1", Date: rest.Date, Reason: "bounced"}
	reversed = PaymentReversed{PaymentID: "1", Amount: eur("10.00"), Date: rest.Date, Reason: "bounced", Paid: eur("0.00"), Balance: eur("25.00")}
)

// allByBank paid all of it, and fourReversed took back a part of ten.
var (
	allByBank = PaymentReceived{
		Payment: Payment{ID: "1", Amount: eur("25.00"), Date: ten.Date, TransactionID: "tx-1"}, Paid: eur("25.00"), Balance: eur("0.00"),
	}
	fourReversed = PaymentReversed{PaymentID: "1", Amount: eur("4.00"), Date: rest.Date, Reason: "refunded", Paid: eur("6.00"), Balance: eur("19.00")}
)

func reverse(amount Money) ReversePayment {
	return ReversePayment{PaymentID: "1", Amount: amount, Date: rest.Date, Reason: "x"}
}

// histories lead to each status.
var histories = map[Status][]Event{
	"":                  nil,
	StatusDraft:         {created},
	StatusSent:          {created, sent},
	StatusPartiallyPaid: {created, sent, tenReceived},
	StatusPaid:          {created, sent, tenReceived, restReceived, paid},
	StatusDeleted:       {created, InvoiceDeleted{}},
	StatusVoid:          {created, sent, voided},
	StatusWrittenOff:    {created, sent, tenReceived, writtenOff},
}

func TestStatusOfHistories(t *testing.T) {
	t.Parallel()
	for want, history := range histories {
		if got := Aggregate.Replay(Invoice{}, history...).Status; got != want {
			t.Errorf("status after %T = %q, want %q", history, got, want)
		}
	}
}

// TestRecoveredIsPaid: of an invoice that was written off and then paid nothing
// is left to be given up.
func TestRecoveredIsPaid(t *testing.T) {
	t.Parallel()
	recovered := PaymentReceived{Payment: restReceived.Payment, Paid: eur("25.00"), Balance: eur("0.00"), WrittenOff: eur("0.00")}
	got := Aggregate.Replay(Invoice{}, append(slices.Clone(histories[StatusWrittenOff]), recovered, paid)...)
	if want := Aggregate.Replay(Invoice{}, histories[StatusPaid]...); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v, as if it had never been written off", got, want)
	}
}

func TestAccepted(t *testing.T) {
	t.Parallel()
	draft := histories[StatusDraft]
	yen := InvoiceCreated{Details: acme, Currency: "JPY", Lines: []LineItem{{"1", consulting, must(money.Parse("25", "JPY"))}}, Total: must(money.Parse("25", "JPY"))}
	dinar := LineDetails{Description: "Pearl", Quantity: mustDecimal("1"), UnitPrice: mustDecimal("1.2345")}
	for _, s := range []scenario{
		{Name: "create", When: CreateInvoice{Details: acme, Currency: "EUR", Lines: []LineDetails{consulting}}, Then: []Event{created}},
		{Name: "create without lines", When: CreateInvoice{Details: acme, Currency: "EUR"}, Then: []Event{createdEmpty}},
		{Name: "create in JPY", When: CreateInvoice{Details: acme, Currency: "JPY", Lines: []LineDetails{consulting}}, Then: []Event{yen}},
		{
			Name: "create in BHD", When: CreateInvoice{Details: acme, Currency: "BHD", Lines: []LineDetails{dinar}},
			Then: []Event{InvoiceCreated{
				Details: acme, Currency: "BHD",
				Lines: []LineItem{{"1", dinar, must(money.Parse("1.235", "BHD"))}},
				Total: must(money.Parse("1.235", "BHD")),
			}},
		},
		{
			Name: "a free line", Given: []Event{createdEmpty}, When: AddLineItem{LineDetails{Description: "Gift", Quantity: mustDecimal("1"), UnitPrice: mustDecimal("0")}},
			Then: []Event{LineItemAdded{Line: LineItem{"1", LineDetails{Description: "Gift", Quantity: mustDecimal("1"), UnitPrice: mustDecimal("0")}, eur("0.00")}, Total: eur("0.00")}},
		},
		{
			Name: "line ids are not given again", Given: []Event{created, LineItemRemoved{LineID: "1", Total: eur("0.00")}}, When: AddLineItem{hosting},
			Then: []Event{LineItemAdded{Line: LineItem{"2", hosting, eur("5.00")}, Total: eur("5.00")}},
		},
		{
			Name: "however it is typed", When: CreateInvoice{Details: named(" Cafe\u0301\u200b \u200d"), Currency: "EUR", Lines: []LineDetails{{Description: "\ufeffWork\u00ad", Quantity: consulting.Quantity, UnitPrice: consulting.UnitPrice}}},
			Then: []Event{InvoiceCreated{Details: named("Café"), Currency: "EUR", Lines: []LineItem{{"1", LineDetails{Description: "Work", Quantity: consulting.Quantity, UnitPrice: consulting.UnitPrice}, eur("25.00")}}, Total: eur("25.00")}},
		},
		{Name: "joined letters", When: CreateInvoice{Details: named("می\u200cخواهم 👩\u200d👧"), Currency: "EUR", Lines: nil}, Then: []Event{InvoiceCreated{Details: named("می\u200cخواهم 👩\u200d👧"), Currency: "EUR", Lines: []LineItem{}, Total: eur("0")}}},
		{
			Name: "paid tomorrow, where it has begun", Given: histories[StatusSent], Time: time.Date(2026, 11, 29, 13, 0, 0, 0, time.UTC),
			When: ten, Then: []Event{tenReceived},
		},
		{Name: "other details", Given: draft, When: ChangeDetails{named("Other")}, Then: []Event{DetailsChanged{named("Other")}}},
		{Name: "another line", Given: draft, When: AddLineItem{hosting}, Then: []Event{LineItemAdded{Line: LineItem{"2", hosting, eur("5.00")}, Total: eur("30.00")}}},
		{Name: "a changed line", Given: draft, When: ChangeLineItem{"1", hosting}, Then: []Event{LineItemChanged{Line: LineItem{"1", hosting, eur("5.00")}, Total: eur("5.00")}}},
		{Name: "a removed line", Given: draft, When: RemoveLineItem{"1"}, Then: []Event{LineItemRemoved{LineID: "1", Total: eur("0.00")}}},
		{
			Name: "a revised draft", Given: draft, Expected: new(int64(1)), When: ReviseDraft{Details: named("Other"), Lines: []RevisedLine{{"", hosting}, {"1", consulting}}},
			Then: []Event{
				DetailsChanged{named("Other")},
				LineItemAdded{Line: LineItem{"2", hosting, eur("5.00")}, Total: eur("30.00")},
				LinesReordered{[]string{"2", "1"}},
			},
		},
		{Name: "send", Given: draft, When: SendInvoice{}, Then: []Event{sent}},
		{Name: "delete", Given: draft, When: DeleteInvoice{}, Then: []Event{InvoiceDeleted{}}},
		{Name: "a first payment", Given: histories[StatusSent], When: ten, Then: []Event{tenReceived}},
		{
			Name: "a second payment", Given: histories[StatusPartiallyPaid], When: ten,
			Then: []Event{PaymentReceived{Payment: Payment{ID: "2", Amount: ten.Amount, Date: ten.Date, Reference: "RF18"}, Paid: eur("20.00"), Balance: eur("5.00")}},
		},
		{Name: "a payment by bank", Given: histories[StatusSent], When: byBank, Then: []Event{byBankReceived}},
		{Name: "the same transaction once more", Given: []Event{created, sent, byBankReceived}, When: byBank},
		{Name: "the same transaction with more said of it", Given: []Event{created, sent, byBankReceived}, When: ReceivePayment{Amount: eur("10"), Date: rest.Date, Reference: "x", TransactionID: " tx-1"}},
		{Name: "the transaction that paid it", Given: []Event{created, sent, allByBank, paid}, When: ReceivePayment{Amount: eur("25"), Date: rest.Date, TransactionID: "tx-1"}},
		{Name: "a transaction that was reversed", Given: []Event{created, sent, byBankReceived, reversed}, When: byBank},
		{
			Name: "another transaction over the same amount", Given: []Event{created, sent, byBankReceived},
			When: ReceivePayment{Amount: eur("10"), Date: ten.Date, TransactionID: "tx-2"},
			Then: []Event{PaymentReceived{Payment: Payment{ID: "2", Amount: eur("10.00"), Date: ten.Date, TransactionID: "tx-2"}, Paid: eur("20.00"), Balance: eur("5.00")}},
		},
		{Name: "a payment bounced", Given: histories[StatusPartiallyPaid], When: bounced, Then: []Event{reversed}},
		{
			Name: "a part refunded of what is paid", Given: histories[StatusPaid],
			When: ReversePayment{PaymentID: "2", Amount: eur("5"), Date: rest.Date, Reason: "refunded "},
			Then: []Event{PaymentReversed{PaymentID: "2", Amount: eur("5.00"), Date: rest.Date, Reason: "refunded", Paid: eur("20.00"), Balance: eur("5.00")}},
		},
		{
			Name: "the other part", Given: append(slices.Clone(histories[StatusPartiallyPaid]), fourReversed),
			When: bounced, Then: []Event{PaymentReversed{PaymentID: "1", Amount: eur("6.00"), Date: rest.Date, Reason: "bounced", Paid: eur("0.00"), Balance: eur("25.00")}},
		},
		{
			Name: "a payment of what was written off", Given: histories[StatusWrittenOff], When: bounced,
			Then: []Event{PaymentReversed{PaymentID: "1", Amount: eur("10.00"), Date: rest.Date, Reason: "bounced", Paid: eur("0.00"), Balance: eur("0.00"), WrittenOff: eur("25.00")}},
		},
		{Name: "void after all was refunded", Given: append(slices.Clone(histories[StatusPartiallyPaid]), reversed), When: VoidInvoice{"issued twice"}, Then: []Event{voided}},
		{
			Name: "pay again", Given: append(slices.Clone(histories[StatusPartiallyPaid]), reversed), When: rest,
			Then: []Event{PaymentReceived{Payment: restReceived.Payment, Paid: eur("15.00"), Balance: eur("10.00")}},
		},
		{Name: "void", Given: histories[StatusSent], When: VoidInvoice{" issued twice\u200b"}, Then: []Event{voided}},
		{Name: "write off what is left", Given: histories[StatusPartiallyPaid], When: WriteOffInvoice{"insolvent "}, Then: []Event{writtenOff}},
		{Name: "write off all", Given: histories[StatusSent], When: WriteOffInvoice{"insolvent"}, Then: []Event{InvoiceWrittenOff{"insolvent", eur("25.00")}}},
		{
			Name: "recover a part", Given: histories[StatusWrittenOff], When: ten,
			Then: []Event{PaymentReceived{
				Payment: Payment{ID: "2", Amount: ten.Amount, Date: ten.Date, Reference: "RF18"}, Paid: eur("20.00"), Balance: eur("0.00"), WrittenOff: eur("5.00"),
			}},
		},
		{
			Name: "recover all", Given: histories[StatusWrittenOff], When: rest,
			Then: []Event{PaymentReceived{Payment: restReceived.Payment, Paid: eur("25.00"), Balance: eur("0.00"), WrittenOff: eur("0.00")}, paid},
		},
		{Name: "details as they are", Given: []Event{created}, When: ChangeDetails{acme}},
		{Name: "line as it is", Given: []Event{created}, When: ChangeLineItem{"1", consulting}},
		{
			Name: "due on the day of issue", Given: []Event{created},
			When: ChangeDetails{Details{acme.Customer, acme.IssueDate, acme.IssueDate}},
			Then: []Event{DetailsChanged{Details{acme.Customer, acme.IssueDate, acme.IssueDate}}},
		},
		{
			Name: "payment that settles", Given: histories[StatusPartiallyPaid], When: rest,
			Then: []Event{restReceived, paid},
		},
		{
			Name: "payment that leaves a cent", Given: histories[StatusSent], When: ReceivePayment{Amount: eur("24.99"), Date: rest.Date},
			Then: []Event{PaymentReceived{Payment: Payment{ID: "1", Amount: eur("24.99"), Date: rest.Date}, Paid: eur("24.99"), Balance: eur("0.01")}},
		},
		{
			Name: "one payment for all", Given: histories[StatusSent], When: ReceivePayment{Amount: eur("25"), Date: rest.Date},
			Then: []Event{PaymentReceived{Payment: Payment{ID: "1", Amount: eur("25.00"), Date: rest.Date}, Paid: eur("25.00"), Balance: eur("0.00")}, paid},
		},
		{Name: "text at its limit", When: CreateInvoice{Details: named(strings.Repeat("ü", 200)), Currency: "EUR", Lines: nil}, Then: []Event{InvoiceCreated{Details: named(strings.Repeat("ü", 200)), Currency: "EUR", Lines: []LineItem{}, Total: eur("0")}}},
	} {
		run(t, s)
	}
}

// TestEmptyLists keeps null away from the readers of an invoice.
func TestEmptyLists(t *testing.T) {
	t.Parallel()
	inv := Aggregate.Replay(Invoice{}, InvoiceCreated{Details: acme, Currency: "EUR", Total: eur("0")})
	data := string(must(Aggregate.State.Encode(inv)).Data)
	for _, want := range []string{`"lines":[]`, `"payments":[]`} {
		if !strings.Contains(data, want) {
			t.Errorf("invoice without lines and payments = %s, want %s in it", data, want)
		}
	}
}

func named(name string) Details { return Details{Customer{Name: name}, acme.IssueDate, acme.DueDate} }

func TestRejected(t *testing.T) {
	t.Parallel()
	draft := histories[StatusDraft]
	create := func(change func(*CreateInvoice)) Command {
		c := CreateInvoice{Details: acme, Currency: "EUR", Lines: []LineDetails{consulting}}
		change(&c)
		return c
	}
	add := func(quantity, price string) Command {
		l := LineDetails{Description: "x"}
		_, _ = l.Quantity.UnmarshalText([]byte(quantity)), l.UnitPrice.UnmarshalText([]byte(price))
		return AddLineItem{l}
	}
	largest := LineItem{"1", LineDetails{Description: "Palace", Quantity: mustDecimal("1"), UnitPrice: mustDecimal("9999999999999.99")}, eur("9999999999999.99")}
	scenarios := []scenario{
		{Name: "no customer", When: create(func(c *CreateInvoice) { c.Customer.Name = " \t" }), Rejected: CodeCustomerNameMissing},
		{Name: "nothing at all", When: CreateInvoice{}, Rejected: CodeCustomerNameMissing},
		{Name: "long name", When: create(func(c *CreateInvoice) { c.Customer.Name = strings.Repeat("ü", 201) }), Rejected: CodeTextTooLong},
		{Name: "long e-mail", When: create(func(c *CreateInvoice) { c.Customer.Email = strings.Repeat("x", 255) }), Rejected: CodeTextTooLong},
		{Name: "long address", When: create(func(c *CreateInvoice) { c.Customer.Address = strings.Repeat("x", 1001) }), Rejected: CodeTextTooLong},
		{Name: "long description", Given: draft, When: AddLineItem{LineDetails{Description: strings.Repeat("x", 201), Quantity: consulting.Quantity, UnitPrice: consulting.UnitPrice}}, Rejected: CodeTextTooLong},
		{Name: "long reference", Given: histories[StatusSent], When: ReceivePayment{Amount: eur("1"), Date: rest.Date, Reference: strings.Repeat("x", 141)}, Rejected: CodeTextTooLong},
		{Name: "NUL in the name", When: create(func(c *CreateInvoice) { c.Customer.Name = "A\x00" }), Rejected: CodeTextInvalid},
		{Name: "escape in the description", Given: draft, When: AddLineItem{LineDetails{Description: "\x1b[2J", Quantity: consulting.Quantity, UnitPrice: consulting.UnitPrice}}, Rejected: CodeTextInvalid},
		{Name: "NUL in the reference", Given: histories[StatusSent], When: ReceivePayment{Amount: eur("1"), Date: rest.Date, Reference: "\x00"}, Rejected: CodeTextInvalid},
		{Name: "broken UTF-8", Given: draft, When: ChangeDetails{named("\xff")}, Rejected: CodeTextInvalid},

		{Name: "no issue date", When: create(func(c *CreateInvoice) { c.IssueDate = Date{} }), Rejected: CodeDateInvalid},
		{Name: "no due date", Given: draft, When: ChangeDetails{Details{acme.Customer, acme.IssueDate, Date{}}}, Rejected: CodeDateInvalid},
		{Name: "slip in the year", When: create(func(c *CreateInvoice) { c.IssueDate = mustDate("0026-11-21") }), Rejected: CodeDateInvalid},
		{Name: "far future", When: create(func(c *CreateInvoice) { c.DueDate = mustDate("3000-01-01") }), Rejected: CodeDateInvalid},
		{Name: "no payment date", Given: histories[StatusSent], When: ReceivePayment{Amount: eur("1")}, Rejected: CodeDateInvalid},
		{Name: "due before issue", When: create(func(c *CreateInvoice) { c.DueDate = mustDate("2026-11-20") }), Rejected: CodeDueBeforeIssue},
		{Name: "change to due before issue", Given: draft, When: ChangeDetails{Details{acme.Customer, acme.DueDate, acme.IssueDate}}, Rejected: CodeDueBeforeIssue},

		{Name: "no currency", When: create(func(c *CreateInvoice) { c.Currency = "" }), Rejected: CodeCurrencyUnknown},
		{Name: "gold", When: create(func(c *CreateInvoice) { c.Currency = "XAU" }), Rejected: CodeCurrencyUnknown},
		{Name: "lower case", When: create(func(c *CreateInvoice) { c.Currency = "eur" }), Rejected: CodeCurrencyUnknown},

		{Name: "line without description", When: create(func(c *CreateInvoice) { c.Lines = []LineDetails{{}} }), Rejected: CodeLineDescriptionMissing},
		{Name: "add without description", Given: draft, When: AddLineItem{}, Rejected: CodeLineDescriptionMissing},
		{Name: "change to no description", Given: draft, When: ChangeLineItem{LineID: "1"}, Rejected: CodeLineDescriptionMissing},
		{Name: "no quantity", Given: draft, When: add("", "1"), Rejected: CodeQuantityInvalid},
		{Name: "quantity zero", Given: draft, When: add("0.00", "1"), Rejected: CodeQuantityInvalid},
		{Name: "quantity negative", Given: draft, When: add("-1", "1"), Rejected: CodeQuantityInvalid},
		{Name: "quantity with 13 digits", Given: draft, When: add("1000000000000", "0"), Rejected: CodeQuantityInvalid},
		{Name: "quantity with 7 decimals", Given: draft, When: add("1.0000000", "1"), Rejected: CodeQuantityInvalid},
		{Name: "no price", Given: draft, When: add("1", ""), Rejected: CodePriceInvalid},
		{Name: "price negative", Given: draft, When: add("1", "-0.01"), Rejected: CodePriceInvalid},
		{Name: "price with 7 decimals", Given: draft, When: add("1", "0.0000001"), Rejected: CodePriceInvalid},
		{Name: "net too large", Given: draft, When: add("100", "100000000000"), Rejected: CodeAmountTooLarge},
		{Name: "net beyond int64", Given: draft, When: add("999999999999", "999999999999"), Rejected: CodeAmountTooLarge},
		{
			Name: "total too large", Given: []Event{InvoiceCreated{Details: acme, Currency: "EUR", Lines: []LineItem{largest}, Total: largest.Net}},
			When: add("1", "0.01"), Rejected: CodeTotalTooLarge,
		},
		{
			Name: "total of a new invoice too large", Rejected: CodeTotalTooLarge,
			When: create(func(c *CreateInvoice) {
				c.Lines = []LineDetails{{Description: "a", Quantity: mustDecimal("9"), UnitPrice: mustDecimal("999999999999")}, {Description: "b", Quantity: mustDecimal("9"), UnitPrice: mustDecimal("999999999999")}}
			}),
		},
		{
			Name: "total too large by a change", Rejected: CodeTotalTooLarge, When: ChangeLineItem{"2", LineDetails{Description: "x", Quantity: mustDecimal("1"), UnitPrice: mustDecimal("0.01")}},
			Given: []Event{
				InvoiceCreated{Details: acme, Currency: "EUR", Lines: []LineItem{largest, {"2", LineDetails{Description: "Gift", Quantity: mustDecimal("1"), UnitPrice: mustDecimal("0")}, eur("0")}}, Total: largest.Net},
			},
		},
		{Name: "create with 1001 lines", When: create(func(c *CreateInvoice) { c.Lines = slices.Repeat(c.Lines, 1001) }), Rejected: CodeTooManyLines},
		{Name: "add the 1001st line", Given: []Event{lines(1000)}, When: AddLineItem{consulting}, Rejected: CodeTooManyLines},
		{Name: "change an unknown line", Given: draft, When: ChangeLineItem{"2", consulting}, Rejected: CodeLineNotFound},
		{Name: "remove an unknown line", Given: draft, When: RemoveLineItem{"01"}, Rejected: CodeLineNotFound},
		{Name: "remove a line twice", Given: []Event{created, LineItemRemoved{LineID: "1", Total: eur("0")}}, When: RemoveLineItem{"1"}, Rejected: CodeLineNotFound},

		{Name: "send without lines", Given: []Event{createdEmpty}, When: SendInvoice{}, Rejected: CodeInvoiceEmpty},
		{
			Name: "send over nothing", When: SendInvoice{}, Rejected: CodeAmountNotPositive,
			Given: []Event{InvoiceCreated{Details: acme, Currency: "EUR", Lines: []LineItem{{"1", LineDetails{Description: "Gift", Quantity: mustDecimal("1"), UnitPrice: mustDecimal("0")}, eur("0")}}, Total: eur("0")}},
		},
		{Name: "payment of nothing", Given: histories[StatusSent], When: ReceivePayment{Amount: eur("0.00"), Date: rest.Date}, Rejected: CodeAmountNotPositive},
		{Name: "payment without amount", Given: histories[StatusSent], When: ReceivePayment{Date: rest.Date}, Rejected: CodeAmountNotPositive},
		{Name: "negative payment", Given: histories[StatusSent], When: ReceivePayment{Amount: eur("-1"), Date: rest.Date}, Rejected: CodeAmountNotPositive},
		{Name: "payment in dollars", Given: histories[StatusSent], When: ReceivePayment{Amount: must(money.Parse("1", "USD")), Date: rest.Date}, Rejected: CodeCurrencyMismatch},
		{Name: "overpayment", Given: histories[StatusSent], When: ReceivePayment{Amount: eur("25.01"), Date: rest.Date}, Rejected: CodeOverpayment},
		{Name: "overpayment of the rest", Given: histories[StatusPartiallyPaid], When: ReceivePayment{Amount: eur("15.01"), Date: rest.Date}, Rejected: CodeOverpayment},
		{Name: "overpayment beyond int64", Given: histories[StatusPartiallyPaid], When: ReceivePayment{Amount: eur("92233720368547758.07"), Date: rest.Date}, Rejected: CodeOverpayment},
		{Name: "the 451st payment", Given: payments(450), When: ReceivePayment{Amount: eur("0.01"), Date: rest.Date}, Rejected: CodeTooManyPayments},

		{Name: "overpayment of what was written off", Given: histories[StatusWrittenOff], When: ReceivePayment{Amount: eur("15.01"), Date: rest.Date}, Rejected: CodeOverpayment},
		{Name: "a transaction over another amount", Given: []Event{created, sent, byBankReceived}, When: ReceivePayment{Amount: eur("11"), Date: ten.Date, TransactionID: "tx-1"}, Rejected: CodeTransactionUsed},
		{Name: "long transaction id", Given: histories[StatusSent], When: ReceivePayment{Amount: eur("1"), Date: rest.Date, TransactionID: strings.Repeat("x", 65)}, Rejected: CodeTextTooLong},
		{Name: "blank in the transaction id", Given: histories[StatusSent], When: ReceivePayment{Amount: eur("1"), Date: rest.Date, TransactionID: "a b"}, Rejected: CodeTextInvalid},
		{Name: "unknown method", Given: histories[StatusSent], When: ReceivePayment{Amount: eur("1"), Date: rest.Date, Method: "barter"}, Rejected: CodePaymentMethodUnknown},
		{Name: "reverse an unknown payment", Given: histories[StatusPartiallyPaid], When: ReversePayment{PaymentID: "2", Date: rest.Date, Reason: "x"}, Rejected: CodePaymentNotFound},
		{Name: "reverse twice", Given: append(slices.Clone(histories[StatusPartiallyPaid]), reversed), When: bounced, Rejected: CodePaymentReversed},
		{Name: "reverse more than is left", Given: append(slices.Clone(histories[StatusPartiallyPaid]), fourReversed), When: reverse(eur("6.01")), Rejected: CodeReversalTooLarge},
		{Name: "reverse nothing", Given: histories[StatusPartiallyPaid], When: reverse(eur("0")), Rejected: CodeAmountNotPositive},
		{Name: "reverse dollars", Given: histories[StatusPartiallyPaid], When: reverse(must(money.Parse("1", "USD"))), Rejected: CodeCurrencyMismatch},
		{Name: "reverse without a date", Given: histories[StatusPartiallyPaid], When: ReversePayment{PaymentID: "1", Reason: "x"}, Rejected: CodeDateInvalid},
		{Name: "reverse without a reason", Given: histories[StatusPartiallyPaid], When: ReversePayment{PaymentID: "1", Date: rest.Date}, Rejected: CodeReasonMissing},
		{Name: "reverse in two days", Given: histories[StatusPartiallyPaid], When: ReversePayment{PaymentID: "1", Date: mustDate("2026-12-03"), Reason: "x"}, Rejected: CodeDateInvalid},
		{Name: "void without a reason", Given: histories[StatusSent], When: VoidInvoice{" \u200b"}, Rejected: CodeReasonMissing},
		{Name: "void with a long reason", Given: histories[StatusSent], When: VoidInvoice{strings.Repeat("ü", 501)}, Rejected: CodeTextTooLong},
		{Name: "void what is paid in part", Given: histories[StatusPartiallyPaid], When: VoidInvoice{"x"}, Rejected: CodeInvoiceNotVoidable},
		{Name: "write off without a reason", Given: histories[StatusSent], When: WriteOffInvoice{}, Rejected: CodeReasonMissing},
		{Name: "write off with NUL", Given: histories[StatusSent], When: WriteOffInvoice{"\x00"}, Rejected: CodeTextInvalid},
		{Name: "write off what is paid", Given: histories[StatusPaid], When: WriteOffInvoice{"x"}, Rejected: CodeNothingToWriteOff},

		{Name: "create again", Given: draft, When: create(func(*CreateInvoice) {}), Rejected: CodeInvoiceExists},
		{Name: "unknown invoice", When: SendInvoice{}, Rejected: CodeInvoiceNotFound},
		{Name: "deleted invoice", Given: histories[StatusDeleted], When: SendInvoice{}, Rejected: CodeInvoiceDeleted},
		{Name: "a name that cannot be seen", When: CreateInvoice{Details: named("\u200b"), Currency: "EUR", Lines: nil}, Rejected: CodeCustomerNameMissing},
		{Name: "a name of fillers", When: CreateInvoice{Details: named("\u3164\u2800 "), Currency: "EUR", Lines: nil}, Rejected: CodeCustomerNameMissing},
		{Name: "a name that turns around", When: CreateInvoice{Details: named("\u202egro.live"), Currency: "EUR", Lines: nil}, Rejected: CodeTextInvalid},
		{Name: "a name with tags", When: CreateInvoice{Details: named("a\U000e0061"), Currency: "EUR", Lines: nil}, Rejected: CodeTextInvalid},
		{Name: "a name that is not UTF-8", When: CreateInvoice{Details: named("a\xff"), Currency: "EUR", Lines: nil}, Rejected: CodeTextInvalid},
		{
			Name: "paid in two days", Given: histories[StatusSent], Time: time.Date(2026, 11, 28, 23, 0, 0, 0, time.UTC),
			When: ten, Rejected: CodeDateInvalid,
		},
		{
			Name: "due in eleven years", Given: draft, Rejected: CodeDateInvalid,
			When: ChangeDetails{Details{acme.Customer, acme.IssueDate, mustDate("2037-12-01")}},
		},
		{Name: "revise without a version", Given: draft, When: ReviseDraft{Details: acme, Lines: []RevisedLine{{"1", consulting}}}, Rejected: CodeVersionMissing},
		{Name: "revise an old version", Given: draft, Expected: new(int64(0)), When: ReviseDraft{Details: acme, Lines: []RevisedLine{}}, Rejected: eventim.CodeVersionConflict},
		{Name: "revise without a list of lines", Given: draft, Expected: new(int64(1)), When: ReviseDraft{Details: acme}, Rejected: CodeLinesMissing},
		{Name: "revise an unknown line", Given: draft, Expected: new(int64(1)), When: ReviseDraft{Details: acme, Lines: []RevisedLine{{"7", consulting}}}, Rejected: CodeLineNotFound},
		{
			Name: "revise a line twice", Given: draft, Expected: new(int64(1)),
			When: ReviseDraft{Details: acme, Lines: []RevisedLine{{"1", consulting}, {"1", hosting}}}, Rejected: CodeLineRepeated,
		},
		{Name: "change after sending", Given: histories[StatusSent], When: RemoveLineItem{"1"}, Rejected: CodeInvoiceNotDraft},
		{Name: "pay a draft", Given: draft, When: ten, Rejected: CodeInvoiceNotPayable},
		{Name: "stale version", Given: draft, When: SendInvoice{}, Expected: new(int64(0)), Rejected: eventim.CodeVersionConflict},
	}
	scenarios = append(scenarios, notPriced()...)
	scenarios = append(scenarios, notNumbered()...)
	covered := map[string]bool{}
	for _, s := range scenarios {
		covered[s.Rejected] = true
		run(t, s)
	}
	for _, code := range codes(t) {
		if !covered[code] {
			t.Errorf("no scenario is rejected with %s", code)
		}
	}
}

// lines is the creation of an invoice with n lines.
func lines(n int) InvoiceCreated {
	e := createdEmpty
	for i := range n {
		e.Lines = append(e.Lines, LineItem{strconv.Itoa(i + 1), consulting, eur("25.00")})
	}
	e.Total, _ = money.Of(int64(n)*2500, "EUR")
	return e
}

// payments is the history of a sent invoice on which n cents have been paid,
// one by one.
func payments(n int) []Event {
	history := []Event{created, sent}
	for i := range n {
		paid, balance := units(int64(i+1), "EUR"), units(int64(2500-i-1), "EUR")
		history = append(history, PaymentReceived{Payment: Payment{ID: strconv.Itoa(i + 1), Amount: eur("0.01"), Date: rest.Date}, Paid: paid, Balance: balance})
	}
	return history
}

// codes reads the codes out of the source, so that a new one needs a scenario.
func codes(t *testing.T) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "rejection.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			found[must(strconv.Unquote(lit.Value))] = true
		}
		return true
	})
	if len(found) == 0 {
		t.Fatal("rejection.go has no codes")
	}
	return slices.Sorted(maps.Keys(found))
}

func TestMessagesAreBounded(t *testing.T) {
	t.Parallel()
	huge := strings.Repeat("x", 1<<20)
	for _, cmd := range []Command{
		CreateInvoice{Details: acme, Currency: Currency(huge)},
		RemoveLineItem{huge},
		ChangeLineItem{LineID: huge},
		ChangeDetails{named(huge)},
		AddLineItem{LineDetails{Description: huge}},
	} {
		state := Invoice{}
		if _, create := cmd.(CreateInvoice); !create {
			state = Aggregate.Replay(state, created)
		}
		_, err := cmd.decide(state)
		if err == nil || len(err.Error()) > 200 {
			t.Errorf("%T with a huge text: error of %d characters, want one of at most 200", cmd, len(err.Error()))
		}
	}
}
