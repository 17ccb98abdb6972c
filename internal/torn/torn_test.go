package torn

import (
	"testing"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// What a coordinator says of a producer whose transaction, of epoch 5, was open
// before and after it was asked.
func TestVerdict(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		state string // "": no coordinator knows the producer
		epoch int16
		want  Verdict
		fate  Fate
	}{
		"no answer":                                    {"", 0, Alive, ""},
		"its producer may go on":                       {"Ongoing", 5, Alive, ""},
		"it is being committed":                        {"PrepareCommit", 5, Alive, ""},
		"it is being aborted":                          {"PrepareAbort", 5, Alive, ""},
		"its producer has been fenced":                 {"PrepareAbort", 6, Alive, ""},
		"its producer is being fenced":                 {"PrepareEpochFence", 6, Alive, ""},
		"it was committed":                             {"CompleteCommit", 5, Torn, Committed},
		"it was aborted":                               {"CompleteAbort", 5, Torn, Aborted},
		"it was aborted, or is older than what was":    {"CompleteAbort", 6, Torn, Unknown},
		"it is older than what was committed":          {"CompleteCommit", 6, Torn, Unknown},
		"its producer has begun anew, and done naught": {"Empty", 6, Torn, Unknown},
		"its producer is in a later transaction":       {"Ongoing", 6, Torn, Unknown},
	} {
		states := map[int64]sarama.TransactionState{}
		if c.state != "" {
			states[7] = sarama.TransactionState{TransactionalID: "id", TransactionState: c.state, ProducerID: 7, ProducerEpoch: c.epoch}
		}
		open := Transaction{ProducerID: 7, ProducerEpoch: 5}
		open.judge(states)
		if open.Verdict != c.want || open.Fate != c.fate {
			t.Errorf("%s: %s, %s; want %s, %s", name, open.Verdict, open.Fate, c.want, c.fate)
		}
	}
}

// What the log of the coordinator says of the transaction of epoch 5.
func TestRecordedFate(t *testing.T) {
	t.Parallel()
	const other = 8
	for name, c := range map[string]struct {
		log  []recorded
		want Fate
	}{
		"nothing":                  {nil, Unknown},
		"under way":                {[]recorded{{7, 5, stateOngoing}}, Unknown},
		"committed":                {[]recorded{{7, 5, stateOngoing}, {7, 5, statePrepareCommit}, {7, 5, stateCompleteCommit}, {7, 6, 0}}, Committed},
		"aborted":                  {[]recorded{{7, 5, stateOngoing}, {7, 5, statePrepareAbort}}, Aborted},
		"compacted to its end":     {[]recorded{{7, 5, stateCompleteAbort}, {7, 6, stateOngoing}, {7, 6, statePrepareCommit}}, Aborted},
		"fenced":                   {[]recorded{{7, 5, stateOngoing}, {7, 6, statePrepareAbort}, {7, 6, stateCompleteAbort}}, Aborted},
		"compacted, the next one":  {[]recorded{{7, 6, stateOngoing}, {7, 6, statePrepareAbort}}, Unknown},
		"of the next, aborted":     {[]recorded{{7, 5, stateOngoing}, {7, 6, 0}, {7, 6, stateOngoing}, {7, 6, statePrepareAbort}}, Unknown},
		"of the next, committed":   {[]recorded{{7, 5, stateOngoing}, {7, 6, statePrepareCommit}}, Unknown},
		"of another producer":      {[]recorded{{other, 5, stateOngoing}, {other, 5, statePrepareCommit}}, Unknown},
		"of a producer id renewed": {[]recorded{{7, 5, stateOngoing}, {7, 5, statePrepareCommit}, {other, 0, 0}}, Committed},
	} {
		if got := pastStates(c.log).fate(7, 5); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// The records of __transaction_state as another client library writes them.
func TestTransactionStateRecords(t *testing.T) {
	t.Parallel()
	key := kmsg.TxnMetadataKey{TransactionalID: "g/ä/0"}
	if id, err := transactionalIDIn(key.AppendTo(nil)); id != key.TransactionalID || err != nil {
		t.Errorf("id %q, %v", id, err)
	}
	for version := range int16(2) {
		value := kmsg.NewTxnMetadataValue()
		value.Version, value.ProducerID, value.ProducerEpoch, value.TimeoutMillis = version, 1<<40, 300, 15_000
		value.State = kmsg.TransactionStatePrepareAbort
		topic := kmsg.NewTxnMetadataValueTopic()
		topic.Topic, topic.Partitions = "results", []int32{1, 2}
		value.Topics = append(value.Topics, topic)
		got, err := transactionStateIn(value.AppendTo(nil))
		if want := (recorded{1 << 40, 300, statePrepareAbort}); got != want || err != nil {
			t.Errorf("version %d: %+v, %v, want %+v", version, got, err, want)
		}
	}
	for _, broken := range [][]byte{nil, {0}, {0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}} {
		if _, err := transactionStateIn(broken); err == nil {
			t.Errorf("% x is read", broken)
		}
		if _, err := transactionalIDIn(broken); err == nil {
			t.Errorf("% x is read as a key", broken)
		}
	}
}

// The marker as another client library reads it.
func TestMarker(t *testing.T) {
	t.Parallel()
	open := Transaction{Topic: "results", Partition: 3, ProducerID: 1 << 40, ProducerEpoch: 300, CoordinatorEpoch: -1}
	for _, commit := range []bool{true, false} {
		req := kmsg.NewPtrWriteTxnMarkersRequest()
		req.Version = 1
		if err := req.ReadFrom(encodeMarker(open, commit)); err != nil {
			t.Fatal(err)
		}
		if len(req.Markers) != 1 || len(req.Markers[0].Topics) != 1 {
			t.Fatalf("%+v, want one marker for one topic", req.Markers)
		}
		m := req.Markers[0]
		if m.ProducerID != 1<<40 || m.ProducerEpoch != 300 || m.Committed != commit || m.CoordinatorEpoch != 0 ||
			m.Topics[0].Topic != "results" || len(m.Topics[0].Partitions) != 1 || m.Topics[0].Partitions[0] != 3 {
			t.Errorf("%+v", m)
		}
	}
	resp := kmsg.NewPtrWriteTxnMarkersResponse()
	resp.Version = 1
	m, topic, p := kmsg.NewWriteTxnMarkersResponseMarker(), kmsg.NewWriteTxnMarkersResponseMarkerTopic(), kmsg.NewWriteTxnMarkersResponseMarkerTopicPartition()
	p.Partition, p.ErrorCode = 3, int16(sarama.ErrInvalidProducerEpoch)
	topic.Topic, topic.Partitions = "results", append(topic.Partitions, p)
	m.ProducerID, m.Topics = 1<<40, append(m.Topics, topic)
	resp.Markers = append(resp.Markers, m)
	if code, err := decodeMarkerAnswer(resp.AppendTo(nil), open); code != sarama.ErrInvalidProducerEpoch || err != nil {
		t.Errorf("%v, %v, want that the epoch is refused", code, err)
	}
	if _, err := decodeMarkerAnswer(resp.AppendTo(nil), Transaction{Topic: "events"}); err == nil {
		t.Error("the answer for another partition is taken")
	}
}

// Where the coordinator of an id keeps its state, by Java's hash of strings.
func TestPartitionOfID(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]int32{
		"":                   0,
		"a":                  97 % 50,
		"hello":              99162322 % 50,
		"polygenelubricants": 0, // the least number has no positive one
		"😀":                  1772899 % 50,
	} {
		if got := partitionOfID(id, 50); got != want {
			t.Errorf("%q: %d, want %d", id, got, want)
		}
	}
}
