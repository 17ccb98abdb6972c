package main

import (
	"context"
	"os"
	"time"

	"github.com/eventim-go/eventim/cmd/bench/report"
)

// meter measures what a stretch of a session costs.
type meter struct {
	session *session
	began   time.Time
	first   costs
}

// costs are seconds of a core and bytes, since a process began.
type costs struct {
	contender, broker, generator, busy float64
	allocated                          int64
}

func (s *session) meter(ctx context.Context) (meter, error) {
	first, err := s.costs(ctx)
	return meter{s, time.Now(), first}, err
}

func (m meter) read(ctx context.Context) (report.Run, error) {
	seconds := time.Since(m.began).Seconds()
	now, err := m.session.costs(ctx)
	if err != nil {
		return report.Run{}, err
	}
	peak, err := peakOf(m.session.child.cmd.Process.Pid)
	if err != nil {
		return report.Run{}, err
	}
	r := report.Run{
		Seconds: seconds, CPU: now.contender - m.first.contender, Allocated: now.allocated - m.first.allocated, Resident: peak,
		BrokerCPU: now.broker - m.first.broker, GeneratorCPU: now.generator - m.first.generator,
	}
	r.OtherCPU = max(0, now.busy-m.first.busy-r.CPU-r.BrokerCPU-r.GeneratorCPU)
	return r, nil
}

func (s *session) costs(ctx context.Context) (costs, error) {
	var c costs
	var err error
	if c.allocated, err = s.child.allocated(ctx); err != nil {
		return c, err
	}
	if c.contender, err = cpuOf(s.child.cmd.Process.Pid); err != nil {
		return c, err
	}
	if c.generator, err = cpuOf(os.Getpid()); err != nil {
		return c, err
	}
	if s.broker.pid > 0 {
		if c.broker, err = cpuOf(s.broker.pid); err != nil {
			return c, err
		}
	}
	c.busy, err = busyCPU()
	return c, err
}
