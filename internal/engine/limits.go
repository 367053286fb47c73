package engine

import (
	"cmp"
	"maps"
	"math"
	"time"
)

// Limits are the limits of a scheduler by their names, with what counts against them.
// NewLimits makes them.
//
// A place is reserved for a run when it is picked, since its claim takes a while,
// and counts until the run has started or does not start. So what starts is never
// more than the limit, however long the ledger takes.
type Limits map[string][]*counter

// Limit bounds how many runs may start in a time, which is a second if it is zero: all
// together, or those of each account.
type Limit struct {
	Name       string
	Starts     int
	Per        time.Duration
	PerAccount bool
}

// NewLimits returns limits against which nothing counts yet. Several may have one name.
func NewLimits(limits []Limit) Limits {
	ls := make(Limits)
	for _, l := range limits {
		l.Per = cmp.Or(l.Per, time.Second)
		ls[l.Name] = append(ls[l.Name], &counter{Limit: l, windows: make(map[string]*window)})
	}
	return ls
}

// Has reports whether there is a limit of a name. The empty name is none, and always
// allowed.
func (ls Limits) Has(name string) bool { return name == "" || ls[name] != nil }

// Reserve takes a place for a run of an account. If there is none, it says when to
// ask again. That is zero if every place is reserved: the next to ask is then who
// has started, or has released one.
func (ls Limits) Reserve(name, account string, now time.Time) (ok bool, next time.Time) {
	if !ls.Has(name) {
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

// Room is how many runs of all accounts together may start now, and when to ask
// again if none may.
func (ls Limits) Room(name string, now time.Time) (places int, next time.Time) {
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

// Started turns the place that was reserved for a run into a start.
func (ls Limits) Started(name, account string, now time.Time) {
	for _, c := range ls[name] {
		w := c.window(account)
		w.reserved--
		w.notLater(now)
		w.starts = append(w.starts, now)
	}
}

// Release gives back the place of a run that does not start.
func (ls Limits) Release(name, account string) {
	for _, c := range ls[name] {
		c.window(account).reserved--
	}
}

// HoldOff lets nothing start for the time of each limit, at the beginning of a term
// that has followed another.
func (ls Limits) HoldOff(now time.Time) {
	for _, counters := range ls {
		for _, c := range counters {
			c.began = now
		}
	}
}

// counter is a limit, and what counts against it.
type counter struct {
	Limit
	windows map[string]*window // by account, or one under no name
	swept   time.Time          // when those that count nothing were last dropped
	began   time.Time          // the term, if the starts before it are not known
}

// window is what counts together.
type window struct {
	starts   []time.Time // in order; those of the last Per, and older ones
	reserved int
}

func (c *counter) window(account string) *window {
	if !c.PerAccount {
		account = ""
	}
	w := c.windows[account]
	if w == nil {
		w = new(window)
		c.windows[account] = w
	}
	return w
}

// room is how many runs of an account may start now, and until when at least none
// may if that is known.
func (c *counter) room(account string, now time.Time) (places int, until time.Time) {
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
func (c *counter) sweep(now time.Time) {
	since := now.Sub(c.swept)
	if !c.PerAccount || since >= 0 && since < c.Per {
		return
	}
	c.swept = now
	maps.DeleteFunc(c.windows, func(_ string, w *window) bool {
		w.forget(now, c.Per)
		return len(w.starts) == 0 && w.reserved == 0
	})
}

// forget drops the starts that do not count any more.
func (w *window) forget(now time.Time, per time.Duration) {
	w.notLater(now)
	for len(w.starts) > 0 && now.Sub(w.starts[0]) >= per {
		w.starts = w.starts[1:]
	}
}

// notLater makes starts that seem to be still to come, as the clock was set back,
// as late as they can have been.
func (w *window) notLater(now time.Time) {
	for i := len(w.starts) - 1; i >= 0 && w.starts[i].After(now); i-- {
		w.starts[i] = now
	}
}
