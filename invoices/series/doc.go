// Package series gives documents their numbers: 1, 2, 3 … without a gap, for each
// legal entity, kind of document and fiscal year.
//
// A series is an aggregate of its own, since its numbers are what two documents could
// contend for: all that is asked of it stands in one partition, and is decided one after
// the other. A number is an event. It is never taken back, and never given twice.
package series
