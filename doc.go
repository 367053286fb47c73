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
// What users meet: executor.go; schedule.go, edit.go and timetable.go; rule.go,
// rule_parse.go, moment.go and filter.go, with cron.go for those who come from cron;
// json.go, the JSON of them all; calendar.go, period.go and table.go;
// ledger.go; heartbeat.go, with the heartbeat loop; observe.go; and memory.go and its
// neighbours, one store in memory for all of them.
//
// The engine's files follow the flow: scheduler.go has the configuration and the
// loop; poll.go reads the rows or changes.go what is different in them, rows.go and
// row.go compile them, and report.go tells what is odd about them; calendars.go and
// view.go read the calendars, and replan.go follows one that changes; plan.go,
// market.go, timeline.go and span.go, which are pure, say what is due; enqueue.go,
// wave.go and queue.go line runs up, dispatch.go claims and starts them; spread.go,
// spreadwave.go and startlimit.go say by how much a start is shifted and how many
// there may be in a time; execution.go runs one, in a goroutine of runners.go;
// settle.go brings outcomes to the ledger, and record.go what did not run and the
// watermark; drain.go brings all to its end. term.go, account.go and executors.go say
// who runs and for whom; trigger.go and control.go take orders of people; status.go,
// agenda.go and explain.go tell, silence.go and almost.go of what keeps tasks from
// running, and badruns.go of what went wrong for long.
//
// Below it, clock.go and alarm.go are the time, io.go calls stores and calendars so
// that none can hold up another, and rest.go and bell.go know when nothing goes on.
//
// The trading days of exchanges are in the package exchange.
//
// # Testing
//
// Hand New a clockwork.FakeClock and drive it with the package tradeclocktest:
// a whole trading day takes milliseconds and comes out the same each time.
package tradeclock
