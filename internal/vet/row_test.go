package vet

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/store"
)

// Every policy that a row may have is one that the engine knows, and another one.
func TestTheEngineKnowsEachOverlap(t *testing.T) {
	known := make(map[any]bool)
	for o := store.Overlap(0); ; o++ {
		if _, err := o.MarshalText(); err != nil {
			break
		}
		known[newPolicy(store.Schedule{Task: "buy", Rule: rule.MustParse("daily 09:01"), Overlap: o}).handling.Overlap] = true
	}
	assert.Len(t, known, len(overlaps))
	assert.Len(t, known, 4)
}
