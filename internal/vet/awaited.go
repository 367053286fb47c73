package vet

import (
	"fmt"

	"github.com/tradeclock/tradeclock/rule"
)

// checkAwaited refuses to wait for the success of a task that repeats, and to go by the
// clock after one that has no planned time of its own.
func (r *Row) checkAwaited() error {
	base, root := r.BaseRow(), RowBy(r.Root())
	_, awaits := rule.Awaits(r.Rule)
	of, chained := rule.Awaits(base.Rule)
	switch {
	case awaits && rule.Repeats(root.Rule):
		return fmt.Errorf("%s repeats (%s): what waits for a success needs a task that is due once, or at the times of a daily rule", base.Task, root.Text)
	case chained && !awaits:
		_, delay, _ := rule.Follows(r.Rule)
		return fmt.Errorf("%s is due when %s succeeds, and not at a planned time: want %q", base.Task, of.Task, rule.AfterSuccess(base.Task, delay))
	}
	return nil
}
