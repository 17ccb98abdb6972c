package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/twmb/franz-go/pkg/kfake"
)

func (s *servers) startKafka(_ context.Context, dir string, _ *slog.Logger) error {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	broker, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.DataDir(dir), kfake.BrokerConfigs(map[string]string{
		"log.retention.ms": "-1", "log.retention.bytes": "-1", "log.cleaner.backoff.ms": "315360000000",
	}))
	if err != nil {
		return err
	}
	s.kafka.Brokers = broker.ListenAddrs()
	s.stop = append(s.stop, func() error { broker.Close(); return nil })
	return nil
}
