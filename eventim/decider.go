package eventim

// Decider is a domain as two pure functions over a state S. The zero S is the
// state before the first event. Neither function may modify what it is given,
// read a clock or draw a random number: a decision may be made again.
type Decider[S, C, E any] struct {
	// Decide answers a command with the events that it causes, possibly none,
	// or with an error, preferably a *Rejection. An error changes nothing.
	Decide func(state S, cmd Command[C]) ([]E, error)

	// Evolve folds one event into the state. It cannot fail: what happened,
	// happened.
	Evolve func(state S, event E) S
}

// Handle decides cmd against the current snapshot. It is the whole of command
// handling: Kafka only feeds it and keeps what it returns. The revision of the
// new snapshot is that of the current one. What Decide and Evolve do to the
// state that they are given, they do to copies; only what a type hides in
// unexported fields they get itself.
func (d Decider[S, C, E]) Handle(current Snapshot[S], cmd Command[C]) Result[S, E] {
	res, _ := d.handle(current, cmd, nil, nil) // copying fails in codecs only
	return res
}

// handle gives Decide and Evolve copies of their own: a decision that changes
// the state and rejects, a fold that panics half-way and events that share a
// slice with each other leave the current state, and what is written about the
// events, as they were. The codecs copy what cannot be copied by its type.
func (d Decider[S, C, E]) handle(current Snapshot[S], cmd Command[C], states Codec[S], payloads Codec[E]) (Result[S, E], error) {
	res := Result[S, E]{
		Command: cmd.ID, Aggregate: cmd.Aggregate, Version: current.Version,
		Time: cmd.Time, Metadata: cmd.Metadata, CommandPosition: cmd.Position,
	}
	next, err := current.own(states)
	if err != nil {
		return res, err
	}
	events, err := d.decide(next, cmd)
	if err != nil {
		res.Outcome, res.Rejection = Rejected, asRejection(err)
		return res, nil
	}
	if next, err = current.own(states); err != nil {
		return res, err
	}
	next.Aggregate = cmd.Aggregate
	for _, payload := range events {
		next.Version++
		res.Events = append(res.Events, eventOf(cmd, next.Version, payload))
		if payload, err = own(payload, payloads); err != nil {
			return res, err
		}
		next.State = d.Evolve(next.State, payload)
	}
	if len(events) > 0 {
		next.Time, next.Command, next.CommandPosition = cmd.Time, cmd.ID, cmd.Position
	}
	res.Outcome, res.Version, res.Snapshot = Accepted, next.Version, &next
	return res, nil
}

// own returns s with a state that nobody else has.
func (s Snapshot[S]) own(codec Codec[S]) (_ Snapshot[S], err error) {
	if s.Version > 0 { // the zero state refers to nothing
		s.State, err = own(s.State, codec)
	}
	return s, err
}

func (d Decider[S, C, E]) decide(current Snapshot[S], cmd Command[C]) ([]E, error) {
	if cmd.Expected != nil && *cmd.Expected != current.Version {
		return nil, Reject(CodeVersionConflict, "expected version %d, but %s is at version %d",
			*cmd.Expected, cmd.Aggregate, current.Version)
	}
	return d.Decide(current.State, cmd)
}

// Replay folds events into a state, in order.
func (d Decider[S, C, E]) Replay(state S, events ...E) S {
	for _, e := range events {
		state = d.Evolve(state, e)
	}
	return state
}

func eventOf[C, E any](cmd Command[C], version int64, payload E) Event[E] {
	e := Event[E]{
		Aggregate: cmd.Aggregate, Version: version, Time: cmd.Time, Command: cmd.ID,
		Metadata: cmd.Metadata, CommandPosition: cmd.Position, Payload: payload,
	}
	e.Causation = cmd.ID
	return e
}
