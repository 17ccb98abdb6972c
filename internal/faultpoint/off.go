//go:build !crashpoints

// Package faultpoint marks the places at which a test may kill a process, and the
// clock that it may put wrong. In a program that is built without the tag
// crashpoints there is nothing of it.
package faultpoint

import "time"

// At marks a place where a test may kill the process; see on.go.
func At(string) {}

// Now is the clock of a handler.
func Now() time.Time { return time.Now() }
