package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/internal/app"
	"github.com/eventim-go/eventim/invoices/operations"
)

type deadLettersCommand struct {
	List    listDeadLetters   `cmd:"" help:"List the commands that could not be handled, the newest first."`
	Show    showDeadLetter    `cmd:"" help:"Show one: its headers and its payload, why it failed, and what became of it."`
	Retry   retryDeadLetter   `cmd:"" help:"Send its command again, which takes effect once, and wait for the result."`
	Discard discardDeadLetter `cmd:"" help:"Give its command up; who did, and why, stays on record."`
}

// ofKafka is what all commands need that ask Kafka alone.
type ofKafka struct {
	Wait  time.Duration `default:"30s" placeholder:"TIME" help:"How long to wait at most for what was asked for."`
	Kafka kafkaFlags    `embed:"" group:"kafka"`
}

// with calls fn with the installation, when Kafka is there.
func (o ofKafka) with(ctx context.Context, p process, fn func(context.Context, operations.Installation) error) error {
	k, err := o.Kafka.connection("invoices-operations")
	if err != nil {
		return err
	}
	if err := app.AwaitKafka(ctx, k, p.logger); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, o.Wait)
	defer cancel()
	return fn(ctx, operations.New(k, o.Kafka.aggregate()))
}

// byFlag says who does something that stays on record.
type byFlag struct {
	By string `env:"EVENTIM_OPERATOR" placeholder:"NAME" help:"Who does it, for the record; who is logged in on this machine, if nobody is named."`
}

func (f byFlag) who() string { return cmp.Or(f.By, os.Getenv("USER")) }

type listDeadLetters struct {
	All   bool `help:"Also those that were retried or discarded."`
	Limit int  `default:"50" placeholder:"N" help:"At most so many; 0 for all."`
	JSON  bool `name:"json" help:"Write JSON."`
	ofKafka
}

// Run runs the command.
func (c *listDeadLetters) Run(ctx context.Context, p process) error {
	return c.with(ctx, p, func(ctx context.Context, i operations.Installation) error {
		list, err := i.DeadLetters(ctx, c.All, c.Limit)
		if err != nil {
			return err
		}
		if c.JSON {
			return encode(p.out, list)
		}
		return printDeadLetters(p.out, list)
	})
}

func printDeadLetters(out io.Writer, list operations.DeadLetterList) error {
	if len(list.DeadLetters) == 0 {
		fmt.Fprintln(out, "no dead letters")
	} else {
		table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "ID\tTIME\tSTATE\tCOMMAND\tAGGREGATE\tCODE\tRETRIES\tREASON")
		for _, d := range list.DeadLetters {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%d\t%s\n", d.ID, d.Time.Format(time.DateTime), d.State,
				cell(d.Type), cell(d.Aggregate), d.Code, len(d.Attempts), cell(d.Reason))
		}
		if err := table.Flush(); err != nil {
			return err
		}
	}
	if list.More > 0 {
		fmt.Fprintf(out, "and %d more: --limit 0 lists all\n", list.More)
	}
	if list.Foreign > 0 {
		fmt.Fprintf(out, "%d records of the topics are no dead letters\n", list.Foreign)
	}
	return nil
}

// cell is text that anybody may have sent, in a table of a terminal.
func cell(s string) string {
	const most = 80
	line := []rune(s)
	if len(line) > most {
		line = append(line[:most:most], '…')
	}
	if quoted := fmt.Sprintf("%q", string(line)); s == "" || quoted != `"`+s+`"` {
		return quoted
	}
	return s
}

type showDeadLetter struct {
	ID string `arg:"" help:"As the list has it, such as invoice-commands/3:42."`
	ofKafka
}

// Run runs the command.
func (c *showDeadLetter) Run(ctx context.Context, p process) error {
	return c.with(ctx, p, func(ctx context.Context, i operations.Installation) error {
		d, err := i.DeadLetter(ctx, c.ID)
		if err != nil {
			return err
		}
		return encode(p.out, d)
	})
}

type retryDeadLetter struct {
	ID string `arg:"" help:"As the list has it."`
	byFlag
	ofKafka
}

// Help is shown by dead-letters retry --help.
func (c *retryDeadLetter) Help() string {
	return `The command is sent again as it was, under an id of its own that everybody who
retries it uses: it takes effect at most once. When it is accepted, the dead letter has
ended. Otherwise it stays, with the attempt, and a later retry is another command.`
}

// Run runs the command.
func (c *retryDeadLetter) Run(ctx context.Context, p process) error {
	return c.with(ctx, p, func(ctx context.Context, i operations.Installation) error {
		res, err := i.Retry(ctx, c.ID, c.who())
		if errors.Is(err, eventim.ErrUnanswered) {
			err = fmt.Errorf("%w; retry it again to see what became of it, which has no second effect", err)
		}
		if err != nil {
			return err
		}
		if err := encode(p.out, res); err != nil || res.Ended {
			return err
		}
		return fmt.Errorf("the command is %s (%s): the dead letter stays", res.Outcome, res.Code)
	})
}

type discardDeadLetter struct {
	ID  string `arg:"" help:"As the list has it."`
	Why string `placeholder:"TEXT" help:"Why, for the record."`
	byFlag
	ofKafka
}

// Run runs the command.
func (c *discardDeadLetter) Run(ctx context.Context, p process) error {
	return c.with(ctx, p, func(ctx context.Context, i operations.Installation) error {
		if _, err := i.Discard(ctx, c.ID, c.who(), c.Why); err != nil {
			return err
		}
		_, err := fmt.Fprintf(p.out, "%s is discarded\n", c.ID)
		return err
	})
}
