package main

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/projector"
)

// Stock is a view, a table in Postgres with a row for each item.
var Stock = projector.Projection[eventim.Snapshot[Item]]{
	Name: "stock", Version: 1, Topic: Items.SnapshotTopic(), Write: writeStock,
	DDL: `create table stock (
		item     text    primary key,
		version  bigint  not null,
		revision integer not null,
		on_hand  bigint  not null,
		free     bigint  not null
	)`,
}

// writeStock writes a batch in one statement, and nothing old over what is newer.
func writeStock(ctx context.Context, tx pgx.Tx, batch []eventim.Snapshot[Item]) error {
	var items []string
	var versions, revisions, onHand, free []int
	for _, s := range projector.Newest(batch) {
		items, versions, revisions = append(items, s.Aggregate), append(versions, int(s.Version)), append(revisions, s.Revision)
		onHand, free = append(onHand, s.State.OnHand), append(free, s.State.Free())
	}
	_, err := tx.Exec(ctx, `
		insert into stock select * from unnest($1::text[], $2::bigint[], $3::integer[], $4::bigint[], $5::bigint[])
		on conflict (item) do update set version = excluded.version, revision = excluded.revision,
			on_hand = excluded.on_hand, free = excluded.free
		where `+projector.Newer("stock"), items, versions, revisions, onHand, free)
	return err
}
