// Package tradeclock runs the tasks of a trading service at the right minute of
// every trading day, and accounts for each of them.
//
// A service gives New a TaskExecutor, which does the work, and a ScheduleStore,
// which says what is due when. The UnifiedTaskScheduler polls the store once a
// minute through an injectable Clock, claims what is due in a Ledger, executes
// it, stores its outcome, and beats to a HeartbeatSink whatever happens.
//
// # The promise
//
// Every occurrence of every task ends in exactly one recorded Outcome. Nothing
// runs twice, nothing is lost silently, and what did not run says why. The page
// docs/guarantees.md says what that rests on, and what breaks it.
//
// # Words
//
// A task is a named unit of work. A Schedule is a stored row that says when it
// runs: its Rule, the sessions it runs on, and its policies. An occurrence is one
// due instant that a rule yields; its slot names it within its task, for ever. A
// Run is one occurrence for one account, with its Outcome. The Ledger is the
// durable account of runs, and grants terms: a Term is the numbered right to be
// the one active scheduler of a name. The watermark is the instant up to which
// every occurrence is claimed or recorded.
//
// # On a page and in a file
//
// What has one text, such as a rule, an outcome or a policy, has it as MarshalText
// too, and reads it back. Schedules, runs, heartbeats, Status, agendas and events are
// JSON objects with a key for each field, as in catch_up: instants in RFC 3339,
// durations such as 1m30s, and what is zero left out where that reads back the same.
// What people write (Schedule, ScheduleEdit, Retry, StartLimit) is refused if it has
// a key that is not known; the rest passes over it, as it may come from a newer
// version.
//
// # How it works
//
// Data flows one way:
//
//	ScheduleStore ─rows─▶ ┐
//	Calendar ─sessions──▶ ├─ plan: occurrences in (watermark, now] ─▶ Ledger.Claim ─▶ TaskExecutor
//	Clock ─minute───────▶ ┘                    │ too late or closed                  │ outcome
//	                                           └──▶ Ledger.Record    Ledger.Settle ◀─┘
//	(independent of all of it) heartbeat loop ─▶ HeartbeatSink
//
// A tick evaluates the range since the last one and never asks "does this minute
// match", so that late, missed and doubled ticks change nothing but lateness.
//
// # Where things are
//
// What a service implements: [TaskExecutor], with [Mux] and [Chain] for many tasks, and what
// an executor may also be: [Starter], [TaskLister] and [EligibilityChecker].
//
// What it writes and reads: [Config], [Schedule], [Run], [Status], [AgendaItem], [Heartbeat],
// and the events of an [Observer].
//
// The package store has all the words of what is kept, and the interfaces of the stores that
// keep it: [ScheduleStore], [Ledger] and [HeartbeatSink] with their companions. The package
// sqlstore, a module of its own, keeps it all in SQLite or PostgreSQL, and memstore in memory,
// for tests; storetest has the suites that any store passes.
//
// The package view answers from the stores alone, in any process: the plan of a day, why a
// task did or did not run, what an edit would change, when a schedule is due. The package
// monitor reads heartbeats back, and tells whether anybody runs the tasks.
//
// The rules are in the package rule, trading days in the package calendar, and those of
// nineteen exchanges in the package exchange. For who changes the scheduler itself,
// docs/architecture.md follows one run through the house.
//
// # Testing
//
// Hand New a clockwork.FakeClock and drive it with the package tradeclocktest:
// a whole trading day takes milliseconds and comes out the same each time.
package tradeclock
