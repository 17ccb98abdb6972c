//go:build !crashpoints

package eventim

import "time"

// crashPoint marks a place where a test may kill the process; see
// crashpoint_on.go. It is nothing in a program that is built without the tag.
func crashPoint(string) {}

// now is the clock of a handler.
func now() time.Time { return time.Now() }
