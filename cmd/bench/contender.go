package main

import (
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/eventim-go/eventim/cmd/bench/report"
)

// contender is a program that handles the commands, and what is measured of
// it.
type contender struct {
	report.Contender
	stateful bool // answers with the state
	exact    bool // each command has one result
	load     bool // takes part in the phases under load
	restart  bool // takes part in restart and restore
	command  func(p programs, a assignment) []string
}

// assignment is what a contender is to do.
type assignment struct {
	kafka, name, data string
	partitions        int32
	session           time.Duration
	profile           string // file for a CPU profile, if it can
}

func (a assignment) flags() []string {
	return []string{
		"--kafka=" + a.kafka, "--name=" + a.name, "--data=" + a.data,
		"--partitions=" + strconv.Itoa(int(a.partitions)), "--session-ms=" + strconv.FormatInt(a.session.Milliseconds(), 10),
	}
}

// programs are the programs of the contenders, once they are built.
type programs struct {
	self string   // this one
	java []string // command line up to the flags
	goka string
}

func contenders() []contender {
	list := []contender{
		{
			Contender: report.Contender{
				Name: "eventim", Title: "Eventim",
				Note: "the invoice domain, state in Pebble, command ids deduplicated; 2 lanes",
			},
			stateful: true, exact: true, load: true, restart: true,
			command: func(p programs, a assignment) []string {
				args := append([]string{p.self, "contender", "eventim"}, a.flags()...)
				if a.profile != "" {
					args = append(args, "--profile="+a.profile)
				}
				return args
			},
		},
		{
			Contender: report.Contender{
				Name: "raw", Title: "raw loop",
				Note: "a loop over the transactional producer of sarama, with 2 lanes, that writes records of the same number and sizes, and does nothing else: no state, no JSON, no deduplication, no care for faults. What Kafka and the client cost",
			},
			exact: true, load: true,
			command: func(p programs, a assignment) []string {
				return append([]string{p.self, "contender", "raw"}, a.flags()...)
			},
		},
	}
	for _, commit := range []int{100, 10} {
		for _, threads := range []int{1, 2} {
			list = append(list, streams(commit, threads, false))
		}
	}
	return append(list, streams(100, 1, true), contender{
		Contender: report.Contender{
			Name: "goka", Title: "goka",
			Note: "goka 1.1.14 with the same Go domain and LevelDB, flushing after 1 ms instead of its default of 100 ms. A weaker guarantee: at least once, no transactions, no deduplication, results are visible before anything is committed",
		},
		stateful: true, load: true, restart: true,
		command: func(p programs, a assignment) []string { return append([]string{p.goka}, a.flags()...) },
	})
}

func streams(commit, threads int, static bool) contender {
	c := contender{
		Contender: report.Contender{
			Name: fmt.Sprintf("streams-%dms-%dt", commit, threads), Title: fmt.Sprintf("Kafka Streams, %d ms, %d thread", commit, threads),
			Note: fmt.Sprintf("Kafka Streams %s, exactly_once_v2, RocksDB, the same JSON work in Java with Jackson, commit.interval.ms=%d, num.stream.threads=%d. No deduplication of command ids", kafkaVersion(), commit, threads),
		},
		stateful: true, exact: true, load: !static, restart: commit == 100 && threads == 1,
	}
	if threads > 1 {
		c.Title += "s"
	}
	if static {
		c.Name, c.Title = c.Name+"-static", c.Title+", static member"
		c.Note += ". With group.instance.id: a restarted process need not wait for the session of the dead one to end"
	}
	c.command = func(p programs, a assignment) []string {
		args := append(append([]string{}, p.java...), a.flags()...)
		args = append(args, "--commit-ms="+strconv.Itoa(commit), "--threads="+strconv.Itoa(threads))
		if static {
			args = append(args, "--static="+a.name)
		}
		return args
	}
	return c
}

// start starts a contender on its assignment.
func (c contender) start(p programs, a assignment, log *os.File) (*child, error) {
	return startChild(c.command(p, a), log)
}
