package devbroker

import (
	"fmt"
	"io"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// The test binary is also the process that a test kills: it runs the broker of this directory.
const childDir = "DEVBROKER_TEST_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		os.Exit(serve(dir))
	}
	// sarama's metrics share one goroutine that never ends.
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/rcrowley/go-metrics.(*meterArbiter).tick"))
}

func serve(dir string) int {
	b, err := Start(Config{Dir: dir})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println(b.Addr())
	_, _ = io.Copy(io.Discard, os.Stdin) // until the test that owns the other end is gone
	return 0
}
