// Package engine decides what starts when, and is a state machine: it is told what happened
// and at which instant, and answers with what is to be done. It has no clock, goroutine, lock,
// context, logger or I/O, so that each part of it can be read and tested by itself; who
// uses it guards it.
//
// An Engine owns what is lined up, overlap, groups, start limits, spreads, catch-up, how the
// term stands, the accounts, the watermark, what is to be recorded or given back, and the
// runs that went wrong in a row. It is told of rows and plans, and of what the ledger,
// executors and people have said. It answers with runs to claim and to start, with records
// and with claims to give back; Take has what else is to be done. It may import
// internal/plan, internal/said, internal/why, calendar and rule.
package engine
