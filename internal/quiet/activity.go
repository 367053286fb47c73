package quiet

import (
	"context"
	"sync"

	"github.com/jonboulle/clockwork"

	"github.com/tradeclock/tradeclock/internal/turns"
)

// Activity is what goes on in one scheduler. Make one with New. All methods are safe
// for concurrent use.
type Activity struct {
	clock   clockwork.Clock
	order   turns.Order // of the goroutines
	runners runners

	mu        sync.Mutex // guards all below, and what the other types say it guards
	active    int        // what is at work, parked or not
	parked    map[*parking]struct{}
	waiting   []*waiter       // for a condition
	resting   []chan struct{} // of those who wait for rest, with room for one word each
	listeners []*Listener
	alarms    alarms
	calls     []*call // that have not returned, in the order in which they began
	crash     error   // why nothing is done any more, or nil
}

// New returns an activity on a clock, in which nothing goes on. A clock that is a
// turns.Order too, as that of a simulated world, starts the goroutines.
func New(clock clockwork.Clock) *Activity {
	a := &Activity{clock: clock, parked: make(map[*parking]struct{})}
	a.order = orderOf(clock)
	a.runners.spawn = a.Go
	a.alarms = alarms{clock: clock, goOff: a.goOff}
	return a
}

func orderOf(clock clockwork.Clock) turns.Order {
	if order, ok := clock.(turns.Order); ok {
		return order
	}
	return new(turns.Free)
}

// Begin counts one thing more that is at work, until End. What follows from something
// begins before that ends: so there is never a gap in which all seems to be at rest.
func (a *Activity) Begin() {
	a.mu.Lock()
	a.active++
	a.mu.Unlock()
}

// End ends what Begin began. Whoever waits looks again.
func (a *Activity) End() { a.EndAll(1) }

// EndAll is End of n things at once.
func (a *Activity) EndAll(n int) {
	a.mu.Lock()
	a.end(n)
	a.mu.Unlock()
}

// end is EndAll for a caller that holds mu.
func (a *Activity) end(n int) {
	a.active -= n
	a.stir()
}

// Go calls f in a goroutine, for which Join waits. It does not count as activity by
// itself.
func (a *Activity) Go(f func()) { a.order.Go(f) }

// Join waits until every goroutine of the activity has returned.
func (a *Activity) Join() { a.order.Join() }

// Background runs a loop in a goroutine until stop is called, which ends the context of
// the loop and waits for it. The loop counts as activity as far as its bell does.
func (a *Activity) Background(ctx context.Context, loop func(context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	a.Go(func() {
		defer close(ended)
		loop(ctx)
	})
	return func() {
		cancel()
		a.order.Wait(ended, nil)
	}
}

// Crash lets nothing be done any more: no alarm goes off, and no call is made. Who waits
// for a call goes on without its answer and with cause as the error, and who waits for a
// condition goes on too.
func (a *Activity) Crash(cause error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.crash = cause
	a.alarms.clear()
	for _, c := range a.calls {
		c.leave(cause)
	}
	a.stir()
}

// crashed returns the cause of the crash, or nil if there was none.
func (a *Activity) crashed() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.crash
}
