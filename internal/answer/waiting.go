package answer

import (
	"fmt"
	"strings"
	"time"

	"github.com/tradeclock/tradeclock/internal/plan"
	"github.com/tradeclock/tradeclock/internal/vet"
	"github.com/tradeclock/tradeclock/internal/why"
)

// isWaiting reports whether an occurrence that began to wait for another has not come to its
// end.
func (e *explanation) isWaiting(o plan.Occurrence) bool {
	if o.Awaits == nil || !e.Served || !e.Since.Owns(&vet.RowOf(o).Run, o.Due) || !e.Now.Before(o.Awaits.Until) {
		return false
	}
	waits, known := e.Waits[o.Slot]
	return known && strings.HasSuffix(waits, why.WaitsForSuccess+o.Awaits.Task) || !known && e.Active && o.Due.After(e.Planned)
}

// waits tells of an occurrence that waits, at the beginning of the sentence or after it.
func (e *explanation) waits(o plan.Occurrence, begins bool) string {
	if begins {
		return fmt.Sprintf("waits for the success of %s since %s (%s)", o.Awaits.Task, e.wall(o.Due, time.DateTime), e.Row.Text)
	}
	return fmt.Sprintf("that of %s waits for the success of %s", e.wall(o.Due, time.TimeOnly), o.Awaits.Task)
}

// isToWait tells of one that is going to.
func (e *explanation) isToWait(o plan.Occurrence) string {
	return fmt.Sprintf("is to wait for the success of %s from %s on (%s)", o.Awaits.Task, e.wall(o.Due, time.DateTime), e.Row.Text)
}
