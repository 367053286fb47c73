package answer

import (
	"github.com/tradeclock/tradeclock/internal/engine"
	"github.com/tradeclock/tradeclock/internal/said"
	"github.com/tradeclock/tradeclock/store"
)

// EndedOf is what a row has come to, or nil if that is open.
func EndedOf(run *store.Run) *engine.Ended {
	if !run.Outcome.Final() {
		return nil
	}
	end := &engine.Ended{Succeeded: run.Outcome == store.Succeeded, Due: run.Due, Finished: run.Finished, CutOff: !run.RerunUntil.IsZero()}
	if end.What = "it " + outcomeVerb(run.Outcome); run.Reason != "" {
		end.What += ": " + said.FirstLine(run.Reason)
	}
	return end
}
