package quiet

import (
	"context"
	"time"
)

// parking is a wait of something that is counted as active: for the clock, or for what
// only comes once all is at rest.
type parking struct {
	ctx   context.Context
	until time.Time // zero: until it says so itself
}

// isOver reports whether the wait is over, though it may not be known yet to who waits.
func (p *parking) isOver(now time.Time) bool {
	return p.ctx.Err() != nil || !p.until.IsZero() && !now.Before(p.until)
}

// park counts something active as parked. The caller holds mu.
func (a *Activity) park(p *parking) {
	a.parked[p] = struct{}{}
	a.calm()
}

// Visit is a call of user code, which is counted as active and may park. It is found by
// VisitOf in the context that the code is given. All methods are safe for concurrent use.
type Visit struct {
	activity *Activity

	// Guarded by the activity's mu.
	parked int  // how often it is parked just now
	left   bool // it goes on, and is counted no longer
}

// Key is the key of the *Visit in the context of a call of user code. A context that
// carries a visit within itself answers it with that.
type Key struct{}

// VisitOf returns the visit that a context belongs to, or nil if it belongs to none.
func VisitOf(ctx context.Context) *Visit {
	v, _ := ctx.Value(Key{}).(*Visit)
	return v
}

// NewVisit returns a visit, for a context that carries it within itself.
func (a *Activity) NewVisit() Visit { return Visit{activity: a} }

// Visiting returns the context of a new visit.
func (a *Activity) Visiting(ctx context.Context) context.Context {
	v := a.NewVisit()
	return context.WithValue(ctx, Key{}, &v)
}

// Park counts the visit as parked until unpark is called or ctx ends: it waits for
// something that comes only once all is at rest.
func (v *Visit) Park(ctx context.Context) (unpark func()) { return v.park(&parking{ctx: ctx}) }

// Sleep waits for d on the clock, or until ctx ends, and returns the cause then. The visit
// is parked meanwhile.
func (v *Visit) Sleep(ctx context.Context, d time.Duration) error {
	woken := make(chan struct{})
	alarm := v.activity.After(d, func() { close(woken) })
	defer alarm.Stop()
	defer v.park(&parking{ctx, alarm.at})()
	if !v.activity.order.Wait(woken, ctx.Done()) {
		return context.Cause(ctx)
	}
	return nil
}

func (v *Visit) park(p *parking) (unpark func()) {
	a := v.activity
	a.mu.Lock()
	defer a.mu.Unlock()
	if v.left { // nobody waits for it as it is
		return func() {}
	}
	v.parked++
	a.park(p)
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		if _, still := a.parked[p]; still {
			v.parked--
			delete(a.parked, p)
		}
	}
}
