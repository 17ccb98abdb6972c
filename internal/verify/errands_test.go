package verify

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/internal/checker"
	"github.com/eventim-go/eventim/internal/devbroker"
	"github.com/eventim-go/eventim/internal/errands"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/rcrowley/go-metrics.(*meterArbiter).tick"))
}

// errandsRun is what a correct run of errands leaves.
func errandsRun(t *testing.T) *Evidence {
	t.Helper()
	broker, err := devbroker.Start(devbroker.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = broker.Close() }()
	k := eventim.Kafka{Brokers: []string{broker.Addr()}}
	if err := errands.CreateTopics(t.Context(), "load", k, 1); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ran := make(chan error)
	go func() {
		ran <- errands.Run(ctx, "load", eventim.HandlerConfig{Kafka: k, Dir: t.TempDir(), Session: 6 * time.Second, Logger: slog.New(slog.DiscardHandler)})
	}()
	defer func() {
		stop()
		if err := <-ran; err != nil {
			t.Error(err)
		}
	}()
	if err := errands.StartMany(ctx, "load", k, 40); err != nil {
		t.Fatal(err)
	}
	source := Source{Brokers: k.Brokers, Processes: []Process{Errands("load")}, Settle: time.Minute}
	e := &Evidence{Log: &checker.Log{}}
	if e.Reactors, err = source.reactors(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := e.readAggregates(t.Context()); err != nil {
		t.Fatal(err)
	}
	return e
}

// TestJudgeFindsEveryCorruptionOfReactors damages what a correct run of errands left:
// timers, calls, ends and parked instances, beside what the numbering has.
func TestJudgeFindsEveryCorruptionOfReactors(t *testing.T) {
	t.Parallel()
	e := errandsRun(t)
	missed, err := SelfTest(e, ofReactors)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range missed {
		t.Errorf("the judge does not find %s", name)
	}
	r := Judge(e).Reactors[0]
	t.Log(r)
	// Of forty, four are parked (5, 16, 27, 38), and the others hear and do all there is.
	if r.Forgotten || r.Unfolded != 0 || r.Instances != 36 || r.Ended != 36 || r.Waiting != 4 || r.Timers != 0 || r.Answered != 36 || r.Fired < 36 {
		t.Errorf("it was judged to be %+v", r)
	}
}
