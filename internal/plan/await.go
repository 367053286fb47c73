package plan

import (
	"fmt"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/why"
	"github.com/tradeclock/tradeclock/rule"
)

// Await is what an occurrence waits for before it is due: the success of the run of another
// task that has its slot. What the occurrence has as its due time is that of the other, from
// which on it waits.
type Await struct {
	Task  string
	Delay time.Duration // after that run has finished
	Until time.Time     // it must be due before
}

// Same reports whether two occurrences wait for the same, either of which may wait for nothing.
func (a *Await) Same(o *Await) bool {
	if a == nil || o == nil {
		return a == o
	}
	return a.Task == o.Task && a.Delay == o.Delay && a.Until.Equal(o.Until)
}

// Awaits reports whether any row waits for the success of a task.
func (p *Plan) Awaits(task string) bool { return p.awaited[task] }

// await tells what the occurrences of a group wait for on a day, if they do. Those that have
// no time to wait are skipped.
func (m *market) await(g *group, d *day, spans []rule.Span) (*Await, error) {
	if g.awaits == nil || len(spans) == 0 {
		return nil, nil
	}
	a := &Await{Task: g.awaits.Task, Delay: g.awaits.Delay}
	if !g.awaits.Ends {
		a.Until = m.midnightAfter(d.session.Date, spans)
		return a, nil
	}
	var err error
	if a.Until, err = g.awaits.Until.Resolve(d.session, m.loc); err != nil {
		return nil, err
	}
	for i := range spans {
		if from := spans[i].Due(0); spans[i].Skip == "" && !from.Before(a.Until) {
			spans[i].Skip = fmt.Sprintf("%s%s in time: its end, %v, is not after %s", why.NoSuccessOf, a.Task, g.awaits.Until, from.In(m.loc).Format(time.TimeOnly))
		}
	}
	return a, nil
}

// midnightAfter is the one that ends a session's date, or that of the last of its due times
// if that is a later date.
func (m *market) midnightAfter(date calendar.Date, spans []rule.Span) time.Time {
	for _, sp := range spans {
		if on := calendar.DateOf(sp.Due(sp.N - 1).In(m.loc)); on.After(date) {
			date = on
		}
	}
	return calendar.EndOfDay.On(date, m.loc)
}
