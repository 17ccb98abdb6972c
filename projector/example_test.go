package projector_test

import (
	"context"
	"fmt"
	"os"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/eventim-go/eventim/embedded"
	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/migrations"
	"github.com/eventim-go/eventim/projector"
)

// A jar of coins.
type (
	PutCoins struct{ Coins int }
	CoinsPut struct{ Coins int }
	Jar      struct{ Coins int }
)

var jars = eventim.Aggregate[Jar, PutCoins, CoinsPut]{
	Name: "jar",
	Decider: eventim.Decider[Jar, PutCoins, CoinsPut]{
		Decide: func(_ Jar, cmd eventim.Command[PutCoins]) ([]CoinsPut, error) {
			return []CoinsPut{{cmd.Payload.Coins}}, nil
		},
		Evolve: func(jar Jar, e CoinsPut) Jar { return Jar{jar.Coins + e.Coins} },
	},
	Commands: eventim.JSON[PutCoins]("PutCoins"), Events: eventim.JSON[CoinsPut]("CoinsPut"),
}

// The view jar has a row for each jar.
var jarView = projector.Projection[eventim.Snapshot[Jar]]{
	Name: "jar", Version: 1, Topic: jars.SnapshotTopic(),
	DDL: `create table jar (id text primary key, version bigint not null, revision integer not null, coins bigint not null)`,
	Write: func(ctx context.Context, tx pgx.Tx, batch []eventim.Snapshot[Jar]) error {
		var ids []string
		var versions, revisions, coins []int
		for _, s := range projector.Newest(batch) {
			ids, versions = append(ids, s.Aggregate), append(versions, int(s.Version))
			revisions, coins = append(revisions, s.Revision), append(coins, s.State.Coins)
		}
		_, err := tx.Exec(ctx, `
			insert into jar select * from unnest($1::text[], $2::bigint[], $3::integer[], $4::bigint[])
			on conflict (id) do update set version = excluded.version, revision = excluded.revision, coins = excluded.coins
			where `+projector.Newer("jar"), ids, versions, revisions, coins)
		return err
	},
}

// A view of snapshots is kept up to date. Who has sent a command waits until the
// view shows what it has changed.
func ExampleProjection() {
	ctx, stop := context.WithCancel(context.Background())
	servers, err := embedded.Start(ctx, embedded.Config{})
	must(err)
	defer servers.Close()
	pool, err := pgxpool.New(ctx, servers.Postgres.URL())
	must(err)
	defer pool.Close()
	must(migrations.Up(ctx, pool))
	must(jars.CreateTopics(ctx, servers.Kafka(), 1))
	dir, err := os.MkdirTemp("", "jars-")
	must(err)
	defer os.RemoveAll(dir)

	handler, err := eventim.NewHandler(jars, eventim.HandlerConfig{Kafka: servers.Kafka(), Dir: dir})
	must(err)
	views, err := projector.New(pool, projector.Config{Kafka: servers.Kafka()}, jarView)
	must(err)
	waiter := projector.NewWaiter(pool)
	asker, err := eventim.NewAsker(ctx, jars, servers.Kafka())
	must(err)
	ended := make(chan error)
	go func() {
		ended <- eventim.RunAll(ctx,
			eventim.Part{Name: "handler", Run: handler.Run},
			eventim.Part{Name: "projector", Run: views.Run},
			eventim.Part{Name: "waiter", Run: waiter.Run},
		)
	}()

	must(views.AwaitLive(ctx))
	for _, coins := range []int{2, 3} {
		res, err := asker.Ask(ctx, eventim.Command[PutCoins]{Aggregate: "kitchen", Payload: PutCoins{coins}})
		must(err)
		if p, changed := res.Effect(); changed {
			must(waiter.Await(ctx, jarView.Name, p, nil))
		}
		var sum int
		must(pool.QueryRow(ctx, `select coins from jar where id = 'kitchen'`).Scan(&sum))
		fmt.Println(sum, "coins")
	}
	must(asker.Close())
	stop()
	must(<-ended)
	// Output:
	// 2 coins
	// 5 coins
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
