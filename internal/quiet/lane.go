package quiet

import (
	"context"
	"errors"
	"time"
)

var errBlocked = errors.New("an earlier call has not returned")

// Lane is the way to one kind of call to somebody else, such as a store. Of several calls
// at once each waits for the one before it. One that has not answered within its bound
// blocks its lane and nothing else: until it has returned, further calls fail at once.
// Make one with NewLane. All methods are safe for concurrent use.
type Lane struct {
	activity *Activity
	name     string
	direct   bool
	listener *Listener // to whom the calls only tell something, or nil

	// Guarded by the activity's mu.
	call    *call // that has not returned, or nil
	late    bool  // that has not answered in time
	answers int64 // calls that have returned
}

// NewLane returns a lane to what errors call name. A direct one is to what answers from
// memory, and is called in place.
func (a *Activity) NewLane(name string, direct bool) *Lane {
	return &Lane{activity: a, name: name, direct: direct}
}

// NewTellingLane returns a lane to a Listener.
func (a *Activity) NewTellingLane(name string, direct bool) *Lane {
	l := a.NewLane(name, direct)
	l.listener = a.newListener(l)
	return l
}

// Name is what errors call it that the lane leads to.
func (l *Lane) Name() string { return l.name }

// IsDirect reports whether what it leads to is called in place.
func (l *Lane) IsDirect() bool { return l.direct }

// IsBusy reports whether a call has not returned.
func (l *Lane) IsBusy() bool {
	l.activity.mu.Lock()
	defer l.activity.mu.Unlock()
	return l.call != nil
}

// IsLeft reports whether a call has not returned and nobody waits for it any more.
func (l *Lane) IsLeft() bool {
	l.activity.mu.Lock()
	defer l.activity.mu.Unlock()
	return l.call != nil && l.call.given
}

// Unreturned returns the lanes whose call has not returned, in the order in which the
// calls began.
func (a *Activity) Unreturned() []*Lane {
	a.mu.Lock()
	defer a.mu.Unlock()
	var lanes []*Lane
	for _, c := range a.calls {
		lanes = append(lanes, c.lane)
	}
	return lanes
}

// enter waits until the lane is free, and takes it for a call. A call that is merely in
// flight is not one that hangs: it is waited for, though no longer than it may take, also
// if whoever made it has given up.
func (l *Lane) enter(ctx context.Context, c *call, bound time.Duration) error {
	for {
		free, answers, err := l.take(c)
		if free || err != nil {
			return err
		}
		late := l.activity.AwaitFor(ctx, bound, l.isDecided)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if late != nil {
			l.noteLate(answers)
		}
	}
}

// take takes the lane if it is free. If a call is in flight it returns how many have
// returned before that.
func (l *Lane) take(c *call) (free bool, answers int64, err error) {
	a := l.activity
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.crash != nil:
		return false, 0, a.crash
	case l.call == nil:
		l.call, l.late = c, false
		a.calls = append(a.calls, c)
		a.calm() // what tells a listener is no work
		return true, 0, nil
	case l.late:
		return false, 0, errBlocked
	}
	return false, l.answers, nil
}

// isAtWork reports whether a call is counted as active, and not parked. The caller holds
// mu.
func (l *Lane) isAtWork() bool {
	c := l.call
	return c != nil && (!c.given || c.counted) && c.visit.parked == 0
}

// isDecided reports whether the lane is free, or its call hangs.
func (l *Lane) isDecided() bool {
	l.activity.mu.Lock()
	defer l.activity.mu.Unlock()
	return l.call == nil || l.late
}

// noteLate notes that the call hangs before which so many had returned.
func (l *Lane) noteLate(answers int64) {
	l.activity.mu.Lock()
	defer l.activity.mu.Unlock()
	if l.answers == answers {
		l.late = true
	}
}
