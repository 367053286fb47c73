package tradeclock

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/tradeclock/tradeclock/internal/naming"
	"github.com/tradeclock/tradeclock/internal/spelling"
)

// StartLimit bounds how many runs may start in a time, such as ten a second, over
// all tasks whose schedules name it: what a broker accepts. A run that has to wait
// starts in its order as soon as the limit allows it, or is missed at the end of
// its catch-up. No stretch of time as long as Per ever has more starts than Starts,
// whichever instant it begins at.
//
// Several limits may have one name: all of them hold then, as in two a second for
// each account and ten a second together.
//
// Starts are counted, and not the attempts of a Retry. A process that takes over
// cannot know what the last one started: but for the first term of a scheduler,
// nothing that counts against a limit starts in the first Per of a term.
type StartLimit struct {
	// Name is what Schedule.StartLimit says. Required.
	Name string `json:"name"`
	// Starts is how many runs may start, at least 1. Required.
	Starts int `json:"starts"`
	// Per is the time in which they may, up to a minute. Zero means a second.
	Per time.Duration `json:"per,omitzero"`
	// PerAccount counts the starts of each account by themselves. Else those of all
	// accounts count together.
	PerAccount bool `json:"per_account,omitzero"`
}

const (
	defaultPer = time.Second
	minPer     = time.Millisecond
	maxPer     = time.Minute // what waits out the beginning of a term is not to miss its catch-up
	maxStarts  = 100_000     // as many instants are kept
)

func (l StartLimit) check() error {
	var errs []error
	bad := func(field string, err error) { errs = append(errs, fmt.Errorf("%s: %w", field, err)) }
	if err := naming.Check(l.Name); err != nil {
		bad("Name", err)
	}
	if l.Starts < 1 || l.Starts > maxStarts {
		bad("Starts", fmt.Errorf("%d is not between 1 and %d", l.Starts, maxStarts))
	}
	if l.Per != 0 && (l.Per < minPer || l.Per > maxPer) {
		bad("Per", fmt.Errorf("%v is not between %v and %v", l.Per, minPer, maxPer))
	}
	if len(errs) == 0 {
		return nil
	}
	return fmt.Errorf("limit %q: %s", l.Name, inLine(errors.Join(errs...)))
}

// startLimits are the limits of a scheduler by their names, with what counts
// against them. Guarded by mu.
//
// A place is reserved for a run when it is picked, since its claim takes a while,
// and counts until the run has started or does not start. So what starts is never
// more than the limit, however long the ledger takes.
type startLimits map[string][]*startCounter

func newStartLimits(limits []StartLimit) startLimits {
	ls := make(startLimits)
	for _, l := range limits {
		if l.Per == 0 {
			l.Per = defaultPer
		}
		ls[l.Name] = append(ls[l.Name], &startCounter{StartLimit: l, windows: make(map[string]*startWindow)})
	}
	return ls
}

// find is the limitFinder of rows.
func (ls startLimits) find(name string) error {
	if name != "" && ls[name] == nil {
		return fmt.Errorf("StartLimit: the configuration has no limit %q%s", name, spelling.Hint(name, slices.Collect(maps.Keys(ls))))
	}
	return nil
}

// reserve takes a place for a run of an account. If there is none, it says when to
// ask again. That is zero if every place is reserved: the next to ask is then who
// has started, or has released one.
func (ls startLimits) reserve(name, account string, now time.Time) (ok bool, next time.Time) {
	if ls.find(name) != nil {
		return false, next // its row is quarantined
	}
	ok = true
	for _, c := range ls[name] {
		if places, until := c.room(account, now); places <= 0 {
			ok = false
			if until.After(next) {
				next = until
			}
		}
	}
	if ok {
		for _, c := range ls[name] {
			c.window(account).reserved++
		}
	}
	return ok, next
}

// room is how many runs of all accounts together may start now, and when to ask
// again if none may.
func (ls startLimits) room(name string, now time.Time) (places int, next time.Time) {
	places = math.MaxInt
	for _, c := range ls[name] {
		if c.PerAccount {
			continue
		}
		left, until := c.room("", now)
		places = min(places, left)
		if until.After(next) {
			next = until
		}
	}
	return places, next
}

// started turns the place that was reserved for a run into a start.
func (ls startLimits) started(name, account string, now time.Time) {
	for _, c := range ls[name] {
		w := c.window(account)
		w.reserved--
		w.notLater(now)
		w.starts = append(w.starts, now)
	}
}

// release gives back the place of a run that does not start.
func (ls startLimits) release(name, account string) {
	for _, c := range ls[name] {
		c.window(account).reserved--
	}
}

// holdOff lets nothing start for the time of each limit, at the beginning of a term
// that has followed another.
func (ls startLimits) holdOff(now time.Time) {
	for _, counters := range ls {
		for _, c := range counters {
			c.began = now
		}
	}
}

// startCounter is a limit, and what counts against it.
type startCounter struct {
	StartLimit
	windows map[string]*startWindow // by account, or one under no name
	swept   time.Time               // when those that count nothing were last dropped
	began   time.Time               // the term, if the starts before it are not known
}

// startWindow is what counts together.
type startWindow struct {
	starts   []time.Time // in order; those of the last Per, and older ones
	reserved int
}

func (c *startCounter) window(account string) *startWindow {
	if !c.PerAccount {
		account = ""
	}
	w := c.windows[account]
	if w == nil {
		w = new(startWindow)
		c.windows[account] = w
	}
	return w
}

// room is how many runs of an account may start now, and until when at least none
// may if that is known.
func (c *startCounter) room(account string, now time.Time) (places int, until time.Time) {
	if c.began.After(now) {
		c.began = now
	}
	if !c.began.IsZero() && now.Sub(c.began) < c.Per {
		return 0, c.began.Add(c.Per)
	}
	c.sweep(now)
	w := c.window(account)
	w.forget(now, c.Per)
	places = c.Starts - len(w.starts) - w.reserved
	if places <= 0 && len(w.starts) > 0 {
		until = w.starts[0].Add(c.Per)
	}
	return places, until
}

// sweep drops the windows of accounts in which nothing counts any more, once in each
// Per: so it looks at no more of them than have had a start since, or have one that
// counts.
func (c *startCounter) sweep(now time.Time) {
	since := now.Sub(c.swept)
	if !c.PerAccount || since >= 0 && since < c.Per {
		return
	}
	c.swept = now
	maps.DeleteFunc(c.windows, func(_ string, w *startWindow) bool {
		w.forget(now, c.Per)
		return len(w.starts) == 0 && w.reserved == 0
	})
}

// forget drops the starts that do not count any more.
func (w *startWindow) forget(now time.Time, per time.Duration) {
	w.notLater(now)
	for len(w.starts) > 0 && now.Sub(w.starts[0]) >= per {
		w.starts = w.starts[1:]
	}
}

// notLater makes starts that seem to be still to come, as the clock was set back,
// as late as they can have been.
func (w *startWindow) notLater(now time.Time) {
	for i := len(w.starts) - 1; i >= 0 && w.starts[i].After(now); i-- {
		w.starts[i] = now
	}
}
