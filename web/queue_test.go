package web

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/gorilla/websocket"
)

func changedOf(invoice string) *frame {
	f := newFrame(changedFrame{Invoice: invoice})
	f.changed = invoice
	return f
}

func TestQueueKeepsTheNewestChangeOfAnInvoice(t *testing.T) {
	t.Parallel()
	q := newQueue(3)
	result := newFrame(resultFrame{})
	a1, b1, a2 := changedOf("a"), changedOf("b"), changedOf("a")
	for _, f := range []*frame{a1, result, b1, a2, a2, a2} {
		q.push(f)
	}
	if got := q.take(); !slices.Equal(got, []*frame{a2, result, b1}) {
		t.Errorf("got %v", got)
	}
	q.push(a1)
	if got := q.take(); !slices.Equal(got, []*frame{a1}) {
		t.Errorf("after take: got %v", got)
	}
	if q.isClosed() {
		t.Error("the queue is closed")
	}
}

func TestFullQueueCloses(t *testing.T) {
	t.Parallel()
	q := newQueue(2)
	for range 2 * greetingSlack {
		q.push(newFrame(ackFrame{}))
	}
	if n := len(q.take()); n != 2*greetingSlack || q.isClosed() {
		t.Fatalf("got %d frames before the first take, closed %t", n, q.isClosed())
	}
	for range 3 {
		q.push(newFrame(ackFrame{}))
	}
	if !q.isClosed() || q.code != websocket.CloseTryAgainLater {
		t.Errorf("got code %d, closed %t", q.code, q.isClosed())
	}
	q.push(newFrame(ackFrame{}))
	q.close(websocket.CloseGoingAway, "")
	if len(q.take()) != 0 || q.code != websocket.CloseTryAgainLater {
		t.Error("a closed queue has changed")
	}
}

func TestLanesKeepTheOrderOfAKey(t *testing.T) {
	t.Parallel()
	var l lanes
	var mu sync.Mutex
	got := map[string][]int{}
	release := make(chan struct{})
	for i := range maxInFlight {
		key := fmt.Sprint(i % 5)
		ok := l.run(key, func() {
			<-release
			mu.Lock()
			defer mu.Unlock()
			got[key] = append(got[key], i)
		})
		if !ok {
			t.Fatalf("task %d was refused", i)
		}
	}
	if l.run("x", func() {}) {
		t.Error("more tasks run than allowed")
	}
	close(release)
	l.wait()
	for key, tasks := range got {
		if !slices.IsSorted(tasks) {
			t.Errorf("key %s: got %v", key, tasks)
		}
	}
	if !l.run("x", func() {}) {
		t.Error("nothing runs any more")
	}
	l.wait()
}
