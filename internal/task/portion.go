package task

import (
	"errors"
	"net"

	"github.com/IBM/sarama"
)

// portion is how many of the commands that are there a batch takes. One that
// fails for its size, or is not through in time, would fail again: the next is
// half as large, down to one command, which is then to blame. What is committed
// lets it grow again. The zero portion is all of them.
type portion struct{ most int }

func (p *portion) of(n int) int {
	if p.most == 0 {
		return n
	}
	return min(n, p.most)
}

// halve is told how many commands failed together.
func (p *portion) halve(n int) { p.most = max(1, n/2) }

// grow is told that a batch was committed.
func (p *portion) grow() {
	const enough = 1 << 16 // more than any batch has
	if p.most *= 2; p.most > enough {
		p.most = 0
	}
}

// tooLarge tells whether the broker takes no record, or no batch of records, of
// this size.
func tooLarge(err error) bool {
	return errors.Is(err, sarama.ErrMessageSizeTooLarge) || errors.Is(err, sarama.ErrMessageSetSizeTooLarge)
}

// outOfTime tells whether a transaction may have taken too long: its coordinator
// has aborted it meanwhile, with a new epoch, or a broker has not answered in
// time. Other things look the same, and do not come again for a smaller one
// either. One command alone is tried for as long as it takes: its records are
// bounded, so that the brokers are to blame.
func outOfTime(err error) bool {
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return true
	}
	for _, code := range []error{
		sarama.ErrProducerFenced, sarama.ErrInvalidProducerEpoch, sarama.ErrInvalidTxnState, sarama.ErrRequestTimedOut,
	} {
		if errors.Is(err, code) {
			return true
		}
	}
	return false
}
