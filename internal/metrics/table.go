// Package metrics is what the modules prometheus and otel export: one table of metrics,
// and what of a scheduler's events and status goes into which. It is told events and
// statuses, and answers with measurements; it owns no state. It imports the root, and the
// root imports nothing of it.
package metrics

import "strings"

// Kind is how a metric is to be read.
type Kind string

// The kinds.
const (
	Counter   Kind = "counter"   // counts up from the start of the process
	Histogram Kind = "histogram" // of what has happened since then
	Gauge     Kind = "gauge"     // how it is now
)

// Metric is one row of the table. Every series also has the attribute scheduler. The
// account is never one: there may be a hundred thousand.
type Metric struct {
	Name       string // as OpenTelemetry has it
	Unit       string // in the UCUM: s, or what is counted, in braces
	Kind       Kind
	Attributes []string // besides the scheduler
	Help       string   // one sentence
	// Sampled is true for what is asked of the scheduler's status when metrics are read,
	// and false for what its events tell.
	Sampled bool
	// Buckets are the upper bounds of a histogram's.
	Buckets []float64
}

// SchedulerAttribute names the scheduler of every series.
const SchedulerAttribute = "scheduler"

// Metrics that events tell.
var (
	Occurrences = &Metric{
		Name: "tradeclock.occurrences", Unit: "{occurrence}", Kind: Counter,
		Attributes: []string{"task", "outcome", "delivery", "reason.class"},
		Help:       "Occurrences by what became of them, once the ledger has it.",
	}
	Lateness = &Metric{
		Name: "tradeclock.run.lateness", Unit: "s", Kind: Histogram, Attributes: []string{"task"},
		Help:    "How long after its due time and offset a run started, but for runs that people triggered.",
		Buckets: []float64{.01, .05, .1, .5, 1, 5, 15, 30, 60, 120, 300, 600},
	}
	Duration = &Metric{
		Name: "tradeclock.run.duration", Unit: "s", Kind: Histogram, Attributes: []string{"task", "outcome"},
		Help:    "How long a run took from the start of its first attempt until its outcome was taken.",
		Buckets: []float64{.01, .05, .1, .5, 1, 5, 15, 30, 60, 120, 300, 600, 1800, 3600},
	}
	Retries = &Metric{
		Name: "tradeclock.run.retries", Unit: "{attempt}", Kind: Counter, Attributes: []string{"task"},
		Help: "Attempts of runs after the first.",
	}
	LastSuccess = &Metric{
		Name: "tradeclock.task.last_success.timestamp", Unit: "s", Kind: Gauge, Attributes: []string{"task"},
		Help: "When a run of the task last ended well in this process, as Unix time.",
	}
	TermChanges = &Metric{
		Name: "tradeclock.scheduler.term.changes", Unit: "{change}", Kind: Counter, Attributes: []string{"change"},
		Help: "How often this process has taken the term, or lost it.",
	}
	ClockSteps = &Metric{
		Name: "tradeclock.clock.steps", Unit: "{step}", Kind: Counter, Attributes: []string{"direction"},
		Help: "How often the wall clock was set, or the host slept.",
	}
	CalendarChanges = &Metric{
		Name: "tradeclock.calendar.changes", Unit: "{change}", Kind: Counter, Attributes: []string{"calendar"},
		Help: "How often a calendar had another version than before.",
	}
	EventsLost = &Metric{
		Name: "tradeclock.observer.events.lost", Unit: "{event}", Kind: Counter,
		Help: "Events for which this observer was too slow: what they would have counted is missing here, and not in the ledger.",
	}
)

