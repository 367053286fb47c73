// Package engine decides what may start, and is a state machine: it is told what happened
// and at which instant, and answers with what may be done. It has no clock, goroutine, lock,
// context, logger or I/O, so that each part of it can be read and tested by itself; who
// uses it guards it. It imports nothing yet.
//
// It owns the start limits and what counts against them, and the runs that went wrong in
// a row. The rest of what the scheduler
// decides is still in the root, and moves here part by part: see docs/architecture.md.
package engine
