package txn

import (
	"fmt"
	"testing"

	"github.com/IBM/sarama"
)

// When the group has moved on, no batch of a member is more to blame than another.
// Where a transaction holds batches of several, one may be that of a zombie.
func TestAGroupThatMovesOnIsNobodysFault(t *testing.T) {
	t.Parallel()
	of := func(member string, generation int32) *Request {
		return &Request{Sent: &sarama.ConsumerGroupMetadata{GroupID: "g", MemberID: member, GenerationID: generation}}
	}
	refused := fmt.Errorf("%w: %w", ErrAborted, sarama.ErrIllegalGeneration)
	for _, test := range []struct {
		err      error
		requests []*Request
		want     bool
	}{
		{refused, []*Request{of("a", 1), of("a", 1)}, true},
		{refused, []*Request{of("a", 1), of("a", 2)}, false},
		{refused, []*Request{of("a", 1), of("b", 1)}, false},
		{fmt.Errorf("%w: %w", ErrAborted, sarama.ErrUnknownMemberId), []*Request{of("a", 1), of("a", 1)}, false},
		{ErrAborted, []*Request{of("a", 1), of("a", 1)}, false},
	} {
		if got := movedOn(test.err, test.requests); got != test.want {
			t.Errorf("%v of %v and %v: %v, want %v", test.err, test.requests[0].Sent, test.requests[1].Sent, got, test.want)
		}
	}
}
