package engine

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/tradeclock/tradeclock/internal/why"
)

// What a person asked for is neither good nor bad, and neither is what a newer run makes
// superfluous.
func TestVerdicts(t *testing.T) {
	for reason, want := range map[string]Verdict{
		why.HaltedBy + "ada": Neither, why.SkippedBy + "ada": Neither, why.Withdrawn: Neither, why.Disabled: Neither,
		why.Quarantined: Bad, why.OverlapOf + "2026-11-23 had not finished": Bad, why.Disabled + " twice": Bad,
	} {
		assert.Equal(t, want, VerdictOnSkipped(reason), reason)
	}
	assert.Equal(t, Neither, VerdictOnMissed(why.Superseded+why.WaitedFor+why.WaitsForTask))
	assert.Equal(t, Bad, VerdictOnMissed("its catch-up of 2m0s had passed"))
}
