package devbroker

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// repaired counts what a repair did.
type repaired struct {
	partitions, truncated int
	aborted, committed    int // partitions in which a transaction was ended
	offsets               int // of groups, committed with a transaction
}

// repair brings the data of a kfake that was killed into a state that kfake opens correctly. It may itself be killed and run
// again: the intent goes last, and until then each step finds its work done or does it again with the same effect.
func repair(logDir, intentPath string) (repaired, error) {
	var done repaired
	in, err := readIntent(intentPath)
	if err != nil {
		return done, err
	}
	known, err := readProducers(logDir)
	if err != nil {
		return done, err
	}
	if !known.unfinished(in) {
		in = nil
	}
	if err := endTransactions(logDir, in, &done); err != nil {
		return done, err
	}
	if in != nil {
		done.offsets = len(in.Offsets)
		if err := commitOffsets(logDir, in.Offsets, time.Now()); err != nil {
			return done, err
		}
	}
	if err := appendStateLog(filepath.Join(logDir, producersLog), known.fenced()); err != nil {
		return done, err
	}
	// Both describe the last clean stop. The log has moved on since.
	for _, stale := range []string{"seq_windows.json", "session_state.json"} {
		if err := remove(filepath.Join(logDir, stale)); err != nil {
			return done, err
		}
	}
	return done, remove(intentPath)
}

func endTransactions(logDir string, in *intent, done *repaired) error {
	dirs, err := partitions(logDir)
	if err != nil {
		return err
	}
	for _, dir := range dirs {
		done.partitions++
		if err := repairPartition(dir, in, done); err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(dir), err)
		}
	}
	return nil
}

// repairPartition ends the transactions that are open at the end of a partition. kfake takes them for aborted but writes no
// marker: the next commit of the same producer would be hidden, and after another kill the aborted records would come back.
func repairPartition(dir string, in *intent, done *repaired) error {
	bases, err := segments(dir)
	if err != nil || len(bases) == 0 {
		return err
	}
	open := map[int64]batch{} // the first of each producer's open transaction
	var last batch
	for _, base := range bases {
		truncated, err := repairSegment(dir, base, func(b batch) {
			last = b
			track(open, b)
		})
		if err != nil {
			return err
		}
		if truncated {
			done.truncated++
		}
	}
	offset := last.next
	for _, first := range byOffset(open) {
		commit := in != nil && in.ProducerID == first.producerID && in.Epoch == first.epoch
		marker := endMarker(offset, last.leaderEpoch, first.producerID, first.epoch, commit, time.Now())
		if err := appendBatch(dir, bases[len(bases)-1], marker); err != nil {
			return err
		}
		offset++
		if commit {
			done.committed++
		} else {
			done.aborted++
		}
	}
	return nil
}

func track(open map[int64]batch, b batch) {
	if b.isControl() {
		delete(open, b.producerID)
		return
	}
	if _, ok := open[b.producerID]; !ok && b.inTransaction() {
		open[b.producerID] = b
	}
}

func byOffset(open map[int64]batch) []batch {
	batches := make([]batch, 0, len(open))
	for _, b := range open {
		batches = append(batches, b)
	}
	slices.SortFunc(batches, func(a, b batch) int { return cmp.Compare(a.offset, b.offset) })
	return batches
}

// commitOffsets applies what the unfinished commit had staged. kfake does so after it has written the markers: without this,
// a kill in between commits the output of a consume-transform-produce step without its input, and the step runs again.
func commitOffsets(logDir string, offsets []groupOffset, now time.Time) error {
	entries := make([]commitEntry, len(offsets))
	for i, o := range offsets {
		entries[i] = commitEntry{
			Type: "commit", Group: o.Group, Topic: o.Topic, Partition: o.Partition,
			Offset: o.Offset, LeaderEpoch: o.LeaderEpoch, Metadata: o.Metadata, CommittedAt: now.UnixMilli(),
		}
	}
	return appendStateLog(filepath.Join(logDir, groupsLog), entries)
}

func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
