package main_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/eventim-go/eventim/internal/devpostgres/pgtest"
)

func TestMain(m *testing.M) {
	// The Kafka client keeps its metrics for the life of the process.
	pgtest.Main(m, goleak.IgnoreAnyFunction("github.com/rcrowley/go-metrics.(*meterArbiter).tick"))
}
