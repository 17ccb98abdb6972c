package txn

import "testing"

// A lane takes no more batches than a transaction has room for, and all of them
// in the end.
func TestATransactionIsBoundedByBytes(t *testing.T) {
	t.Parallel()
	const batch = 8 << 20 // bytes
	queue := make(chan *Request, 100)
	for range 20 {
		queue <- &Request{Size: batch}
	}
	taken := 0
	for len(queue) > 0 {
		size := 0
		for _, r := range gather(<-queue, queue) {
			size += r.Size
			taken++
		}
		if size > transactionBytes+batch {
			t.Errorf("a transaction of %d bytes, want %d at most", size, transactionBytes+batch)
		}
	}
	if taken != 20 {
		t.Errorf("%d batches were taken, want 20", taken)
	}
}
