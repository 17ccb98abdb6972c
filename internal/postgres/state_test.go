package postgres_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/eventim-go/eventim/internal/postgres"
)

// The classes of appendix A of the manual, with an example of what is expected
// of each, and all states that are not like their class.
var want = map[postgres.Blame]string{
	postgres.Passes: `08000 08006 08P01 25006 25P03 25P04 26000 40000 40001 40003 40P01 42P05 53000 53100 53200 53300
		55000 55006 55P03 57000 57014 57P01 57P02 57P03 57P04 57P05 58000 58030 72000 HV00N XX000`,
	postgres.Person: `0P000 28000 28P01 2B000 2BP01 3D000 3F000 42501 42P01 53400 58P01 58P02 F0000 F0001 HV000 HV00R XX001 XX002`,
	postgres.Ours: `00000 01000 02000 03000 09000 0A000 0B000 0F000 0LP01 0Z000 10608 20000 21000 22000 22001 22003 22021 22P05
		23502 23505 23514 24000 25000 25001 25P01 25P02 27000 2D000 2F000 34000 38000 39000 39P01 3B000 40002 42601 42703 42P16
		44000 54000 54001 54023 55P02 55P04 P0000 P0001`,
}

const appendixA = `00 01 02 03 08 09 0A 0B 0F 0L 0P 0Z 10 20 21 22 23 24 25 26 27 28 2B 2D 2F 34 38 39 3B 3D 3F 40 42 44
	53 54 55 57 58 72 F0 HV P0 XX`

func TestEachClassIsSorted(t *testing.T) {
	t.Parallel()
	expected := map[string]bool{}
	for blame, states := range want {
		for state := range strings.FieldsSeq(states) {
			expected[state[:2]] = true
			if got, why := postgres.Judge(state); got != blame || why == "" {
				t.Errorf("%s: got %q because %q, want %q and a reason", state, got, why, blame)
			}
		}
	}
	_, strangers := postgres.Judge("ZZ123")
	for class := range strings.FieldsSeq(appendixA) {
		if _, why := postgres.Judge(class + "XYZ"); !expected[class] || why == strangers {
			t.Errorf("class %s is not sorted", class)
		}
	}
	for _, strange := range []string{"", "4", "ZZ123"} {
		if got, _ := postgres.Judge(strange); got != postgres.Ours {
			t.Errorf("%q: got %q, want it to stop visibly", strange, got)
		}
	}
}

func TestErrorsOfPostgresAreDescribed(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("write: %w", &pgconn.PgError{
		Severity: "ERROR", Code: "23505", Message: "duplicate", SchemaName: "v1", TableName: "rows", ConstraintName: "rows_pkey",
	})
	got := postgres.Describe(err)
	for _, part := range []string{"write", "23505", "v1.rows", "rows_pkey", "break a constraint"} {
		if !strings.Contains(got, part) {
			t.Errorf("got %s, want it to name %s", got, part)
		}
	}
	if _, ok := postgres.BlameOf(errors.New("other")); ok || postgres.Describe(errors.New("other")) != "other" {
		t.Error("an error of somebody else was judged")
	}
	if blame, _ := postgres.BlameOf(&pgconn.PgError{Code: "0A000", Routine: "RevalidateCachedQuery"}); blame != postgres.Passes {
		t.Errorf("a plan that has to be made anew: got %q", blame)
	}
}
