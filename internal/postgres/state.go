// Package postgres knows what the programs have to know of the server: what an
// error of it means for whoever tries again, and whether it is fit for use.
package postgres

import (
	"cmp"
	"errors"

	"github.com/jackc/pgx/v5/pgconn"
)

// Blame says what mends an error of Postgres.
type Blame string

const (
	// Passes means that it goes by itself, or somebody mends the server meanwhile. To try
	// again is right, however often.
	Passes Blame = "passes"
	// Person means that it stays until somebody changes grants, settings or what the
	// database holds.
	Person Blame = "needs a person"
	// Ours means that the statement or the data are to blame. To try again is vain.
	Ours Blame = "our fault"
)

// verdict is the blame of a class or of one SQLSTATE, and why.
type verdict struct {
	blame Blame
	why   string
}

// classes are those of appendix A of the Postgres manual, releases 13 to 18.
var classes = map[string]verdict{
	"00": {Ours, "success is no error: whoever reports it is not understood"},
	"01": {Ours, "a warning, raised as an error by somebody's function"},
	"02": {Ours, "no data, raised as an error by somebody's function"},
	"03": {Ours, "a statement was used before the one before it was complete"},
	"08": {Passes, "the connection failed, or a proxy could not make one"},
	"09": {Ours, "a trigger refused the row"},
	"0A": {Ours, "the statement asks for what the server cannot do"},
	"0B": {Ours, "the transaction was begun wrongly"},
	"0F": {Ours, "the statement uses a large object wrongly"},
	"0L": {Ours, "the statement grants what it may not"},
	"0P": {Person, "the role is not one that may be used"},
	"0Z": {Ours, "a function uses diagnostics wrongly"},
	"10": {Ours, "the query on XML is wrong"},
	"20": {Ours, "a case of a function fits nothing"},
	"21": {Ours, "a subquery returns more rows than the statement takes"},
	"22": {Ours, "the data do not fit their types"},
	"23": {Ours, "the data break a constraint"},
	"24": {Ours, "the statement uses a cursor wrongly"},
	"25": {Ours, "the statement does not fit into its transaction"},
	"26": {Passes, "the prepared statement is not there: a pooler has changed the server below us, or somebody has discarded it"},
	"27": {Ours, "a trigger changes what the statement changes"},
	"28": {Person, "the server does not know us, or does not let us in"},
	"2B": {Person, "grants depend on what is dropped"},
	"2D": {Ours, "a function ends the transaction"},
	"2F": {Ours, "a function does what it may not"},
	"34": {Ours, "there is no such cursor"},
	"38": {Ours, "an external function does what it may not"},
	"39": {Ours, "an external function or a trigger has broken its protocol"},
	"3B": {Ours, "there is no such savepoint"},
	"3D": {Person, "there is no such database"},
	"3F": {Person, "somebody has dropped the schema"},
	"40": {Passes, "the transaction lost against another, which has done nothing wrong either"},
	"42": {Ours, "the statement is wrong"},
	"44": {Ours, "the data break the condition of a view"},
	"53": {Passes, "the server is short of something that others will give back"},
	"54": {Ours, "the statement or a value is larger than Postgres allows, and will be next time"},
	"55": {Passes, "somebody else has the object in use, or it is in another state for now"},
	"57": {Passes, "an operator or a limit of time has interrupted: the server stops, starts, or is busy"},
	"58": {Passes, "the system below Postgres failed, as by an error of I/O"},
	"72": {Passes, "the snapshot is too old; the next one is not"},
	"F0": {Person, "the configuration of the server is wrong"},
	"HV": {Person, "a foreign table is declared wrongly, or its server answers wrongly"},
	"P0": {Ours, "a function of the database refuses, by raise"},
	"XX": {Passes, "an inside error, such as a tuple that was updated concurrently; mostly gone the next time"},
}

// exceptions are the states that differ from their class.
var exceptions = map[string]verdict{
	"25006": {Passes, "the server is a standby, or was made read-only: somebody will promote it"},
	"25P03": {Passes, "idle_in_transaction_session_timeout: we, or the network, were slow for a moment"},
	"25P04": {Passes, "transaction_timeout: the server was slow"},
	"40002": {Ours, "the data break a constraint that is checked at the end"},
	"42501": {Person, "a privilege is missing"},
	"42P01": {Person, "a table is missing: the database was not migrated, or somebody has dropped it"},
	"42P05": {Passes, "the prepared statement is there already: a pooler has changed the server below us"},
	"53400": {Person, "a limit of the configuration is reached, such as temp_file_limit"},
	"55P02": {Ours, "the statement sets what cannot be set now"},
	"55P04": {Ours, "the statement uses a value of an enum in the transaction that adds it"},
	"58P01": {Person, "a file of the server is missing"},
	"58P02": {Person, "a file of the server is in the way"},
	"HV00N": {Passes, "the server of a foreign table is away"},
	"XX001": {Person, "data on the disk are damaged"},
	"XX002": {Person, "an index on the disk is damaged"},
}

// somebodys is the verdict on a class that is not Postgres's.
var somebodys = verdict{Ours, "a function or an extension raises a state of its own"}

// planChanged is the function of the server that finds that the columns of a
// prepared statement are not what they were: 0A000. Prepared anew, it works.
const planChanged = "RevalidateCachedQuery"

// Judge says who is to blame for a SQLSTATE, and why.
func Judge(state string) (Blame, string) {
	v, found := exceptions[state]
	if !found {
		v, found = classes[state[:min(2, len(state))]]
	}
	if !found {
		v = somebodys
	}
	return v.blame, v.why
}

// BlameOf judges an error that has come from Postgres. It reports false for any
// other.
func BlameOf(err error) (Blame, bool) {
	e, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return "", false
	}
	blame, _ := Judge(e.Code)
	if e.Routine == planChanged {
		blame = Passes
	}
	return blame, true
}

// Describe is the text of an error with what people look for: the SQLSTATE,
// the table and the constraint, and what to think of it.
func Describe(err error) string {
	e, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return err.Error()
	}
	_, why := Judge(e.Code)
	text := err.Error() + "; " + why
	if e.TableName != "" {
		text += ": table " + cmp.Or(e.SchemaName, "public") + "." + e.TableName
	}
	if e.ConstraintName != "" {
		text += ", constraint " + e.ConstraintName
	}
	return text
}

// Stale reports whether the connection is to blame rather than the server: a
// pool whose connections were made to what is a standby by now, or which a
// pooler has mixed up, gets better ones.
func Stale(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (e.Code == "25006" || e.Code == "42P05" || e.Code[:2] == "26")
}
