package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// memberList are the processes of a group, in the order in which they joined.
type memberList struct {
	program, addresses, name, dir string
	partitions                    int32
	group                         string
	admin                         *kadm.Client
	log                           *os.File
	running                       []*exec.Cmd
	started                       int
	sleeper                       string // the instance that did nothing for a while
}

func newMemberList(program string, b broker, name string, partitions int32, dir string) (memberList, error) {
	l := memberList{program: program, addresses: b.addresses, name: name, dir: dir, partitions: partitions, group: aggregate(name, partitions).Group()}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return l, err
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(b.kafka().Brokers...))
	if err != nil {
		return l, err
	}
	l.admin = kadm.NewClient(client)
	l.log, err = os.Create(dir + ".log") //nolint:gosec // beside a directory of ours
	return l, err
}

func (l *memberList) start() error {
	cmd := exec.Command(l.program, "handler", "--kafka", l.addresses, "--data", l.data(l.started), //nolint:gosec,noctx // our own program, ended by end
		"--name", l.name, "--partitions", strconv.Itoa(int(l.partitions)))
	cmd.Stderr = l.log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for us, who then end it
	if err := cmd.Start(); err != nil {
		return err
	}
	l.running, l.started = append(l.running, cmd), l.started+1
	return nil
}

func (l *memberList) data(n int) string { return filepath.Join(l.dir, strconv.Itoa(n)) }

// end ends the member that has joined last.
func (l *memberList) end(signal syscall.Signal) error {
	last := l.running[len(l.running)-1]
	l.running = l.running[:len(l.running)-1]
	if err := last.Process.Signal(signal); err != nil {
		return err
	}
	_ = last.Wait() // how it ends is not measured
	return nil
}

// endFirst ends the member that has joined first.
func (l *memberList) endFirst(signal syscall.Signal) error {
	l.running = append(l.running[1:], l.running[0])
	return l.end(signal)
}

// standing says where the partitions stand of which commands are not handled, or results
// not visible.
func (l *memberList) standing(ctx context.Context) error {
	topics := aggregate(l.name, l.partitions).Topics()
	ends, err := l.admin.ListEndOffsets(ctx, topics.Commands, topics.Results)
	if err != nil {
		return err
	}
	visible, err := l.admin.ListCommittedOffsets(ctx, topics.Results)
	if err != nil {
		return err
	}
	handled, err := l.admin.FetchOffsets(ctx, l.group)
	if err != nil {
		return err
	}
	var all []error
	for p := range l.partitions {
		end, _ := ends.Lookup(topics.Commands, p)
		at, _ := handled.Lookup(topics.Commands, p)
		written, _ := ends.Lookup(topics.Results, p)
		seen, _ := visible.Lookup(topics.Results, p)
		if end.Offset > at.At || written.Offset > seen.Offset {
			all = append(all, fmt.Errorf("partition %d: %d of %d commands handled, results visible up to %d of %d",
				p, at.At, end.Offset, seen.Offset, written.Offset))
		}
	}
	return errors.Join(all...)
}

// protocol is the strategy by which the group shares its partitions.
func (l *memberList) protocol(ctx context.Context) (string, error) {
	groups, err := l.admin.DescribeGroups(ctx, l.group)
	return groups[l.group].Protocol, err
}

// startBesideASleeper starts a member while the first one does nothing for three
// seconds: it sits in whatever it was about, such as a transaction.
func (l *memberList) startBesideASleeper() error {
	id, err := os.ReadFile(filepath.Join(l.data(0), l.name, "instance"))
	if err != nil {
		return err
	}
	l.sleeper = strings.TrimSpace(string(id))
	first := l.running[0].Process
	if err := first.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	time.AfterFunc(3*time.Second, func() { _ = first.Signal(syscall.SIGCONT) })
	return l.start()
}

// close ends all members.
func (l *memberList) close() error {
	for len(l.running) > 0 {
		_ = l.running[len(l.running)-1].Process.Signal(syscall.SIGCONT)
		_ = l.end(syscall.SIGKILL)
	}
	l.admin.Close()
	return l.log.Close()
}

// owners returns the instance that has each partition.
func (l *memberList) owners(ctx context.Context) (map[int32]string, error) {
	groups, err := l.admin.DescribeGroups(ctx, l.group)
	if err != nil {
		return nil, err
	}
	all := map[int32]string{}
	for _, m := range groups[l.group].Members {
		assigned, ok := m.Assigned.AsConsumer()
		if !ok {
			continue
		}
		for _, topic := range assigned.Topics {
			for _, p := range topic.Partitions {
				all[p] = m.ClientID
			}
		}
	}
	return all, nil
}

// await waits until n members share all partitions.
func (l *memberList) await(ctx context.Context, n int) error {
	ctx, cancel := context.WithTimeoutCause(ctx, 2*time.Minute, fmt.Errorf("not %d members after two minutes (log: %s)", n, l.log.Name()))
	defer cancel()
	for {
		owners, err := l.owners(ctx)
		members := map[string]bool{}
		for _, m := range owners {
			members[m] = true
		}
		if err == nil && len(members) == n && len(owners) == int(l.partitions) {
			return nil
		}
		if wait(ctx, 50*time.Millisecond) != nil {
			return errors.Join(context.Cause(ctx), err)
		}
	}
}
