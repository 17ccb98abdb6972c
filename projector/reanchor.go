package projector

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Reanchor forgets all that view holds and where it stood, so that the next
// start of a projector builds it from the beginning of its topic, in whatever
// cluster that is. Until then the view does not exist. Stop the projectors
// first: those that run stop following the view.
func Reanchor(ctx context.Context, pool *pgxpool.Pool, view string) error {
	err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if err := lockView(ctx, tx, view); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `drop view if exists `+pgx.Identifier{"public", view}.Sanitize()); err != nil {
			return fmt.Errorf("drop the view: %w", err)
		}
		if _, err := tx.Exec(ctx, `delete from projector.views where view = $1`, view); err != nil {
			return fmt.Errorf("delete the live version: %w", err)
		}
		return dropVersions(ctx, tx, view, `version <> $2`, 0)
	})
	if err != nil {
		return fmt.Errorf("re-anchor view %s: %w", view, err)
	}
	return nil
}
