package projector

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const invalidTableDefinition = "42P16"

// point replaces the definition of the view. Where the columns differ by more
// than new ones at the end, the view has to be made anew; its grants are kept.
func (v *view) point(ctx context.Context, tx pgx.Tx) error {
	name := pgx.Identifier{"public", v.name}.Sanitize()
	// A query that has the view open is waited for, and all others behind us:
	// not for long.
	if _, err := tx.Exec(ctx, `set local lock_timeout = '3s'`); err != nil {
		return err
	}
	create := ` view ` + name + ` as select * from ` + pgx.Identifier{v.schema(), v.name}.Sanitize()
	err := pgx.BeginFunc(ctx, tx, func(savepoint pgx.Tx) error {
		_, err := savepoint.Exec(ctx, `create or replace`+create)
		return err
	})
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && pg.Code == invalidTableDefinition {
		var grants string
		if grants, err = v.grants(ctx, tx); err == nil {
			_, err = tx.Exec(ctx, `drop view `+name+`; create`+create+`; `+grants)
		}
	}
	if err != nil {
		return err
	}
	return v.copyComments(ctx, tx)
}

// grants returns the statements that grant what is granted on the view.
func (v *view) grants(ctx context.Context, tx pgx.Tx) (statements string, err error) {
	err = tx.QueryRow(ctx, `
		select coalesce(string_agg(format('grant %s on public.%I to %s%s', g.privilege_type, c.relname,
			case g.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(g.grantee)) end,
			case when g.is_grantable then ' with grant option' else '' end), '; '), '')
		from pg_class c, aclexplode(c.relacl) g
		where c.oid = format('public.%I', $1::text)::regclass and g.grantee <> c.relowner`, v.name).Scan(&statements)
	return statements, err
}

// copyComments comments the view and its columns as the table is.
func (v *view) copyComments(ctx context.Context, tx pgx.Tx) error {
	var statements string
	err := tx.QueryRow(ctx, `
		with t as (select format('%I.%I', $1::text, $2::text)::regclass as oid)
		select format('comment on view public.%I is %L; ', $2, obj_description(t.oid, 'pg_class')) ||
			string_agg(format('comment on column public.%I.%I is %L', $2, a.attname, col_description(t.oid, a.attnum)), '; ')
		from t join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
		group by t.oid`, v.schema(), v.name).Scan(&statements)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, statements)
	return err
}
