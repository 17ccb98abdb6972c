package projector

import (
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/eventim-go/eventim/eventim"
)

// A view of snapshots shows, of each aggregate, the newest one: that of the
// highest version, and among those of one version that which newer code has
// folded. Snapshots come again, and older ones behind newer ones, when a topic is
// read from an earlier place, and when states are folded again. Newest and Newer
// keep them from setting a row back; a Write or a Queue needs both.

// Newest returns the newest snapshot of each aggregate of batch, in the order in
// which the aggregates come, and leaves batch as it is. A statement that upserts
// may touch a row only once.
func Newest[S any](batch []eventim.Snapshot[S]) []eventim.Snapshot[S] {
	at := make(map[string]int, len(batch))
	kept := make([]eventim.Snapshot[S], 0, len(batch))
	for _, s := range batch {
		i, seen := at[s.Aggregate]
		switch {
		case !seen:
			at[s.Aggregate] = len(kept)
			kept = append(kept, s)
		case s.Version > kept[i].Version || s.Version == kept[i].Version && s.Revision > kept[i].Revision:
			kept[i] = s
		}
	}
	return kept
}

// Newer is the condition, in SQL, under which an upsert may replace a row:
//
//	insert into stock (id, version, revision, …) … on conflict (id) do update
//	set version = excluded.version, revision = excluded.revision, … where ` + projector.Newer("stock")
//
// row is the name of the table in that statement, or its alias. The table needs
// the columns version and revision, integers that are not null, with what
// Snapshot.Version and Snapshot.Revision say.
func Newer(row string) string {
	return fmt.Sprintf("(%[1]s.version, %[1]s.revision) < (excluded.version, excluded.revision)", pgx.Identifier{row}.Sanitize())
}
