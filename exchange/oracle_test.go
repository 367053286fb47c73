package exchange_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/exchange"
)

// The calendars that the queries are held to: with segments and unknown hours,
// with lunch breaks, and with summer time on either half of the globe.
var oracleCalendars = []string{"XNSE.CAS", "XTKS", "XHKG", "XNYS", "XLON", "XASX"}

// oracle answers queries by looking through all days of a calendar, one by one.
type oracle struct {
	c    *exchange.Sessions
	days []calendar.Session // each date of the coverage
	// reach is how many days before and after its date a session may go on.
	reach int
}

func newOracle(t *testing.T, name string) oracle { return newOracleOf(t, exchange.MustGet(name)) }

func newOracleOf(t *testing.T, c *exchange.Sessions) oracle {
	o := oracle{c: c}
	first, last := o.c.Coverage()
	for d := first; !d.After(last); d = d.AddDays(1) {
		s, err := o.c.Session(d)
		require.NoError(t, err)
		o.days = append(o.days, s)
	}
	return o
}

// edge returns the first edge after t, or with a step of -1 the last before it. It
// is not known if the coverage ends first, or on a date of unknown hours.
func (o oracle) edge(t time.Time, step int, pick func(s calendar.Session) (time.Time, bool)) (at time.Time, known bool) {
	today := calendar.DateOf(t.In(o.c.Location()))
	days := slices.Clone(o.days)
	if step < 0 {
		slices.Reverse(days)
	}
	for _, s := range days {
		if s.Date.Compare(today.AddDays(-step*o.reach))*step < 0 {
			continue
		}
		if s.HoursUnknown {
			return time.Time{}, false
		}
		if at, ok := pick(s); ok && at.Compare(t) == step {
			return at, true
		}
	}
	return time.Time{}, false
}

func openOf(s calendar.Session) (time.Time, bool) {
	at, _, ok := s.Bounds(calendar.PhaseRegular)
	return at, ok
}

func closeOf(s calendar.Session) (time.Time, bool) {
	_, at, ok := s.Bounds(calendar.PhaseRegular)
	return at, ok
}

// open reports whether an instant lies in any regular window of all the days.
func (o oracle) open(t time.Time) bool {
	for _, s := range o.days {
		for _, p := range s.Phases {
			if p.Name == calendar.PhaseRegular && !t.Before(p.Start) && t.Before(p.End) {
				return true
			}
		}
	}
	return false
}

// instants returns random instants of the coverage, half of them at the edge of a
// phase or a nanosecond or second beside it, in several locations.
func (o oracle) instants(random *rand.Rand, n int) []time.Time {
	locations := []*time.Location{time.UTC, o.c.Location(), time.FixedZone("east", 13*3600), time.FixedZone("west", -11*3600)}
	var at []time.Time
	for len(at) < n {
		s := o.days[random.IntN(len(o.days))]
		t := calendar.WallTime(random.IntN(24*3600)).On(s.Date, o.c.Location())
		if len(s.Phases) > 0 && random.IntN(2) == 0 {
			p := s.Phases[random.IntN(len(s.Phases))]
			t = []time.Time{p.Start, p.End}[random.IntN(2)].Add([]time.Duration{0, 1, -1, time.Second, -time.Second}[random.IntN(5)])
		}
		at = append(at, t.In(locations[random.IntN(len(locations))]))
	}
	return at
}

