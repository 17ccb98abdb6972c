// Package access knows people: who they are (OpenID Connect), since when
// (sessions in Postgres), and what each may do (one table of roles).
package access

import (
	"fmt"
	"slices"
)

// Role is what a person may do. Each may do all that those before it may.
type Role int

// The roles, and the two that need no person.
const (
	Open       Role = iota - 1 // what is open to everybody, so that nobody is asked who they are
	Nobody                     // who is not known
	Viewer                     // reads
	Clerk                      // writes drafts, and sends them
	Bookkeeper                 // books what changes what is owed
	Admin                      // does what cannot be taken back, and looks after people
)

var roleNames = []string{"nobody", "viewer", "clerk", "bookkeeper", "admin"}

// String is the name of a role, as ParseRole reads it.
func (r Role) String() string {
	if r < Nobody || r > Admin {
		return "open"
	}
	return roleNames[r]
}

// MarshalText writes the name of a role.
func (r Role) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads the name of a role, for flags.
func (r *Role) UnmarshalText(text []byte) (err error) {
	*r, err = ParseRole(string(text))
	return err
}

// ParseRole reads the name of a role, and of nobody.
func ParseRole(name string) (Role, error) {
	i := slices.Index(roleNames, name)
	if i < 0 {
		return Nobody, fmt.Errorf("there is no role %q, but %v", name, roleNames)
	}
	return Role(i), nil
}
