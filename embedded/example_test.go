package embedded_test

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/eventim-go/eventim/embedded"
	"github.com/eventim-go/eventim/eventim"
)

func ExampleStart() {
	ctx := context.Background()
	servers, err := embedded.Start(ctx, embedded.Config{}) // with a Dir, their data are there at the next start
	if err != nil {
		panic(err)
	}
	defer servers.Close()

	cluster, err := eventim.ClusterID(ctx, servers.Kafka())
	fmt.Println("a cluster with an id:", cluster != "", err)

	conn, err := pgx.Connect(ctx, servers.Postgres.URL())
	if err != nil {
		panic(err)
	}
	defer conn.Close(ctx)
	var encoding string
	err = conn.QueryRow(ctx, `show server_encoding`).Scan(&encoding)
	fmt.Println("a database in", encoding, err)
	// Output:
	// a cluster with an id: true <nil>
	// a database in UTF8 <nil>
}
