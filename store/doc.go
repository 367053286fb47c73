// Package store has the words of what a scheduler keeps, and the interfaces of the stores
// that keep it. Start with [ScheduleStore], which has the schedules, [Ledger], which has the
// terms and the runs, and [HeartbeatSink]. Beside them are companions that a store may have
// too, which the scheduler finds by a type assertion:
//
//   - of a ScheduleStore: [Reviser] and [ChangeLister], so that what stays is not read again,
//     and [ScheduleEditor] for who edits.
//   - of a Ledger: [History], [Tallier] and [Directory] for who asks, [HaltStore],
//     [OverrideStore], [RequestStore] and [Auditor] for what people order, [Resetter] and
//     [Pruner] for who looks after it.
//   - of a HeartbeatSink: [HeartbeatReader].
//
// Who writes a store holds it to the suites of the package storetest. The package tradeclock
// has the first of the words under the same names, so that a service need not import this one
// to name its schedules and runs.
package store