// Metrics that are asked of the status.
var (
	Active = &Metric{
		Name: "tradeclock.run.active", Unit: "{run}", Kind: Gauge, Attributes: []string{"task", "state"}, Sampled: true,
		Help: "Runs that go on: running, or overdue if their outcome was taken and they have not returned.",
	}
	Waiting = &Metric{
		Name: "tradeclock.run.waiting", Unit: "{run}", Kind: Gauge, Sampled: true,
		Help: "Planned runs that have not started.",
	}
	HeartbeatTime = &Metric{
		Name: "tradeclock.scheduler.heartbeat.timestamp", Unit: "s", Kind: Gauge, Sampled: true,
		Help: "When the last heartbeat was made that was received, as Unix time.",
	}
	HeartbeatErrors = &Metric{
		Name: "tradeclock.heartbeat.errors", Unit: "{error}", Kind: Counter, Sampled: true,
		Help: "Heartbeats that were not received.",
	}
	TickTime = &Metric{
		Name: "tradeclock.scheduler.tick.timestamp", Unit: "s", Kind: Gauge, Sampled: true,
		Help: "When the last tick began, as Unix time.",
	}
	NextTime = &Metric{
		Name: "tradeclock.scheduler.next.timestamp", Unit: "s", Kind: Gauge, Sampled: true,
		Help: "When the next run may start, as Unix time.",
	}
	State = &Metric{
		Name: "tradeclock.scheduler.state", Kind: Gauge, Attributes: []string{"state"}, Sampled: true,
		Help: "1 for the state that the scheduler is in, and 0 for the others.",
	}
	Term = &Metric{
		Name: "tradeclock.scheduler.term", Kind: Gauge, Sampled: true,
		Help: "The number of the term that this process holds, or 0.",
	}
	Degraded = &Metric{
		Name: "tradeclock.scheduler.degraded", Unit: "{condition}", Kind: Gauge, Attributes: []string{"condition.class"}, Sampled: true,
		Help: "What is wrong, by its class: Status.Degraded has the sentences.",
	}
	Unstored = &Metric{
		Name: "tradeclock.ledger.unstored", Unit: "{run}", Kind: Gauge, Sampled: true,
		Help: "Outcomes that have not reached the ledger yet.",
	}
	WatermarkTime = &Metric{
		Name: "tradeclock.ledger.watermark.timestamp", Unit: "s", Kind: Gauge, Sampled: true,
		Help: "Up to when everything is accounted for in the ledger, as Unix time.",
	}
	CoverageEnd = &Metric{
		Name: "tradeclock.calendar.coverage.end.timestamp", Unit: "s", Kind: Gauge, Attributes: []string{"calendar"}, Sampled: true,
		Help: "When the coverage of a calendar ends that rows are read by, as Unix time.",
	}
	Schedules = &Metric{
		Name: "tradeclock.schedule.active", Unit: "{schedule}", Kind: Gauge, Sampled: true,
		Help: "Schedules in force.",
	}
	Quarantined = &Metric{
		Name: "tradeclock.schedule.quarantined", Unit: "{schedule}", Kind: Gauge, Sampled: true,
		Help: "Schedules that cannot be used.",
	}
	Accounts = &Metric{
		Name: "tradeclock.account.enrolled", Unit: "{account}", Kind: Gauge, Sampled: true,
		Help: "Accounts that are enrolled in this process.",
	}
	Halts = &Metric{
		Name: "tradeclock.halt.active", Unit: "{halt}", Kind: Gauge, Sampled: true,
		Help: "Halts in force.",
	}
)

// All is the table.
func All() []*Metric {
	return []*Metric{
		Occurrences, Lateness, Duration, Active, Waiting, Retries, LastSuccess,
		HeartbeatTime, HeartbeatErrors, TickTime, NextTime, State, Term, TermChanges, Degraded,
		Unstored, WatermarkTime, ClockSteps, CoverageEnd, CalendarChanges,
		Schedules, Quarantined, Accounts, Halts, EventsLost,
	}
}

// PrometheusName is the name as Prometheus has it, which is what OpenTelemetry's exporters
// make of the name and the unit.
func (m *Metric) PrometheusName() string {
	name := PrometheusLabel(m.Name)
	if m.Unit == "s" {
		name += "_seconds"
	}
	if m.Kind == Counter {
		name += "_total"
	}
	return name
}

// PrometheusLabel is the name of an attribute as Prometheus has it.
func PrometheusLabel(attribute string) string { return strings.ReplaceAll(attribute, ".", "_") }
