package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/eventim/eventimtest"
)

// doctor runs doctor transactions, which must end with code, and returns what it
// lists.
func doctor(t *testing.T, env []string, code int, args ...string) (all []diagnosis) {
	t.Helper()
	got, stdout, stderr := run(t, env, append([]string{"doctor", "transactions", "--json"}, args...)...)
	if err := json.Unmarshal([]byte(stdout), &all); err != nil || got != code || all == nil {
		t.Fatalf("doctor %q: exit code %d, want %d; %v\n%s%s", args, got, code, err, stdout, stderr)
	}
	return all
}

func TestDoctorTransactions(t *testing.T) {
	t.Parallel()
	broker, aggregate := eventimtest.Embedded(t), eventimtest.Name(t, "invoice")
	env := []string{"EVENTIM_KAFKA=" + strings.Join(broker.ListenAddrs(), ","), "EVENTIM_AGGREGATE=" + aggregate, "EVENTIM_REPLICATION=1"}
	succeed(t, env, "topics", "create")
	if all := doctor(t, env, 0); len(all) != 0 {
		t.Errorf("%+v is open, want nothing", all)
	}
	id := eventimtest.Name(t, "producer")
	producer, err := kgo.NewClient(kgo.SeedBrokers(broker.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.TransactionalID(id), kgo.TransactionTimeout(5*time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(producer.Close)
	if err := producer.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := producer.ProduceSync(t.Context(), &kgo.Record{Topic: aggregate + "-results", Partition: 3, Value: []byte("never")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	all := doctor(t, env, 0, "--mend")
	if len(all) != 1 || all[0].Verdict != eventim.Alive || all[0].Mended || all[0].TransactionalID != id || all[0].Partition != 3 {
		t.Fatalf("%+v is open, want the one that is alive", all)
	}
	pid, epoch, err := producer.ProducerID(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	describe := kmsg.DescribeTransactions
	broker.ControlKey(describe.Int16(), func(r kmsg.Request) (kmsg.Response, error, bool) {
		broker.KeepControl()
		resp := r.ResponseKind().(*kmsg.DescribeTransactionsResponse)
		s := kmsg.NewDescribeTransactionsResponseTransactionState()
		s.TransactionalID, s.ProducerID, s.ProducerEpoch, s.State = id, pid, epoch, "CompleteAbort"
		resp.TransactionStates = append(resp.TransactionStates, s)
		return resp, nil, true
	})
	if all = doctor(t, env, 1); len(all) != 1 || all[0].Verdict != eventim.Torn || all[0].Fate != eventim.Aborted || all[0].Mended {
		t.Fatalf("%+v is open, want one that is torn, and was aborted", all)
	}
	if all = doctor(t, env, 0, "--mend"); len(all) != 1 || !all[0].Mended || all[0].Error != "" {
		t.Fatalf("%+v, want it mended", all)
	}
	if code, stdout, stderr := run(t, env, "doctor", "transactions", "--mend"); code != 0 || !strings.Contains(stdout, "done: write a marker: abort") {
		t.Errorf("exit code %d: %s%s", code, stdout, stderr)
	}
}
