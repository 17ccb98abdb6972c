package devbroker

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const intentFile = "commit-intent"

// intent is a commit that kfake was about to carry out. kfake handles one request at a time and carries out a commit before
// it takes the next request: only the last one can be unfinished when the process is killed.
type intent struct {
	ProducerID int64         `json:"producer_id"`
	Epoch      int16         `json:"epoch"`
	Offsets    []groupOffset `json:"offsets"`
	// Before is the size of the producers' log. kfake appends the end of the transaction there when it has finished.
	Before int64 `json:"before"`
}

// groupOffset is an offset that a transaction commits for a group.
type groupOffset struct {
	Group       string  `json:"group"`
	Topic       string  `json:"topic"`
	Partition   int32   `json:"partition"`
	Offset      int64   `json:"offset"`
	LeaderEpoch int32   `json:"leader_epoch"`
	Metadata    *string `json:"metadata,omitempty"`
}

// intents writes down each commit before kfake begins with it. kfake calls it from one goroutine at a time.
type intents struct {
	file         *os.File
	producersLog string
	transactions map[int64]*transaction // by producer id
	topicName    func(id [16]byte) string
}

// transaction is what a producer has staged.
type transaction struct {
	epoch   int16
	ended   bool
	offsets []groupOffset
}

// begin is called for each request that belongs to a transaction, and matters for the first.
func (t *transaction) begin() {
	if t.ended {
		t.ended, t.offsets = false, nil
	}
}

func openIntents(path, producersLog string) (*intents, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	return &intents{file: f, producersLog: producersLog, transactions: map[int64]*transaction{}}, err
}

func (i *intents) Close() error { return i.file.Close() }

func (i *intents) observe(cluster *kfake.Cluster) {
	i.topicName = func(id [16]byte) string {
		if info := cluster.TopicIDInfo(id); info != nil {
			return info.Topic
		}
		return ""
	}
	for _, key := range []kmsg.Key{kmsg.AddPartitionsToTxn, kmsg.AddOffsetsToTxn, kmsg.TxnOffsetCommit, kmsg.EndTxn} {
		cluster.ControlKey(key.Int16(), func(request kmsg.Request) (kmsg.Response, error, bool) {
			cluster.KeepControl()
			err := i.handle(request)
			return nil, err, err != nil // without an error kfake goes on with the request
		})
	}
}

func (i *intents) handle(request kmsg.Request) error {
	switch r := request.(type) {
	case *kmsg.AddPartitionsToTxnRequest:
		i.of(r.ProducerID, r.ProducerEpoch).begin()
	case *kmsg.AddOffsetsToTxnRequest:
		i.of(r.ProducerID, r.ProducerEpoch).begin()
	case *kmsg.TxnOffsetCommitRequest:
		i.stage(r)
	case *kmsg.EndTxnRequest:
		return i.end(r)
	}
	return nil
}

// of returns the transaction of a producer. A new epoch begins with nothing: what the old one staged was aborted.
func (i *intents) of(producer int64, epoch int16) *transaction {
	t := i.transactions[producer]
	if t == nil || t.epoch != epoch {
		t = &transaction{epoch: epoch}
		i.transactions[producer] = t
	}
	return t
}

// stage also takes offsets that kfake is about to refuse. It may, because a client whose offsets were refused must abort.
func (i *intents) stage(r *kmsg.TxnOffsetCommitRequest) {
	t := i.of(r.ProducerID, r.ProducerEpoch)
	t.begin()
	for _, topic := range r.Topics {
		name := topic.Topic
		if name == "" { // version 6 sends the id
			name = i.topicName(topic.TopicID)
		}
		for _, p := range topic.Partitions {
			t.offsets = append(t.offsets, groupOffset{
				Group: r.Group, Topic: name, Partition: p.Partition,
				Offset: p.Offset, LeaderEpoch: p.LeaderEpoch, Metadata: p.Metadata,
			})
		}
	}
}

func (i *intents) end(r *kmsg.EndTxnRequest) error {
	t := i.of(r.ProducerID, r.ProducerEpoch)
	if t.ended {
		return nil // a repetition: it commits nothing, and must not look like the commit of the next transaction
	}
	offsets := t.offsets
	t.ended, t.offsets = true, nil
	if !r.Commit {
		return nil
	}
	before, err := fileSize(i.producersLog)
	if err != nil {
		return err
	}
	return i.write(intent{ProducerID: r.ProducerID, Epoch: r.ProducerEpoch, Offsets: offsets, Before: before})
}

// write replaces the last intent. A kill in the middle leaves a line that does not parse: the commit was not begun then.
func (i *intents) write(in intent) error {
	line, err := json.Marshal(in)
	if err != nil {
		return err
	}
	if err := i.file.Truncate(0); err != nil {
		return err
	}
	if _, err := i.file.WriteAt(line, 0); err != nil {
		return err
	}
	return i.file.Sync()
}

// readIntent returns the last commit that was begun, nil when there is none.
func readIntent(path string) (*intent, error) {
	line, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if !json.Valid(line) {
		return nil, nil // see write
	}
	in := new(intent)
	return in, json.Unmarshal(line, in)
}

func fileSize(path string) (int64, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
