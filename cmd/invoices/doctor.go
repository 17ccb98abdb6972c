package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/internal/app"
)

type doctorCommand struct {
	Transactions doctorTransactionsCommand `cmd:"" help:"List the transactions that are open, and mend those that the brokers have torn."`
}

type doctorTransactionsCommand struct {
	Mend  bool       `help:"Write the markers that torn transactions lack, as their coordinator recorded it. Needs the right to alter the cluster."`
	JSON  bool       `name:"json" help:"Write JSON, one array."`
	Kafka kafkaFlags `embed:"" group:"kafka"`
}

// Help is the text below the flags.
func (c *doctorTransactionsCommand) Help() string {
	return `A transaction is torn when its coordinator has ended it and a partition has no
marker of that: whoever reads committed records waits there for ever. Kafka does
that when a broker is killed and comes back within seconds. Handlers mend such
transactions by themselves, where they have the right to.

The exit code is 0 when none is torn, or all are mended, and 1 otherwise.`
}

// diagnosis is an open transaction and what is, or was, done about it.
type diagnosis struct {
	eventim.OpenTransaction
	Age    float64 `json:"ageSeconds"` // since its last write
	Remedy string  `json:"remedy"`
	Mended bool    `json:"mended"`
	Error  string  `json:"error,omitempty"`
}

// Run runs the command.
func (c *doctorTransactionsCommand) Run(ctx context.Context, p process) error {
	k, err := c.Kafka.connection("invoices-doctor")
	if err != nil {
		return err
	}
	if err := app.AwaitKafka(ctx, k, p.logger); err != nil {
		return err
	}
	a := c.Kafka.aggregate()
	open, examined := app.OpenTransactions(ctx, k, a)
	all := make([]diagnosis, 0, len(open)) // an empty array, not null
	torn := 0
	for _, t := range open {
		d := diagnose(t)
		if c.Mend && mendable(t) {
			err := a.MendTransaction(ctx, k, t)
			if d.Mended = err == nil; err != nil {
				d.Error = err.Error()
			}
		}
		if t.Verdict == eventim.Torn && !d.Mended {
			torn++
		}
		all = append(all, d)
	}
	print := printDiagnoses
	if c.JSON {
		print = encodeDiagnoses
	}
	if err := errors.Join(print(p.out, all), examined); err != nil {
		return err
	}
	if torn > 0 {
		return fmt.Errorf("%d transactions are torn, and not mended", torn)
	}
	return nil
}

func mendable(t eventim.OpenTransaction) bool {
	return t.Verdict == eventim.Torn && t.Fate != eventim.Unknown
}

func diagnose(t eventim.OpenTransaction) diagnosis {
	d := diagnosis{OpenTransaction: t, Age: time.Since(t.LastWrite).Seconds()}
	switch {
	case t.Verdict != eventim.Torn:
		d.Remedy = "none: " + t.Reason
	case mendable(t):
		d.Remedy = "write a marker: " + string(t.Fate)
	default:
		d.Remedy = fmt.Sprintf("not recorded how it ended: decide, and run kafka-transactions.sh abort --topic %s --partition %d --start-offset %d, which loses it",
			t.Topic, t.Partition, t.StartOffset)
	}
	return d
}

func encodeDiagnoses(out io.Writer, all []diagnosis) error {
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	return e.Encode(all)
}

func printDiagnoses(out io.Writer, all []diagnosis) error {
	if len(all) == 0 {
		_, err := fmt.Fprintln(out, "no transaction is open")
		return err
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "TOPIC\tPARTITION\tOFFSET\tPRODUCER\tEPOCH\tTRANSACTIONAL ID\tAGE\tVERDICT\tFATE\tREMEDY")
	for _, d := range all {
		remedy := d.Remedy
		if d.Mended {
			remedy = "done: " + remedy
		}
		if d.Error != "" {
			remedy = "failed: " + d.Error
		}
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%d\t%s\t%v\t%s\t%s\t%s\n", d.Topic, d.Partition, d.StartOffset, d.ProducerID, d.ProducerEpoch,
			d.TransactionalID, time.Duration(d.Age*float64(time.Second)).Round(time.Second), d.Verdict, d.Fate, remedy)
	}
	return table.Flush()
}
