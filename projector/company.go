package projector

import "context"

// commit moves the position from where it is to next, and writes b: with others
// where that is as good, else alone. A lane that does not know leaves the
// partition alone until it has got on, and its view with it: what is in its way
// must not be in that of the others.
func (p *partition) commit(ctx context.Context, next position, b batch) error {
	if p.inCompany(b) {
		r := &request{view: p.view, partition: p.id, old: p.position, next: next, batch: b, done: make(chan bool, 1)}
		committed, err := p.lanes.commit(ctx, r)
		if committed || err != nil {
			return err
		}
		p.leave()
	}
	return p.view.commit(ctx, p.pool, p.id, p.position, next, b)
}

func (p *partition) inCompany(b batch) bool {
	small := b == nil || weight{b.size(), b.bytes()}.fits(requestLimit)
	return p.lanes != nil && p.view.queues && small && !p.position.building() && p.view.alone.Load() == 0
}

// leave and rejoin count the partitions of the view that go alone.
func (p *partition) leave() {
	if !p.alone {
		p.alone = true
		p.view.alone.Add(1)
	}
}

func (p *partition) rejoin() {
	if p.alone {
		p.alone = false
		p.view.alone.Add(-1)
	}
}
