package web

import "sync"

// lanes runs the commands of one connection: those of an invoice one after the
// other, in the order in which they came, and those of others beside them.
type lanes struct {
	mu      sync.Mutex
	queued  map[string][]func() // by key; present while its goroutine runs
	flight  int
	running sync.WaitGroup
}

// run queues task behind those of its key. It reports false, and does nothing,
// when maxInFlight tasks have not finished.
func (l *lanes) run(key string, task func()) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.flight == maxInFlight {
		return false
	}
	l.flight++
	if l.queued == nil {
		l.queued = map[string][]func(){}
	}
	queue, running := l.queued[key]
	l.queued[key] = append(queue, task)
	if !running {
		l.running.Go(func() { l.work(key) })
	}
	return true
}

func (l *lanes) work(key string) {
	for task := l.next(key); task != nil; task = l.next(key) {
		task()
		l.mu.Lock()
		l.flight--
		l.mu.Unlock()
	}
}

func (l *lanes) next(key string) func() {
	l.mu.Lock()
	defer l.mu.Unlock()
	queue := l.queued[key]
	if len(queue) == 0 {
		delete(l.queued, key)
		return nil
	}
	l.queued[key] = queue[1:]
	return queue[0]
}

// wait returns when all tasks have finished; run must not be called any more.
func (l *lanes) wait() { l.running.Wait() }
