package store

import (
	"slices"
	"strings"

	"github.com/tradeclock/tradeclock/internal/why"
)

// reasonClasses are the classes of each outcome's reasons.
var reasonClasses = [...][]string{
	Succeeded:   {""},
	Failed:      {"error", "panic"},
	TimedOut:    {"timeout"},
	Skipped:     {"executor", "halted", "override", "overlap", "withdrawn", "disabled", "quarantined", "edited", "chain", "calendar", "slot"},
	Missed:      {"late", "superseded", "place", "limit", "group", "overlap", "executor", "ledger", "term", "clock"},
	Interrupted: {"died", "stopped", "term", "halted", "cancelled", "overlap"},
}

// ReasonClasses returns the classes that Run.ReasonClass has for the outcome, in no
// order that matters, and none for an outcome that is not final.
func (o Outcome) ReasonClasses() []string {
	if !o.Final() || int(o) >= len(reasonClasses) {
		return nil
	}
	return slices.Clone(reasonClasses[o])
}

// ReasonClass returns the class of Reason, one word by which a metric or a page can
// group runs: why, without whom it concerns and when.
//
//   - Succeeded: the empty text.
//   - Failed: "error" or "panic".
//   - TimedOut: "timeout".
//   - Skipped: "executor" said so, "halted", "override", "overlap", "withdrawn", "disabled",
//     "quarantined", "edited" unseen, in a "chain" after what did not succeed, "calendar" (or the session's hours), or "slot" (the
//     rule gave one to two sessions).
//   - Missed: "late" if nothing but time kept it, "superseded" by a newer occurrence, or
//     what it waited for: "place", "limit", "group", "overlap", "executor", "ledger",
//     "term" or "clock".
//   - Interrupted: its process "died", its scheduler "stopped" or lost the "term", it was
//     "halted" or "cancelled" by a person, or ended for an "overlap".
//
// It is empty for a run that has no final outcome.
func (r Run) ReasonClass() string {
	switch r.Outcome {
	case Failed:
		if strings.HasPrefix(r.Reason, why.Panicked) {
			return "panic"
		}
		return "error"
	case TimedOut:
		return "timeout"
	case Skipped:
		return r.classOfSkipped()
	case Missed:
		return why.ClassOfMissed(r.Reason)
	case Interrupted:
		return classOfInterrupted(r.Reason)
	}
	return ""
}

// classOfSkipped tells what an executor said by the start, since it may say anything.
func (r Run) classOfSkipped() string {
	switch {
	case !r.Started.IsZero():
		return "executor"
	case strings.HasPrefix(r.Reason, why.SlotRecurs):
		return "slot"
	}
	return why.ClassOfSkipped(r.Reason)
}

// classOfInterrupted looks for the cause, beside which the reason has the words of the
// executor.
func classOfInterrupted(reason string) string {
	for _, c := range []struct{ words, class string }{
		{why.LeftUnsettled, "died"}, {why.SchedulerStopped, "stopped"}, {why.TermLost, "term"},
		{why.Replaced, "overlap"}, {why.Cancelled + " by ", "cancelled"}, {why.Halted, "halted"},
	} {
		if strings.Contains(reason, c.words) {
			return c.class
		}
	}
	return "stopped"
}
