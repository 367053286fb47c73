package metrics

import (
	"time"

	"github.com/tradeclock/tradeclock"
)

// Values are those of a metric's attributes, in their order.
type Values [4]string

// Example is a run that a measurement is of, by which it is found again. The zero value is
// none.
type Example struct {
	RunID, Task string
	Outcome     tradeclock.Outcome
	At          time.Time
	Trace, Span string // their IDs, or empty if the run has no span
}

// Recorder takes measurements of what events tell.
type Recorder interface {
	// Begin makes a series appear before anything has happened, if the library can.
	Begin(m *Metric, values Values)
	// Add adds to a counter.
	Add(m *Metric, n int, of Example, values Values)
	// Observe adds a value to a histogram.
	Observe(m *Metric, value float64, of Example, values Values)
	// Set sets a gauge.
	Set(m *Metric, value float64, values Values)
}

// finalOutcomes are those that occurrences end with.
var finalOutcomes = []tradeclock.Outcome{
	tradeclock.Succeeded, tradeclock.Failed, tradeclock.TimedOut, tradeclock.Skipped, tradeclock.Missed, tradeclock.Interrupted,
}

const (
	taken     = "taken"
	lost      = "lost"
	forwards  = "forwards"
	backwards = "backwards"
	running   = "running"
	overdue   = "overdue"
)

// Begin makes the series appear that every scheduler has: who asks for the increase of a
// counter does not see one that is born at one.
func Begin(r Recorder) {
	r.Begin(TermChanges, Values{taken})
	r.Begin(TermChanges, Values{lost})
	r.Begin(ClockSteps, Values{forwards})
	r.Begin(ClockSteps, Values{backwards})
	r.Begin(EventsLost, Values{})
}

// Observe records what an event tells.
func Observe(r Recorder, e tradeclock.Event) {
	switch e := e.(type) {
	case tradeclock.SchedulesChanged:
		beginTasks(r, e.Deliveries)
	case tradeclock.RunStarted:
		if !e.Run.Manual {
			r.Observe(Lateness, max(e.Run.Lateness().Seconds(), 0), exampleOf(&e.Run), Values{e.Run.Task})
		}
	case tradeclock.RunSettled:
		if !e.Late {
			settled(r, &e.Run, e.Delivery)
		}
	case tradeclock.RunMissed:
		count(r, &e.Run, e.Delivery, e.New)
	case tradeclock.RunSkipped:
		count(r, &e.Run, e.Delivery, e.New)
	case tradeclock.TermChanged:
		r.Add(TermChanges, 1, Example{}, Values{either(e.Number != 0, taken, lost)})
	case tradeclock.ClockStepped:
		r.Add(ClockSteps, 1, Example{}, Values{either(e.By > 0, forwards, backwards)})
	case tradeclock.CalendarChanged:
		r.Add(CalendarChanges, 1, Example{}, Values{e.Calendar})
	case tradeclock.EventsLost:
		r.Add(EventsLost, e.Count, Example{}, Values{})
	}
}

// beginTasks makes the series of tasks appear, whatever will become of their runs.
func beginTasks(r Recorder, tasks map[string][]tradeclock.Delivery) {
	for task, deliveries := range tasks {
		r.Begin(Lateness, Values{task})
		r.Begin(Retries, Values{task})
		for _, delivery := range deliveries {
			for _, outcome := range finalOutcomes {
				for _, class := range outcome.ReasonClasses() {
					r.Begin(Occurrences, Values{task, outcome.String(), delivery.String(), class})
				}
			}
		}
	}
}

func settled(r Recorder, run *tradeclock.Run, delivery tradeclock.Delivery) {
	count(r, run, delivery, 1)
	of := exampleOf(run)
	if run.Attempt > 1 {
		r.Add(Retries, run.Attempt-1, of, Values{run.Task})
	}
	if run.Outcome == tradeclock.Succeeded {
		r.Set(LastSuccess, unix(run.Finished), Values{run.Task})
	}
	if !run.Started.IsZero() && !died(run) {
		r.Observe(Duration, run.Finished.Sub(run.Started).Seconds(), of, Values{run.Task, run.Outcome.String()})
	}
}

func count(r Recorder, run *tradeclock.Run, delivery tradeclock.Delivery, n int) {
	r.Add(Occurrences, n, exampleOf(run), Values{run.Task, run.Outcome.String(), delivery.String(), run.ReasonClass()})
}

// died reports whether the run's process died: nobody knows when it ended then.
func died(run *tradeclock.Run) bool {
	return run.Outcome == tradeclock.Interrupted && run.ReasonClass() == "died"
}

// The details of a run by which its span is found.
const (
	TraceDetail = "trace_id"
	SpanDetail  = "span_id"
)

func exampleOf(run *tradeclock.Run) Example {
	of := Example{RunID: run.ID, Task: run.Task, Outcome: run.Outcome, At: run.Finished}
	if !run.Outcome.Final() {
		of.At = run.Started
	}
	of.Trace, _ = run.Details[TraceDetail].(string)
	of.Span, _ = run.Details[SpanDetail].(string)
	return of
}

func either[T any](first bool, a, b T) T {
	if first {
		return a
	}
	return b
}

func unix(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
