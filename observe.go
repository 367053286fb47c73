package tradeclock

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/naming"
	"github.com/tradeclock/tradeclock/internal/quiet"
	"github.com/tradeclock/tradeclock/internal/said"
	"github.com/tradeclock/tradeclock/store"
)

// Observer gets the events of a scheduler, one at a time and in order, from a
// goroutine of its own: its panics are contained, and its slowness is its own, also
// beside other observers. One that falls more than 10,000 events behind loses the oldest,
// and is told how many by an EventsLost. Observers share what an event refers to, and
// must not change it.
type Observer interface {
	Observe(e Event)
}

// ObserverFunc is a function that is an Observer.
type ObserverFunc func(e Event)

// Observe calls f.
func (f ObserverFunc) Observe(e Event) { f(e) }

// Event is one of the types below.
type Event interface{ event() }

// Ticked says that a tick has planned what was due in (From, To].
type Ticked struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// RunStarted says that a run starts. It was claimed, or the ledger is out of reach
// and the run is delivered at least once.
type RunStarted struct {
	Run      Run      `json:"run"`
	Delivery Delivery `json:"delivery"`
}

// RunSettled says that the ledger has the outcome of a started run, or of one which an
// older term left unsettled and which is interrupted thereby. One that may run again is
// told of again when it has.
type RunSettled struct {
	Run Run `json:"run"`
	// Delivery is that of the schedule. Of what an older term left it is that of the row
	// in force now, and AtMostOnce if there is none.
	Delivery Delivery `json:"delivery"`
	// Late is true if the ledger has another outcome already, as after a takeover: this
	// one is kept beside it, and changes nothing.
	Late bool `json:"late,omitzero"`
}

// RunMissed says that the ledger has it that a run, or a range of them, was missed.
type RunMissed struct {
	Run      Run      `json:"run"`
	Delivery Delivery `json:"delivery"`
	// New is how many of the run's occurrences have not been told of before: a range
	// grows, and is told of whenever it has.
	New int `json:"new"`
}

// RunSkipped says that a run, or a range of them, was skipped without a start. Its
// fields are those of RunMissed.
type RunSkipped struct {
	Run      Run      `json:"run"`
	Delivery Delivery `json:"delivery"`
	New      int      `json:"new"`
}

// TermChanged says that the scheduler took a term, or lost it: then the number
// is zero and Reason says why.
type TermChanged struct {
	Number int64  `json:"number"`
	Reason string `json:"reason,omitzero"`
}

// SchedulesChanged says that a poll brought other rows than the one before.
type SchedulesChanged struct {
	Added       []string         `json:"added,omitzero"`
	Changed     []string         `json:"changed,omitzero"`
	Removed     []string         `json:"removed,omitzero"`
	Quarantined []store.RowError `json:"quarantined,omitzero"`
	// Deliveries are the tasks of the rows that were added or changed, and how their
	// runs are delivered: in both ways, where accounts have rows of their own.
	Deliveries map[string][]Delivery `json:"deliveries,omitzero"`
}

// CalendarChanged says that a calendar has another version, and what that changed
// among the sessions and the tasks of the next fortnight. Runs that were planned
// already stay as they are.
type CalendarChanged struct {
	Calendar string          `json:"calendar"`
	Version  string          `json:"version"`
	Sessions []SessionChange `json:"sessions,omitzero"`
	Tasks    []TaskChange    `json:"tasks,omitzero"`
	// MovedIntoPast is how many occurrences are due before now by the new version
	// alone. They run within their catch-up, or are missed.
	MovedIntoPast int `json:"moved_into_past"`
}

// SessionChange is a date of which a calendar says something else than before, in
// words.
type SessionChange struct {
	Date   calendar.Date `json:"date"`
	Before string        `json:"before"`
	After  string        `json:"after"`
}

// String returns the change in a line.
func (c SessionChange) String() string {
	return fmt.Sprintf("%v: %s (was %s)", c.Date, c.After, c.Before)
}

// TaskChange counts the occurrences of one row on one session date that a change of a
// calendar moved to another instant, made appear, or made fall away. Account is
// empty for a row that holds for all accounts.
type TaskChange struct {
	Task     string        `json:"task"`
	Account  string        `json:"account,omitzero"`
	Session  calendar.Date `json:"session"`
	Moved    int           `json:"moved,omitzero"`
	Appeared int           `json:"appeared,omitzero"`
	FellAway int           `json:"fell_away,omitzero"`
	// Next is the first new instant, or zero if all fell away.
	Next time.Time `json:"next,omitzero"`
}

// String returns the change in a line.
func (c TaskChange) String() string {
	text := fmt.Sprintf("%s on %v:", naming.Row(c.Task, c.Account), c.Session)
	for _, part := range []struct {
		count int
		what  string
	}{{c.Moved, "moved"}, {c.Appeared, "appeared"}, {c.FellAway, "fell away"}} {
		if part.count > 0 {
			text += fmt.Sprintf(" %d %s", part.count, part.what)
		}
	}
	if !c.Next.IsZero() {
		text += ", from " + c.Next.Format(time.RFC3339)
	}
	return text
}

