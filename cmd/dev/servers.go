package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"

	"github.com/eventim-go/eventim/embedded"
	"github.com/eventim-go/eventim/eventim"
)

// servers are the Kafka and the Postgres to use, and how they are stopped when
// they are ours.
type servers struct {
	kafka    eventim.Kafka
	postgres string // URL
	watch    []eventim.Part
	stop     []func() error
}

func startServers(ctx context.Context, f flags, logger *slog.Logger) (*servers, error) {
	s := &servers{kafka: eventim.Kafka{Brokers: f.Kafka}, postgres: f.Postgres}
	if f.Postgres == "" {
		if err := s.startPostgres(ctx, filepath.Join(f.Data, "postgres"), logger); err != nil {
			return nil, err
		}
	}
	if len(f.Kafka) == 0 {
		if err := s.startKafka(filepath.Join(f.Data, "kafka"), logger); err != nil {
			return nil, errors.Join(err, s.close())
		}
	}
	return s, nil
}

func (s *servers) startPostgres(ctx context.Context, dir string, logger *slog.Logger) error {
	server, err := embedded.StartPostgres(ctx, embedded.Config{Dir: dir, Logger: logger})
	if err != nil {
		return err
	}
	s.postgres = server.URL()
	s.stop = append(s.stop, server.Close)
	s.watch = append(s.watch, eventim.Part{Name: "postgres", Run: func(ctx context.Context) error {
		select {
		case <-ctx.Done():
			return nil
		case <-server.Done():
			return fmt.Errorf("the server ended; %s says why", filepath.Join(dir, "postgres.log"))
		}
	}})
	return nil
}

func (s *servers) startKafka(dir string, logger *slog.Logger) error {
	broker, err := embedded.StartBroker(embedded.Config{Dir: dir, Logger: logger})
	if err != nil {
		return err
	}
	s.kafka = broker.Kafka()
	s.stop = append(s.stop, broker.Close)
	return nil
}

// close stops what was started, the last first.
func (s *servers) close() error {
	var errs []error
	for _, stop := range slices.Backward(s.stop) {
		errs = append(errs, stop())
	}
	return errors.Join(errs...)
}
