package engine

// The reasons of runs that never start, or their beginnings. What a run waited for comes
// behind WaitedFor.
const (
	HaltedBy          = "halted by "
	SkippedBy         = "skipped by "
	ReasonWithdrawn   = "the account was withdrawn"
	ReasonDisabled    = "its schedule was disabled or removed"
	ReasonQuarantined = "its schedule is quarantined"
	EditedTwice       = "its schedule was edited more than once since it was last read: what held then is not known"
	// OverlapOf is followed by the slot of the run that went on.
	OverlapOf = "the run of "
	// Superseded is that of an occurrence that came too late to be worth a run.
	Superseded = "late, and a newer occurrence took its place"
	WaitedFor  = ": it waited for "
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
)
