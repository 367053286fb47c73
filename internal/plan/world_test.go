package plan

import (
	"cmp"

	"github.com/tradeclock/tradeclock/internal/planworld"
)

// worldRows are the rows of a world's tasks, linked as a scheduler links them.
type worldRows struct {
	world    *planworld.World
	policies map[rowKey]*Policy
	rows     map[rowKey]*Row
	all      []*Row
}

type rowKey struct{ task, account string }

func rowsOf(w *planworld.World) *worldRows {
	r := &worldRows{world: w, policies: make(map[rowKey]*Policy), rows: make(map[rowKey]*Row)}
	for _, account := range w.Accounts {
		for _, t := range w.TasksOf(account) {
			r.holding(account, t.Name)
		}
	}
	return r
}

// holding returns the row of a task that holds for an account, or nil: its own, that of
// all who have none, or one like that for the account alone, since it comes after a row of
// the account.
func (r *worldRows) holding(account, task string) *Row {
	t, ok := r.world.TaskOf(account, task)
	if !ok {
		return nil
	}
	row := &Row{Policy: r.policyOf(t), Account: t.Account, Since: t.Since, Calendar: r.world}
	if t.Base != "" {
		row.Base = r.holding(account, t.Base)
		row.Account = cmp.Or(t.Account, row.Base.Account)
	}
	key := rowKey{task, row.Account}
	if r.rows[key] == nil {
		r.rows[key] = row
		r.all = append(r.all, row)
	}
	return r.rows[key]
}

func (r *worldRows) policyOf(t planworld.Task) *Policy {
	key := rowKey{t.Name, t.Account}
	p := r.policies[key]
	if p == nil {
		p = &Policy{Task: t.Name, Disabled: t.Disabled, Sessions: t.Sessions, Timing: TimingOf(t.Rule)}
		if t.Prior != nil {
			p.Prior = TimingOf(t.Prior.Rule)
		}
		r.policies[key] = p
	}
	return p
}

// due multiplies a plan by the accounts.
func (r *worldRows) due(planned []Occurrence) (all []planworld.Due) {
	for _, o := range planned {
		for _, account := range r.world.Accounts {
			if r.holding(account, o.Row.Policy.Task) == o.Row {
				all = append(all, planworld.Due{At: o.Due.UTC(), Account: account, Task: o.Row.Policy.Task, Slot: o.Slot, Session: o.Session, Skipped: o.Skip != ""})
			}
		}
	}
	return planworld.Sorted(all)
}
