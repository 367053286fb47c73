package why

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// Each reason has a class, and what is said of the reason behind its beginning changes
// none.
func TestClassesOfReasons(t *testing.T) {
	for reason, want := range map[string]string{
		HaltedBy + "ada: audit": "halted", SkippedBy + "ada": "override", Withdrawn + " before it started": "withdrawn",
		Disabled: "disabled", Quarantined: "quarantined", EditedTwice: "edited", OverlapOf + "2026-11-23 had not finished": "overlap",
		"2026-11-26 is no session": "calendar", "": "calendar",
	} {
		assert.Equal(t, want, ClassOfSkipped(reason), reason)
	}
	for reason, want := range map[string]string{
		Superseded: "superseded", Superseded + WaitedFor + WaitsForPlace: "superseded",
		"its catch-up of 2m0s had passed": "late", "": "late", WaitsForPlace: "late",
	} {
		assert.Equal(t, want, ClassOfMissed(reason), reason)
	}
	for waits, want := range map[string]string{
		WaitsForPlace: "place", WaitsForLimit + "broker": "limit", WaitsForGroup + "orders": "group", WaitsForStart: "executor",
		WaitsForTrigger: "overlap", WaitsForTask: "overlap", WaitsForPrevious: "overlap", WaitsForTerm: "term", WaitsForClock: "clock",
		WaitsForLedger + ": disk full": "ledger", WaitsForHalts: "ledger", WaitsForEnrolment: "ledger", "the weather": "late",
	} {
		assert.Equal(t, want, ClassOfMissed("its catch-up of 2m0s had passed"+WaitedFor+waits), waits)
	}
}
