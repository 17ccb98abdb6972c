package projector_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/eventim-go/eventim/internal/devpostgres/pgtest"
)

func TestMain(m *testing.M) {
	if os.Getenv(childTopic) != "" {
		runChild()
		return
	}
	// sarama's metrics start one ticker per process and never stop it.
	pgtest.Main(m, goleak.IgnoreAnyFunction("github.com/rcrowley/go-metrics.(*meterArbiter).tick"))
}
