package tradeclock

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/planworld"
	"github.com/tradeclock/tradeclock/store"
)

// TestRule25_WhateverACalendarSaysEachOccurrenceHasOneOutcome runs made-up rows on
// two made-up calendars that are replaced at made-up moments, and compares what the
// ledger, the executor and the observer saw with the oracle.
func TestRule25_WhateverACalendarSaysEachOccurrenceHasOneOutcome(t *testing.T) {
	var total changeTotals
	for seed := range uint64(40) {
		w := newChangeWorld(seed)
		w.play(t)
		w.check(t, &total)
	}
	assert.Greater(t, total.starts, 1_500, "the worlds have something to run")
	assert.Greater(t, total.moved, 300, "and calendars that move it into the past")
	assert.Greater(t, total.again, 100, "or bring back what was planned")
}

type changeTotals struct{ starts, moved, again int }

const changeHours = 8

// changeWorld is a scheduler on two calendars, and what the oracle expects of it.
type changeWorld struct {
	seed    uint64
	random  *rand.Rand
	clock   *clockwork.FakeClock
	store   TestStore
	markets []*changeMarket
	catchUp map[string]time.Duration // by task

	began  time.Time
	upTo   time.Time
	wanted map[changeKey]changeWant
	again  int

	mu     sync.Mutex
	starts map[changeKey]int
	told   []Event
}

// changeMarket is a calendar and its rows. The oracle reads its sessions, and the
// scheduler those of answers, which is a copy.
type changeMarket struct {
	*planworld.World
	source  changingSource
	direct  bool
	earlier []map[calendar.Date]calendar.Session
	due     []planworld.Due // by the sessions as they are
	blocked map[changeKey]bool
}

type changeKey struct{ account, task, slot string }

// changeWant is what is expected of an occurrence.
type changeWant struct {
	planworld.Due
	planned time.Time // by which tick
	moved   bool
}

// changingSource is a calendar whose days can be replaced.
type changingSource struct {
	name    string
	loc     *time.Location
	mu      *sync.Mutex
	version *int
	days    *map[calendar.Date]calendar.Session
}

func (c changingSource) Name() string             { return c.name }
func (c changingSource) Location() *time.Location { return c.loc }

func (c changingSource) Version() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return fmt.Sprint(*c.version)
}

func (c changingSource) Session(d calendar.Date) (calendar.Session, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s, ok := (*c.days)[d]; ok {
		return s, nil
	}
	return calendar.Session{}, calendar.ErrUnknownDate
}

// replace makes days the calendar's, and does not share them.
func (c changingSource) replace(days map[calendar.Date]calendar.Session, version int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	*c.days, *c.version = maps.Clone(days), version
}

// changingSnapshots is one that answers from memory.
type changingSnapshots struct{ changingSource }

func (c changingSnapshots) Snapshot() calendar.Calendar {
	c.mu.Lock()
	defer c.mu.Unlock()
	days, version := *c.days, *c.version
	return changingSource{c.name, c.loc, new(sync.Mutex), &version, &days}
}

func newChangeWorld(seed uint64) *changeWorld {
	random := rand.New(rand.NewPCG(seed, 25))
	first := planworld.New(seed, random, planworld.Whole)
	for first.Location().String() == "Pacific/Apia" { // where slots of a date that there was not would meet those of others
		first = planworld.New(seed, random, planworld.Whole)
	}
	second := first.Beside(random)
	for i := range 2 {
		second.AddTask(fmt.Sprintf("u%d", i), random)
	}
	w := &changeWorld{
		seed: seed, random: random, catchUp: make(map[string]time.Duration),
		wanted: make(map[changeKey]changeWant), starts: make(map[changeKey]int),
	}
	for i, p := range []*planworld.World{first, second} {
		m := &changeMarket{World: p, direct: random.IntN(2) == 0, blocked: make(map[changeKey]bool)}
		m.source = changingSource{fmt.Sprintf("C%d", i), p.Location(), new(sync.Mutex), new(int), &map[calendar.Date]calendar.Session{}}
		m.source.replace(p.Sessions, 0)
		w.markets = append(w.markets, m)
	}
	begin := first.Instant(first.First.AddDays(random.IntN(planworld.Days)), calendar.WallTime(random.IntN(int(calendar.EndOfDay))))
	w.clock = clockwork.NewFakeClockAt(begin)
	return w
}

// rows are those of both markets.
func (w *changeWorld) rows() (rows []Schedule) {
	for i, m := range w.markets {
		for _, t := range m.Tasks {
			row := t.Schedule()
			if i > 0 {
				row.Calendar = m.source.name
			}
			if _, known := w.catchUp[row.Task]; !known {
				w.catchUp[row.Task] = []time.Duration{2, 10, 180}[w.random.IntN(3)] * time.Minute
			}
			row.CatchUp, row.Overlap = w.catchUp[row.Task], OverlapAllow
			rows = append(rows, row)
		}
	}
	return rows
}

