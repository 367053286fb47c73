// Package vet makes rows that can be run out of the schedules that a store has. It holds each
// to what it may say, links those that come after others, and says of the rest why they cannot
// be used. Its Calendar is a calendar as it last answered, by which planning never waits for
// one that hangs.
//
// It is told schedules, what finds calendars and start limits, and the rows that were in force
// before; it answers with rows, as planning and the engine know them, and with what is wrong.
// It has no lock: who has a Row may read it, and who has a Calendar guards what changes of it.
package vet
