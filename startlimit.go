package tradeclock

import (
	"fmt"
	"maps"
	"slices"

	"github.com/tradeclock/tradeclock/internal/engine"
	"github.com/tradeclock/tradeclock/internal/spelling"
)

// startLimits are the limits of a configuration as the engine knows them.
func startLimits(limits []StartLimit) []engine.Limit {
	counted := make([]engine.Limit, len(limits))
	for i, l := range limits {
		counted[i] = engine.Limit(l)
	}
	return counted
}

// limitOf is the limitFinder of rows.
func (s *UnifiedTaskScheduler) limitOf(name string) error { return findLimit(s.engine.Limits, name) }

// findLimit returns an error if there is no limit of a name.
func findLimit(limits engine.Limits, name string) error {
	if limits.Has(name) {
		return nil
	}
	return fmt.Errorf("StartLimit: the configuration has no limit %q%s", name, spelling.Hint(name, slices.Collect(maps.Keys(limits))))
}
