package eventim

import (
	"reflect"
	"testing"
	"time"

	"github.com/IBM/sarama"
)

func FuzzStoredSnapshot(f *testing.F) {
	f.Add(storedSnapshot{version: 3, revision: 1, schemaVersion: 1, time: 5, typ: "t", command: "c", data: []byte("{}")}.appendTo(nil))
	f.Add([]byte{1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := decodeStoredSnapshot(b)
		if err != nil {
			return
		}
		if again, err := decodeStoredSnapshot(v.appendTo(nil)); err != nil || !reflect.DeepEqual(again, v) {
			t.Errorf("%+v comes back as %+v, %v", v, again, err)
		}
	})
}

func FuzzPosition(f *testing.F) {
	for _, s := range []string{"3:1042", "0:0", "", ":", "-1:2", "1:-2", "1:2:3", "99999999999:1", "+1:+2"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParsePosition(s)
		if err != nil {
			return
		}
		if again, err := ParsePosition(p.String()); err != nil || again != p || p.Partition < 0 || p.Offset < 0 {
			t.Errorf("%q is %v, which comes back as %v, %v", s, p, again, err)
		}
	})
}

// Whatever stands in a record, reading it ends with a value or an error, and
// deciding it ends with an answer that can be read.
func FuzzRecord(f *testing.F) {
	f.Add([]byte("a"), []byte(`{"N":1}`), "c", "Tick", "1", "0", "7", "2026-01-02T03:04:05Z", "1", int64(5))
	f.Add([]byte(nil), []byte(nil), "", "", "", "", "", "", "", int64(-1))
	f.Add([]byte("a"), []byte(`{"outcome":"accepted","events":[{"type":"Ticked","schemaVersion":1,"data":{}}],"snapshot":{}}`), "c", "Ticked", "1", "1", "1", "x", "9", int64(1)<<62)
	a := ticker()
	f.Fuzz(func(t *testing.T, key, value []byte, id, typ, schema, version, offset, at, expected string, ms int64) {
		rec := Record{Topic: a.Topics().Commands, Key: key, Value: value, Time: time.UnixMilli(ms)}
		for name, v := range map[string]string{
			headerID: id, headerType: typ, headerSchemaVersion: schema, headerVersion: version, headerCommandID: id,
			headerCommandOffset: offset, headerTime: at, headerExpectedVersion: expected, headerRevision: schema, headerActor: at,
		} {
			if v != "" {
				rec.Headers = append(rec.Headers, &Header{Key: []byte(name), Value: []byte(v)})
			}
		}
		_, _ = a.decodeEvent(rec)
		_, _ = a.decodeSnapshot(rec)
		_, _ = a.decodeResult(rec)
		_, _ = storedOf(rec)
		_, _, _, _ = answerOf(a.Topics().Commands, rec)
		readable(t, a, decided(t, a, maxOutputBytes, rec, rec))
	})
}

// readable wants everything that was decided to be readable.
func readable(t *testing.T, a *Aggregate[ticks, tick, tick], d []*sarama.ProducerMessage) {
	t.Helper()
	results := 0
	for _, m := range d {
		var err error
		switch r := written(t, m); m.Topic {
		case a.Topics().Results:
			results++
			if _, err = a.decodeResult(r); err == nil {
				_, _, _, err = answerOf(a.Topics().Commands, r)
			}
		case a.Topics().Events:
			_, err = a.decodeEvent(r)
		case a.Topics().Snapshots:
			if _, err = a.decodeSnapshot(r); err == nil {
				_, err = storedOf(r)
			}
		}
		if err != nil {
			t.Errorf("the record for %s: %v", m.Topic, err)
		}
	}
	if results != 2 {
		t.Errorf("%d results to two commands", results)
	}
}
