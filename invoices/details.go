package invoices

import (
	"strings"

	"github.com/eventim-go/eventim/eventim"
)

// Details say who is invoiced and when.
type Details struct {
	Customer  Customer `json:"customer"`
	IssueDate Date     `json:"issueDate"`
	DueDate   Date     `json:"dueDate"` // not before IssueDate
}

// Customer is whom an invoice is for, as the invoice says it.
//
// The tag required:"false", here and on fields of commands, tells the
// description of the API that the field may be absent.
type Customer struct {
	Name    string `json:"name" minLength:"1" maxLength:"200"`
	Email   string `json:"email" required:"false" maxLength:"254"`
	Address string `json:"address" required:"false" maxLength:"1000"`
}

func (d Details) check() error {
	if err := d.Customer.check(); err != nil {
		return err
	}
	if err := checkDate("issue date", d.IssueDate); err != nil {
		return err
	}
	if err := checkDate("due date", d.DueDate); err != nil {
		return err
	}
	if d.DueDate.Before(d.IssueDate) {
		return eventim.Reject(CodeDueBeforeIssue, "the due date %v is before the issue date %v", d.DueDate, d.IssueDate)
	}
	return nil
}

func (c Customer) check() error {
	if strings.TrimSpace(c.Name) == "" {
		return eventim.Reject(CodeCustomerNameMissing, "the customer has no name")
	}
	if err := checkText("customer name", c.Name, maxName); err != nil {
		return err
	}
	if err := checkText("customer e-mail", c.Email, maxEmail); err != nil {
		return err
	}
	return checkText("customer address", c.Address, maxAddress)
}