func (m *changeMarket) calendar() calendar.Calendar {
	if m.direct {
		return changingSnapshots{m.source}
	}
	return m.source
}

// Execute notes a start.
func (w *changeWorld) Execute(_ context.Context, run Run) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.starts[changeKey{run.Account, run.Task, run.Slot}]++
	return nil
}

// Observe keeps what is told.
func (w *changeWorld) Observe(e Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.told = append(w.told, e)
}

// play runs the scheduler for some hours, at uneven ticks.
func (w *changeWorld) play(t *testing.T) {
	t.Helper()
	w.store = NewStore(w.clock)
	s, err := New(Config{
		Schedules: FixedSchedules(w.rows()...), Executor: w, Ledger: w.store, Observers: []Observer{w}, Clock: w.clock,
		Calendar:  w.markets[0].calendar(),
		Calendars: func(string) (calendar.Calendar, error) { return w.markets[1].calendar(), nil },
		Logger:    slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err, "seed %d", w.seed)
	for _, account := range w.markets[0].Accounts[1:] {
		require.NoError(t, s.Enroll(t.Context(), account, w))
	}
	w.began = w.clock.Now()
	w.upTo = w.began
	end := w.began.Add(changeHours * time.Hour)
	for _, m := range w.markets {
		m.due = m.Due(w.began, end)
	}
	for now := w.began; now.Before(end); now = w.clock.Now() {
		if now.After(w.began) {
			w.expect(now)
		}
		require.NoError(t, s.Tick(t.Context()))
		require.NoError(t, s.Quiesce(t.Context()))
		w.clock.Advance(time.Minute + time.Duration(w.random.IntN(20))*planworld.Step)
	}
	require.NoError(t, s.Close(t.Context()))
}

// expect changes calendars, or not, and notes what the tick at now is to bring.
func (w *changeWorld) expect(now time.Time) {
	for _, m := range w.markets {
		if w.random.IntN(25) == 0 {
			w.change(m, now)
		}
		for _, o := range m.due {
			if o.At.After(w.upTo) && !o.At.After(now) {
				w.want(o, now, false)
			}
		}
	}
	w.upTo = now
}

// want expects an outcome of an occurrence, unless there was one of its slot.
func (w *changeWorld) want(o planworld.Due, now time.Time, moved bool) {
	key := changeKey{o.Account, o.Task, o.Slot}
	if _, planned := w.wanted[key]; planned {
		w.again++
		return
	}
	w.wanted[key] = changeWant{o, now, moved}
}

// change replaces some days of a calendar, or brings back all of an earlier version.
func (w *changeWorld) change(m *changeMarket, now time.Time) {
	m.noteBlocked(w.upTo)
	before := maps.Clone(m.Sessions)
	today := calendar.DateOf(w.upTo.In(m.Location()))
	version := *m.source.version + 1
	switch kind := w.random.IntN(4); {
	case kind == 0 && len(m.earlier) > 0:
		m.Sessions = maps.Clone(m.earlier[w.random.IntN(len(m.earlier))])
	case kind == 1 && !m.direct:
		version-- // it comes to know more, and nothing else
		m.remake(today, w.random, func(_ calendar.Session, known bool) bool { return !known })
		m.learnHours(today, w.random)
	default:
		m.remake(today, w.random, func(calendar.Session, bool) bool { return w.random.IntN(2) == 0 })
	}
	m.earlier = append(m.earlier, before)
	m.source.replace(m.Sessions, version)
	m.due = m.Due(w.began, w.began.Add(changeHours*time.Hour))
	for _, o := range m.due {
		if !o.At.After(w.upTo) && !m.blocked[changeKey{o.Account, o.Task, o.Session.String()}] {
			w.want(o, now, true)
		}
	}
}

// remake makes some of the days around a date anew.
func (m *changeMarket) remake(around calendar.Date, random *rand.Rand, which func(s calendar.Session, known bool) bool) {
	made := m.SomeSessions(random)
	for d := around.AddDays(-2); d.Before(around.AddDays(3)); d = d.AddDays(1) {
		was, known := m.Sessions[d]
		if !which(was, known) {
			continue
		}
		if s, ok := made[d]; ok {
			m.Sessions[d] = s
		} else {
			delete(m.Sessions, d)
		}
	}
}

// learnHours makes up hours that were not known.
func (m *changeMarket) learnHours(around calendar.Date, random *rand.Rand) {
	for d := around.AddDays(-2); d.Before(around.AddDays(3)); d = d.AddDays(1) {
		if s, known := m.Sessions[d]; known && s.HoursUnknown {
			s.HoursUnknown, s.Phases = false, m.SomePhases(d, random)
			m.Sessions[d] = s
		}
	}
}

// noteBlocked notes the tasks and sessions without instants whose dates are over:
// they were recorded at the end of the date, and stay so.
func (m *changeMarket) noteBlocked(upTo time.Time) {
	for _, o := range m.due {
		atEnd := o.Skipped && o.Slot == o.Session.String() && o.At.Equal(m.Instant(o.Session, calendar.EndOfDay))
		if atEnd && !o.At.After(upTo) {
			m.blocked[changeKey{o.Account, o.Task, o.Session.String()}] = true
		}
	}
}

// check compares what happened with what was expected.
func (w *changeWorld) check(t *testing.T, total *changeTotals) {
	t.Helper()
	runs, err := w.store.Runs(t.Context(), store.Query{})
	require.NoError(t, err)
	outcomes, counted := make(map[changeKey]Outcome), 0
	for _, run := range runs { // those of single occurrences first
		if run.Occurrences() == 1 {
			w.checkRun(t, run, outcomes)
		}
		counted += run.Occurrences()
	}
	for _, run := range runs {
		if run.Occurrences() > 1 {
			w.checkRun(t, run, outcomes)
		}
	}
	require.Equal(t, len(w.wanted), counted, "occurrences in the ledger\n%v", w)
	for key, want := range w.wanted {
		require.NotZero(t, outcomes[key], "no outcome of %v: %+v\n%v", key, want, w)
		if want.moved {
			total.moved++
		}
	}
	for key, n := range w.starts {
		require.Equal(t, 1, n, "starts of %v\n%v", key, w)
		require.Equal(t, Succeeded, outcomes[key], "%v\n%v", key, w)
	}
	w.checkTold(t, outcomes)
	total.starts += len(w.starts)
	total.again += w.again
}

// checkRun notes the outcomes of a row, and holds them to what was expected. A range
// stands for what lies in it and has no row of its own.
func (w *changeWorld) checkRun(t *testing.T, run Run, outcomes map[changeKey]Outcome) {
	t.Helper()
	if run.Occurrences() == 1 {
		key := changeKey{run.Account, run.Task, run.Slot}
		want, ok := w.wanted[key]
		require.True(t, ok, "%+v was not expected\n%v", run, w)
		w.checkOutcome(t, want, run)
		outcomes[key] = run.Outcome
		return
	}
	for key, want := range w.wanted {
		inRange := key.account == run.Account && key.task == run.Task && want.Session == run.Session &&
			!want.At.Before(run.Due) && !want.At.After(run.Through())
		if inRange && outcomes[key] == NoOutcome {
			w.checkOutcome(t, want, run)
			outcomes[key] = run.Outcome
		}
	}
}

func (w *changeWorld) checkOutcome(t *testing.T, want changeWant, run Run) {
	t.Helper()
	lateness := want.planned.Sub(want.At)
	switch {
	case want.Skipped:
		require.Equal(t, Skipped, run.Outcome, "%+v\n%+v\n%v", want, run, w)
	case run.Outcome == Succeeded:
		require.Equal(t, want.At, run.Due, "%+v\n%v", want, w)
		require.Less(t, lateness, w.catchUp[run.Task], "%+v\n%+v\n%v", want, run, w)
	default:
		require.Equal(t, Missed, run.Outcome, "%+v\n%+v\n%v", want, run, w)
		require.True(t, run.Repeating || lateness >= w.catchUp[run.Task], "%+v\n%+v\n%v", want, run, w)
	}
}

// checkTold holds the observer to the ledger: nothing is told of a run that it does
// not say.
func (w *changeWorld) checkTold(t *testing.T, outcomes map[changeKey]Outcome) {
	t.Helper()
	for _, e := range w.told {
		switch e := e.(type) {
		case RunMissed:
			require.Equal(t, Missed, outcomes[changeKey{e.Run.Account, e.Run.Task, e.Run.Slot}], "told %+v\n%v", e.Run, w)
		case RunSkipped:
			require.Equal(t, Skipped, outcomes[changeKey{e.Run.Account, e.Run.Task, e.Run.Slot}], "told %+v\n%v", e.Run, w)
		}
	}
}

func (w *changeWorld) String() string {
	return fmt.Sprintf("began %v\nfirst, direct %t: %v\nsecond, direct %t: %v", w.began,
		w.markets[0].direct, w.markets[0].World, w.markets[1].direct, w.markets[1].World)
}
