package plan

import (
	"cmp"
	"slices"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/why"
	"github.com/tradeclock/tradeclock/rule"
)

// group is a set of rows that are due at the same instants.
type group struct {
	Timing
	prior    Timing    // replaced by Timing at since, at the next session
	since    time.Time // zero unless there is a prior
	sessions calendar.SessionSet
	base     *group        // of an after rule
	delay    time.Duration // of an after rule
	awaits   *rule.Awaited // of one that waits for a success
	rows     []*Row
	from     int64 // Unix time: nothing that is due then or before counts
	holding  int   // how many rows hold from then on; zero if all are disabled
}

// appendRows adds an occurrence for each row of the group that holds when it is due.
func (g *group) appendRows(found []Occurrence, o Occurrence) []Occurrence {
	for _, r := range g.rows {
		if !r.Policy.Disabled && o.Due.After(r.HoldsFrom()) {
			o.Row = r
			found = append(found, o)
			if o.Awaits != nil && r.Base.Policy.Disabled {
				found[len(found)-1].Skip = cmp.Or(o.Skip, why.NoSuccessOf+o.Awaits.Task+": its schedule is disabled")
			}
		}
	}
	return found
}

func (g *group) add(r *Row) {
	g.rows = append(g.rows, r)
	g.count(r)
}

// count notes from when on a row holds, unless it is disabled.
func (g *group) count(r *Row) {
	if r.Policy.Disabled {
		return
	}
	switch from := r.HoldsFrom().Unix(); {
	case g.idle() || from < g.from:
		g.from, g.holding = from, 1
	case from == g.from:
		g.holding++
	}
}

// remove takes a row out. The others are looked at only if it was the last of those
// that held first.
func (g *group) remove(r *Row) {
	i := slices.Index(g.rows, r)
	g.rows = slices.Delete(g.rows, i, i+1)
	if r.Policy.Disabled || r.HoldsFrom().Unix() != g.from {
		return
	}
	if g.holding--; g.holding > 0 {
		return
	}
	for _, r := range g.rows {
		g.count(r)
	}
}

// idle reports whether all rows of the group are disabled.
func (g *group) idle() bool { return g.holding == 0 }

// runsOn reports whether the group, and what it follows, runs on such a session.
func (g *group) runsOn(k calendar.SessionKind) bool {
	for ; g != nil; g = g.base {
		if !g.sessions.Has(k) {
			return false
		}
	}
	return true
}

func (g *group) everyDay() bool {
	for ; g != nil; g = g.base {
		if g.sessions&calendar.EveryDay == 0 {
			return false
		}
	}
	return true
}

// root is the group that gives the group its instants.
func (g *group) root() *group {
	for g.base != nil {
		g = g.base
	}
	return g
}
