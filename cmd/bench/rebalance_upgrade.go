package main

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"
)

// upgrade replaces three handlers by those of another program, one after the other under
// load, and goes back again. Each command is answered once. It returns what happened.
func (t *rebalanceTurn) upgrade(ctx context.Context, to handlerProgram) (lines []string, err error) {
	err = t.loaded(ctx, func() error {
		for _, program := range []handlerProgram{to, t.handler} {
			t.load.begin()
			if err := t.replaceAll(ctx, program); err != nil {
				return err
			}
			protocol, err := t.members.protocol(ctx)
			if err != nil {
				return err
			}
			longest := time.Duration(0)
			for _, silence := range t.load.silences(t.Partitions) {
				longest = max(longest, silence)
			}
			lines = append(lines, fmt.Sprintf("three handlers became those of %q, one after the other: the group goes by %s, the longest pause of a partition was %.1f s",
				program.name, protocol, longest.Seconds()))
		}
		return nil
	})
	return lines, err
}

// replaceAll replaces the members, the oldest first. One that goes back waits until the
// last of the newer ones has gone.
func (t *rebalanceTurn) replaceAll(ctx context.Context, program handlerProgram) error {
	t.members.program = program.path
	for range 3 {
		if err := errors.Join(t.members.endFirst(syscall.SIGTERM), t.members.start(), wait(ctx, 5*time.Second)); err != nil {
			return err
		}
	}
	if err := t.members.await(ctx, 3); err != nil {
		return err
	}
	return t.load.await(ctx, time.Minute, func() bool { return t.load.outstanding() < int64(t.Rate) }) // what has waited is handled
}
