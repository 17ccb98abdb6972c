package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/eventim-go/eventim/projector"
)

type viewsCommand struct {
	JSON     bool          `name:"json" help:"Write JSON, one array."`
	Postgres postgresFlags `embed:"" group:"postgres"`
}

// Run runs the command.
func (c *viewsCommand) Run(ctx context.Context, p process) error {
	return withRebuilds(ctx, p, c.Postgres, func(r projector.Rebuilds) error {
		views, err := r.Views(ctx)
		if err != nil {
			return err
		}
		if c.JSON {
			return encode(p.out, views)
		}
		return printViews(p.out, views)
	})
}

func encode(out io.Writer, v any) error {
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

func printViews(out io.Writer, views []projector.ViewStatus) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "VIEW\tVERSION\tLIVE SINCE\tRECORDS UP TO\tLAST APPLIED\tREBUILD")
	for _, v := range views {
		version := fmt.Sprint(v.Version)
		if v.Newer > 0 {
			version += fmt.Sprintf(" (%d is being built)", v.Newer)
		}
		rebuild := "never"
		if v.Rebuild != nil {
			rebuild = describeRebuild(*v.Rebuild)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%s\t%s\n", v.View, version, v.LiveSince.Format(time.DateTime), v.Records, v.UpdatedAt.Format(time.DateTime), rebuild)
	}
	return table.Flush()
}

// describeRebuild is a rebuild in a few words.
func describeRebuild(r projector.Rebuild) string {
	text := string(r.State)
	if done, all := offsetsOf(r); r.State == projector.RebuildBuilding && all > 0 {
		text += fmt.Sprintf(" (%d %%)", 100*done/all)
	}
	switch {
	case r.Error != "":
		text += ", failed"
	case r.Paused:
		text += ", paused"
	}
	return text
}

// offsetsOf are those that a rebuild has applied, and those that it was begun with.
func offsetsOf(r projector.Rebuild) (done, all int64) {
	for _, p := range r.Partitions {
		done, all = done+min(p.Next, p.Target)-p.Start, all+p.Target-p.Start
	}
	return done, all
}

func printRebuild(out io.Writer, r projector.Rebuild) error {
	fmt.Fprintf(out, "rebuild %d of %s, version %d: %s\n", r.ID, r.View, r.Version, describeRebuild(r))
	if r.Error != "" {
		fmt.Fprintf(out, "%s\n`invoices rebuild resume %s` tries again when that is mended.\n", r.Error, r.View)
	}
	if r.KeepUntil != nil && r.EndedAt == nil {
		fmt.Fprintf(out, "the rows of before are kept until %s\n", r.KeepUntil.Format(time.RFC3339))
	}
	if len(r.Partitions) > 0 {
		table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "PARTITION\tNEXT\tTARGET\tLIVE\tPER SECOND\tREMAINING\tWORKER")
		for _, p := range r.Partitions {
			fmt.Fprintf(table, "%d\t%d\t%d\t%d\t%.0f\t%s\t%s\n", p.Partition, p.Next, p.Target, p.Live, p.Rate, remaining(p.Remaining()), p.Worker)
		}
		if err := table.Flush(); err != nil {
			return err
		}
	}
	if r.Comparison == nil {
		return nil
	}
	return printComparison(out, *r.Comparison)
}

func remaining(d time.Duration) string {
	if d < 0 {
		return "unknown"
	}
	return d.Round(time.Second).String()
}

func printComparison(out io.Writer, c projector.Comparison) error {
	fmt.Fprintf(out, "compared at %s: %s\n", c.At.Format(time.RFC3339), c.Summary())
	for _, t := range c.Tables {
		table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		fmt.Fprintf(table, "%s\tLIVE ROWS\tBUILT ROWS\tLIVE SUM\tBUILT SUM\n", t.Table)
		for _, p := range t.Partitions {
			name := fmt.Sprintf("partition %d", p.Partition)
			if p.Partition < 0 {
				name = "all"
			}
			fmt.Fprintf(table, "%s\t%d\t%d\t%s\t%s\n", name, p.LiveRows, p.BuiltRows, p.LiveSum, p.BuiltSum)
		}
		if err := table.Flush(); err != nil {
			return err
		}
		for _, d := range t.Differences {
			fmt.Fprintf(out, "%s\n  live:  %s\n  built: %s\n", d.Key, orMissing(d.Live), orMissing(d.Built))
		}
	}
	return nil
}

func orMissing(row string) string {
	if row == "" {
		return "not there"
	}
	return row
}
