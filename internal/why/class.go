package why

import "strings"

// classed is the class of reasons that begin with some words.
type classed struct{ words, class string }

// The classes of what is skipped without a start, and of what is missed. A reason of none
// of them is the calendar's, and of a run that came too late with nothing in its way.
var (
	skipClasses = []classed{
		{HaltedBy, "halted"}, {SkippedBy, "override"}, {Withdrawn, "withdrawn"}, {Disabled, "disabled"},
		{Quarantined, "quarantined"}, {EditedTwice, "edited"}, {OverlapOf, "overlap"}, {NoSuccessOf, "chain"},
	}
	waitClasses = []classed{
		{WaitsForPlace, "place"}, {WaitsForLimit, "limit"}, {WaitsForGroup, "group"}, {WaitsForStart, "executor"},
		{WaitsForTrigger, "overlap"}, {WaitsForTask, "overlap"}, {WaitsForPrevious, "overlap"},
		{WaitsForTerm, "term"}, {WaitsForClock, "clock"},
		{WaitsForLedger, "ledger"}, {WaitsForHalts, "ledger"}, {WaitsForEnrolment, "ledger"},
	}
)

// ClassOfSkipped is the class of the reason of a run that was skipped without a start.
func ClassOfSkipped(reason string) string { return classOf(reason, skipClasses, "calendar") }

// ClassOfMissed is the class of the reason of a run that was missed.
func ClassOfMissed(reason string) string {
	if strings.HasPrefix(reason, Superseded) {
		return "superseded"
	}
	_, waited, _ := strings.Cut(reason, WaitedFor)
	return classOf(waited, waitClasses, "late")
}

func classOf(reason string, classes []classed, other string) string {
	for _, c := range classes {
		if strings.HasPrefix(reason, c.words) {
			return c.class
		}
	}
	return other
}
