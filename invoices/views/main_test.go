package views_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/eventim-go/eventim/internal/devpostgres/pgtest"
)

// sarama's metrics start one ticker per process and never stop it.
func TestMain(m *testing.M) {
	pgtest.Main(m, goleak.IgnoreAnyFunction("github.com/rcrowley/go-metrics.(*meterArbiter).tick"))
}
