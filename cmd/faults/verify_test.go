package main

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/eventim-go/eventim/internal/devpostgres/pgtest"
	"github.com/eventim-go/eventim/internal/verify"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/rcrowley/go-metrics.(*meterArbiter).tick"))
}

// TestJudgeFindsEveryCorruption makes a correct run and damages what it left.
func TestJudgeFindsEveryCorruption(t *testing.T) {
	t.Parallel()
	evidence, err := correctRun(t.Context(), pgtest.Dir(t))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(verify.Corruptions()); n != 36 {
		t.Errorf("there are %d corruptions, want 36", n)
	}
	missed, err := verify.SelfTest(evidence, verify.Corruptions())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range missed {
		t.Errorf("the judge does not find %s", name)
	}
}