func TestQueriesOfInstantsAgreeWithAnOracle(t *testing.T) {
	for i, name := range oracleCalendars {
		t.Run(name, func(t *testing.T) {
			o := newOracle(t, name)
			for _, at := range o.instants(rand.New(rand.NewPCG(3, uint64(i))), 100) {
				today, err := o.c.SessionAt(at)
				require.NoError(t, err)
				require.Equal(t, calendar.DateOf(at.In(o.c.Location())), today.Date)

				open, err := o.c.IsOpen(at)
				require.Equal(t, today.HoursUnknown, err != nil, at)
				require.Equal(t, o.open(at), open, at)

				for query, edge := range map[string]struct {
					ask  func(time.Time) (time.Time, error)
					step int
					pick func(calendar.Session) (time.Time, bool)
				}{
					"NextOpen":      {o.c.NextOpen, 1, openOf},
					"NextClose":     {o.c.NextClose, 1, closeOf},
					"PreviousOpen":  {o.c.PreviousOpen, -1, openOf},
					"PreviousClose": {o.c.PreviousClose, -1, closeOf},
				} {
					want, known := o.edge(at, edge.step, edge.pick)
					got, err := edge.ask(at)
					require.Equal(t, known, err == nil, "%s %s: %v", query, at, err)
					require.Equal(t, want, got, "%s %s", query, at)
				}
			}
		})
	}
}

func TestQueriesOfDatesAgreeWithAnOracle(t *testing.T) {
	for i, name := range oracleCalendars {
		t.Run(name, func(t *testing.T) {
			o := newOracle(t, name)
			var sessions []calendar.Date
			for _, s := range o.days {
				if s.Open() {
					sessions = append(sessions, s.Date)
				}
			}
			random := rand.New(rand.NewPCG(5, uint64(i)))
			for range 300 {
				day := o.days[random.IntN(len(o.days))]
				before, found := slices.BinarySearchFunc(sessions, day.Date, calendar.Date.Compare)
				require.Equal(t, day.Open(), found)
				after := before // the place of the first session after the date
				if found {
					after++
				}
				n := 1 + random.IntN(400)
				o.expect(t, sessions, after, o.c.Next, day.Date)
				o.expect(t, sessions, before-1, o.c.Previous, day.Date)
				o.expect(t, sessions, before+n-1, func(d calendar.Date) (calendar.Session, error) { return o.c.Nth(d, n) }, day.Date)
				o.expect(t, sessions, after-n, func(d calendar.Date) (calendar.Session, error) { return o.c.Nth(d, -n) }, day.Date)
			}
		})
	}
}

// expect checks that a query finds the session that is at a place among all
// sessions, and that it fails if there is none.
func (o oracle) expect(t *testing.T, sessions []calendar.Date, place int, ask func(calendar.Date) (calendar.Session, error), d calendar.Date) {
	t.Helper()
	s, err := ask(d)
	if place < 0 || place >= len(sessions) {
		require.ErrorIs(t, err, calendar.ErrUnknownDate)
		return
	}
	require.NoError(t, err)
	require.Equal(t, sessions[place], s.Date, d)
}

func TestPeriodsAgreeWithAnOracle(t *testing.T) {
	for i, name := range oracleCalendars {
		t.Run(name, func(t *testing.T) {
			o := newOracle(t, name)
			first, last := o.c.Coverage()
			random := rand.New(rand.NewPCG(7, uint64(i)))
			for range 300 {
				d := o.days[random.IntN(len(o.days))].Date
				p := calendar.Period(random.IntN(4))
				from, to := p.Bounds(d)
				if from.Before(first) || to.After(last) {
					continue // the edges have tests of their own
				}
				var dates []calendar.Date
				for _, s := range o.days {
					if s.Open() && !s.Date.Before(from) && !s.Date.After(to) {
						dates = append(dates, s.Date)
					}
				}
				n := 1 + random.IntN(8)
				forth, err := o.c.NthOf(p, d, n)
				back, errBack := o.c.NthOf(p, d, -n)
				if n > len(dates) {
					require.ErrorIs(t, err, exchange.ErrNoSession)
					require.ErrorIs(t, errBack, exchange.ErrNoSession)
					continue
				}
				require.NoError(t, err)
				require.NoError(t, errBack)
				assert.Equal(t, dates[n-1], forth.Date)
				assert.Equal(t, dates[len(dates)-n], back.Date)
			}
		})
	}
}
