package eventim

import (
	"context"
	"fmt"
	"strconv"
)

// verifyAgreement holds the last results against the state store. That a
// transaction is all or nothing is what everything here rests on, and a broker
// that breaks it leaves a result whose snapshot is missing: Apache Kafka does,
// when a coordinator that is killed comes back with an end that nobody else has
// (docs/reliability.md). To go on would give two events the same version.
func (w *worker[S, C, E]) verifyAgreement(ctx context.Context) error {
	topic := w.agg.Topics().Results
	start, end, err := w.Bounds(ctx, topic)
	if err != nil {
		return err
	}
	versions := map[string]int64{}
	last := max(start, end-2*int64(w.config.MaxBatch)) // a batch, and its markers
	err = w.each(ctx, topic, last, end, func(rec Record) error {
		if aggregate, v, ok := versionIn(rec); ok {
			versions[aggregate] = max(versions[aggregate], v)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for aggregate, version := range versions {
		if err := w.verifyVersion(aggregate, version); err != nil {
			return err
		}
	}
	return nil
}

// versionIn is the version that a result says its aggregate has. The answer to
// a repeat says nothing of it: it was decided for an earlier command, and, where
// a program has written it that took ids for those of the whole partition, even
// for another aggregate.
func versionIn(result Record) (aggregate string, version int64, ok bool) {
	if len(result.Key) == 0 || result.Header(headerReplay) != "" {
		return "", 0, false
	}
	version, err := strconv.ParseInt(result.Header(headerVersion), 10, 64)
	return string(result.Key), version, err == nil
}

func (w *worker[S, C, E]) verifyVersion(aggregate string, version int64) error {
	kept, _, err := w.store.snapshot(aggregate)
	if err != nil || kept.version >= version {
		return err
	}
	return &historyError{Err: fmt.Errorf("a result says that %s is at version %d, and its snapshot is at version %d: "+
		"the brokers have committed a part of a transaction; once the events are complete, "+
		"raise the Revision of the aggregate, which folds the snapshots again", aggregate, version, kept.version)}
}
