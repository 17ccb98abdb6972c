package eventim

// Expected is how many commands are expected.
func (b *Inbox) Expected() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.waiting)
}

// Expected is how many commands are asked.
func (q *Asker[S, C, E]) Expected() int { return q.inbox.Expected() }

// Break ends the following of the results, as Tail does when it fails.
func (q *Asker[S, C, E]) Break(err error) { q.end(err) }
