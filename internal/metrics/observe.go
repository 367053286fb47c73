package metrics

import (
	"time"

	"github.com/tradeclock/tradeclock"
)

// Recorder takes measurements of what events tell. The values are those of the metric's
// attributes, in their order.
type Recorder interface {
	// Begin makes a series appear before anything has happened, if the library can.
	Begin(m *Metric, values ...string)
	// Add adds to a counter.
	Add(m *Metric, n int, run *tradeclock.Run, values ...string)
	// Observe adds a value to a histogram.
	Observe(m *Metric, value float64, run *tradeclock.Run, values ...string)
	// Set sets a gauge.
	Set(m *Metric, value float64, values ...string)
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
	r.Begin(TermChanges, taken)
	r.Begin(TermChanges, lost)
	r.Begin(ClockSteps, forwards)
	r.Begin(ClockSteps, backwards)
	r.Begin(EventsLost)
}

// Observe records what an event tells.
func Observe(r Recorder, e tradeclock.Event) {
	switch e := e.(type) {
	case tradeclock.SchedulesChanged:
		beginTasks(r, e.Deliveries)
	case tradeclock.RunStarted:
		if !e.Run.Manual {
			r.Observe(Lateness, max(e.Run.Lateness().Seconds(), 0), &e.Run, e.Run.Task)
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
		r.Add(TermChanges, 1, nil, either(e.Number != 0, taken, lost))
	case tradeclock.ClockStepped:
		r.Add(ClockSteps, 1, nil, either(e.By > 0, forwards, backwards))
	case tradeclock.CalendarChanged:
		r.Add(CalendarChanges, 1, nil, e.Calendar)
	case tradeclock.EventsLost:
		r.Add(EventsLost, e.Count, nil)
	}
}

// beginTasks makes the series of tasks appear, whatever will become of their runs.
func beginTasks(r Recorder, tasks map[string][]tradeclock.Delivery) {
	for task, deliveries := range tasks {
		r.Begin(Lateness, task)
		r.Begin(Retries, task)
		for _, delivery := range deliveries {
			for _, outcome := range finalOutcomes {
				for _, class := range outcome.ReasonClasses() {
					r.Begin(Occurrences, task, outcome.String(), delivery.String(), class)
				}
			}
		}
	}
}

func settled(r Recorder, run *tradeclock.Run, delivery tradeclock.Delivery) {
	count(r, run, delivery, 1)
	if run.Attempt > 1 {
		r.Add(Retries, run.Attempt-1, run, run.Task)
	}
	if run.Outcome == tradeclock.Succeeded {
		r.Set(LastSuccess, unix(run.Finished), run.Task)
	}
	if !run.Started.IsZero() && !Died(run) {
		r.Observe(Duration, run.Finished.Sub(run.Started).Seconds(), run, run.Task, run.Outcome.String())
	}
}

func count(r Recorder, run *tradeclock.Run, delivery tradeclock.Delivery, n int) {
	r.Add(Occurrences, n, run, run.Task, run.Outcome.String(), delivery.String(), run.ReasonClass())
}

// Died reports whether the run's process died: nobody knows when it ended then.
func Died(run *tradeclock.Run) bool {
	return run.Outcome == tradeclock.Interrupted && run.ReasonClass() == "died"
}

func either[T any](first bool, a, b T) T {
	if first {
		return a
	}
	return b
}

func unix(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// The details of a run by which its trace is found.
const (
	TraceDetail = "trace_id"
	SpanDetail  = "span_id"
)

// Detail returns a detail of a run that is a text, or the empty text.
func Detail(run *tradeclock.Run, key string) string {
	text, _ := run.Details[key].(string)
	return text
}
