// Package app runs the parts of the invoicing product in a process: the
// command handler, the projector and the web server, each against a Kafka and
// a Postgres that may not be up yet. The programs in cmd say which parts, and
// where they find what.
package app
