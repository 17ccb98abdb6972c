package projector

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Swap makes a version live if it has caught up, as a projector does, and
// reports whether it is live.
func Swap(ctx context.Context, pool *pgxpool.Pool, declared View) (bool, error) {
	v, err := declared.view()
	if err != nil {
		return false, err
	}
	return v.swap(ctx, pool)
}
