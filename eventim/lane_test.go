package eventim_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/IBM/sarama"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/eventim/eventimtest"
)

// One offender among the batches of a transaction does not hold the others
// back.
func TestLaneBlamesTheOffender(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		offend func(*system, *eventim.LaneBatch)
		want   []error // one of them
	}{
		{"a record that the broker refuses", func(s *system, b *eventim.LaneBatch) {
			b.Value = []byte(noise(200_000))
		}, []error{sarama.ErrMessageSizeTooLarge}},
		{"a member that is none any more", func(s *system, b *eventim.LaneBatch) {
			b.Group = ghostOf(s.agg.Group())
		}, []error{sarama.ErrUnknownMemberId, sarama.ErrIllegalGeneration}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newSystem(t, eventimtest.Kafka(t), 4)
			s.alter(s.agg.Topics().DeadLetters, "max.message.bytes", "100000")
			var batches []eventim.LaneBatch
			for i := range 4 {
				batches = append(batches, eventim.LaneBatch{
					Topic: s.agg.Topics().DeadLetters, Value: []byte(fmt.Sprint("v", i)), Input: s.agg.Topics().Commands,
					Group: sarama.NewConsumerGroupMetadata(s.agg.Group()),
				})
			}
			c.offend(s, &batches[2])
			for i, err := range eventim.CommitTogether(t.Context(), s.kafka, s.agg.Group(), batches...) {
				blamed := slices.ContainsFunc(c.want, func(want error) bool { return errors.Is(err, want) })
				if i == 2 && !blamed || i != 2 && err != nil {
					t.Errorf("batch %d: %v", i, err)
				}
			}
			ends, err := eventim.Ends(t.Context(), s.kafka, s.agg.Topics().DeadLetters)
			if err != nil {
				t.Fatal(err)
			}
			var visible []string
			err = eventim.Read(t.Context(), s.kafka, s.agg.Topics().DeadLetters, nil, ends, func(r eventim.Record) error {
				visible = append(visible, string(r.Value))
				return nil
			})
			slices.Sort(visible)
			if want := []string{"v0", "v1", "v3"}; err != nil || !slices.Equal(visible, want) {
				t.Errorf("visible %q, %v, want %q", visible, err, want)
			}
		})
	}
}

// ghostOf is a member of a group that is none any more.
func ghostOf(group string) *sarama.ConsumerGroupMetadata {
	return &sarama.ConsumerGroupMetadata{GroupID: group, GenerationID: 5, MemberID: "ghost"}
}
