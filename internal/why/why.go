// Package why has the words of reasons, and their classes: why a run did not start, or how it
// ended. It is told a reason, and answers with its class.
package why

import "fmt"

// The reasons of runs that never start, or their beginnings. What a run waited for comes
// behind WaitedFor.
const (
	HaltedBy    = "halted by "
	SkippedBy   = "skipped by "
	Withdrawn   = "the account was withdrawn"
	Disabled    = "its schedule was disabled or removed"
	Quarantined = "its schedule is quarantined"
	// Ineligible is followed by why the account may not run the task.
	Ineligible  = "not eligible: "
	EditedTwice = "its schedule was edited more than once since it was last read: what held then is not known"
	// OverlapOf is followed by the slot of the run that went on.
	OverlapOf = "the run of "
	// Superseded is that of an occurrence that came too late to be worth a run.
	Superseded = "late, and a newer occurrence took its place"
	WaitedFor  = ": it waited for "
	// NoSuccessOf begins the reason of an occurrence that waited in vain, before the name of
	// the task that it waited for, and WasSkipped why that was skipped.
	NoSuccessOf = "no success of "
	WasSkipped  = ": it was skipped: "
)

// What a run waits for, or the beginning of it.
const (
	WaitsForPlace     = "a place among the concurrent runs"
	WaitsForLimit     = "start limit "
	WaitsForGroup     = "group "
	WaitsForTask      = "the run before it"
	WaitsForPrevious  = "the previous run"
	WaitsForTrigger   = "a run that a person triggered for its slot"
	WaitsForStart     = "the start of its executor"
	WaitsForLedger    = "the ledger"
	WaitsForHalts     = "the halts, which could not be read"
	WaitsForEnrolment = "the enrolment of its account"
	WaitsForTerm      = "the term, which could not be renewed"
	WaitsForClock     = "the clock, which was set back"
	WaitsForSuccess   = "the success of "
)

// What a run was ended by, or the beginning of it: the texts of the errors, too, with which
// its context ends.
const (
	SchedulerStopped = "the scheduler has stopped"
	TermLost         = "the scheduler's term was lost"
	Replaced         = "the next occurrence took its place"
	Cancelled        = "cancelled"
	Halted           = "halted"
	// LeftUnsettled begins the reason of a run that an older term left.
	LeftUnsettled = "its scheduler stopped before it was settled"
	// Panicked begins the reason of a run that failed by a panic.
	Panicked = "panic: "
	// SlotRecurs begins the reason of an occurrence whose slot is that of another.
	SlotRecurs = "the rule gave it slot "
)

// Recurs is the reason of an occurrence whose slot is that of one of another session.
func Recurs(slot, session string) string {
	return fmt.Sprintf("%s%q, which is that of session %s: a slot is for one occurrence, for ever", SlotRecurs, slot, session)
}