// ClockStepped says that the wall clock was not where the last wake led one
// to expect.
type ClockStepped struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	// By is how far it went beyond what has passed, negative for backwards.
	By time.Duration `json:"by"`
}

// EventsLost says how many events the observer was too slow for.
type EventsLost struct {
	Count int `json:"count"`
}

func (Ticked) event()           {}
func (RunStarted) event()       {}
func (RunSettled) event()       {}
func (RunMissed) event()        {}
func (RunSkipped) event()       {}
func (TermChanged) event()      {}
func (SchedulesChanged) event() {}
func (CalendarChanged) event()  {}
func (ClockStepped) event()     {}
func (EventsLost) event()       {}

const observerBacklog = 10_000

// announcers are those of all observers.
type announcers []*announcer

func newAnnouncers(observers []Observer, log *slog.Logger, a *quiet.Activity) announcers {
	all := make(announcers, len(observers))
	for i, o := range observers {
		all[i] = &announcer{observer: o, log: log, activity: a, listener: a.NewListener()}
	}
	return all
}

// tell tells all observers. The caller may hold the scheduler's lock.
func (all announcers) tell(e Event) {
	for _, a := range all {
		a.tell(e)
	}
}

// silence lets nobody be told anything any more.
func (all announcers) silence() {
	for _, a := range all {
		a.silence()
	}
}

// untold names the observers that have not returned from every event.
func (all announcers) untold() []string {
	var names []string
	for _, a := range all {
		if !a.idle() {
			names = append(names, fmt.Sprintf("observer %T", a.observer))
		}
	}
	return names
}

// announcer hands events to one observer in order. A goroutine does so while
// there are any.
type announcer struct {
	observer Observer
	log      *slog.Logger
	activity *quiet.Activity
	listener *quiet.Listener // the observer, to the activity

	hand []Event     // what is told next, by the goroutine that tells
	over atomic.Bool // nothing is told any more

	mu    sync.Mutex
	queue []Event // what is told after it
	taken []Event // what the hand was taken up as: room for the next queue
	lost  int
	busy  bool
}

// tell queues an event.
func (a *announcer) tell(e Event) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.over.Load() {
		return
	}
	if len(a.queue) >= observerBacklog {
		a.queue = a.queue[1:]
		a.lost++
	}
	a.queue = append(a.queue, e)
	if !a.busy {
		a.busy = true
		a.listener.Begin()
		a.activity.Go(a.deliver)
	}
}

// silence drops what has not been told, and all that follows.
func (a *announcer) silence() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.queue, a.lost = nil, 0
	a.over.Store(true)
}

// idle reports whether the observer has returned from every event.
func (a *announcer) idle() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return !a.busy
}

// deliver hands over events until there are none. An observer that ends its
// goroutine gets the others in another.
func (a *announcer) deliver() {
	done := false
	defer func() {
		if done {
			a.listener.End()
		} else {
			a.activity.Go(a.deliver)
		}
	}()
	for a.takeUp() {
		for len(a.hand) > 0 && !a.over.Load() {
			e := a.hand[0]
			a.hand[0], a.hand = nil, a.hand[1:]
			a.observe(e)
		}
	}
	done = true
}

// takeUp takes up what was queued, all at once, and reports whether there is anything to
// tell.
func (a *announcer) takeUp() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.over.Load():
		a.hand = nil
	case len(a.hand) > 0: // the observer has ended its goroutine
	case a.lost > 0:
		a.hand, a.lost = []Event{EventsLost{a.lost}}, 0
	default:
		a.hand, a.queue, a.taken = a.queue, a.taken[:0], a.queue
	}
	a.busy = len(a.hand) > 0
	return a.busy
}

func (a *announcer) observe(e Event) {
	defer a.listener.Took()
	defer func() {
		if p := recover(); p != nil {
			a.log.Error("an observer panicked", "observer", fmt.Sprintf("%T", a.observer), "panic", said.Panic(p))
		}
	}()
	a.observer.Observe(e)
}

type (
	plainStep ClockStepped
	stepView  struct {
		*plainStep
		By *said.DurationText `json:"by"`
	}
)

func (c *ClockStepped) view() stepView { return stepView{(*plainStep)(c), (*said.DurationText)(&c.By)} }

// MarshalJSON returns the event as an object, with By as a text.
func (c ClockStepped) MarshalJSON() ([]byte, error) { return json.Marshal(c.view()) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (c *ClockStepped) UnmarshalJSON(data []byte) error {
	*c = ClockStepped{}
	view := c.view()
	return json.Unmarshal(data, &view)
}
