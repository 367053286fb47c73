// Package store has the words of what a scheduler keeps, and the interfaces of the stores
// that keep it: a ScheduleStore has the schedules, a Ledger the terms and the runs, and a
// HeartbeatSink the heartbeats. Beside them are the companions that a store may have too,
// such as History, Directory, HaltStore, RequestStore, OverrideStore and ScheduleEditor, each
// of which is asserted where it is used.
//
// Who writes a store implements these, and holds it to the suites of the package
// tradeclocktest. The package tradeclock has the first of the words under the same names, so
// that a service need not import this one to name its schedules and runs.
package store
