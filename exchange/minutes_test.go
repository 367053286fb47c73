package exchange_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/exchange"
)

func TestAddTrading(t *testing.T) {
	c := exchange.MustGet("XTKS") // 09:00-11:30, 12:30-15:25
	for _, test := range []struct {
		name, from string
		add        time.Duration
		want       string
	}{
		{"within a window", "2026-11-24 09:10", 20 * time.Minute, "2026-11-24 09:30"},
		{"to the end of one", "2026-11-24 11:00", 30 * time.Minute, "2026-11-24 11:30"},
		{"over the break", "2026-11-24 11:00", 31 * time.Minute, "2026-11-24 12:31"},
		{"from the break", "2026-11-24 12:00", time.Minute, "2026-11-24 12:31"},
		{"over the night", "2026-11-24 15:00", 30 * time.Minute, "2026-11-25 09:05"},
		{"over a weekend and a holiday", "2026-11-20 15:20", 10 * time.Minute, "2026-11-24 09:05"},
		{"nothing", "2026-11-21 12:00", 0, "2026-11-21 12:00"},
		{"back within a window", "2026-11-24 09:30", -20 * time.Minute, "2026-11-24 09:10"},
		{"back to the start of one", "2026-11-24 13:00", -30 * time.Minute, "2026-11-24 12:30"},
		{"back over the break", "2026-11-24 13:00", -31 * time.Minute, "2026-11-24 11:29"},
		{"back from the break", "2026-11-24 12:00", -time.Minute, "2026-11-24 11:29"},
		{"back over a weekend and a holiday", "2026-11-24 09:05", -10 * time.Minute, "2026-11-20 15:20"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := c.AddTrading(local(t, c, test.from), test.add)
			require.NoError(t, err)
			assert.Equal(t, local(t, c, test.want).UTC(), got)
		})
	}
}

func TestTradingIsNotAddedOverWhatIsNotKnown(t *testing.T) {
	c := oneCalendar(t)
	_, err := c.AddTrading(local(t, c, "2026-12-31 15:00"), time.Hour)
	require.ErrorIs(t, err, calendar.ErrUnknownDate)
	_, err = c.AddTrading(local(t, c, "2025-01-01 10:00"), -time.Hour)
	require.ErrorIs(t, err, calendar.ErrUnknownDate)
	var unknown *exchange.HoursUnknownError
	_, err = c.AddTrading(local(t, c, "2026-11-06 15:10"), time.Hour) // the Muhurat session of the 8th
	require.ErrorAs(t, err, &unknown)
	_, err = c.TradingBetween(local(t, c, "2026-11-06 10:00"), local(t, c, "2026-11-09 10:00"))
	require.ErrorAs(t, err, &unknown)
	_, err = c.TradingBetween(local(t, c, "2026-12-31 10:00"), local(t, c, "2027-01-01 10:00"))
	require.ErrorIs(t, err, calendar.ErrUnknownDate)
}

// What is added is what lies between, minute by minute, and to go back undoes it.
func TestArithmeticOfTradingAgreesWithAnOracle(t *testing.T) {
	for i, name := range oracleCalendars {
		t.Run(name, func(t *testing.T) {
			c := newOracle(t, name)
			random := rand.New(rand.NewPCG(11, uint64(i)))
			for _, from := range c.instants(random, 60) {
				to := from.Add(time.Duration(random.IntN(5*24*60)) * time.Minute)
				between, err := c.c.TradingBetween(from, to)
				if err != nil {
					continue // at the ends of the coverage and on unknown hours, which have tests of their own
				}
				require.Equal(t, c.trading(from, to), between, "%s to %s", from, to)
				back, err := c.c.TradingBetween(to, from)
				require.NoError(t, err)
				require.Equal(t, -between, back)

				reached, err := c.c.AddTrading(from, between)
				require.NoError(t, err)
				require.Equal(t, time.Duration(0), c.trading(reached, to), "nothing is left after %s", reached)
				returned, err := c.c.AddTrading(reached, -between)
				require.NoError(t, err)
				require.Equal(t, time.Duration(0), c.trading(from, returned))
			}
		})
	}
}

// trading returns how long the market trades between two instants, of all its days.
func (o oracle) trading(from, to time.Time) (sum time.Duration) {
	for _, s := range o.days {
		for _, p := range s.Phases {
			if p.Name != calendar.PhaseRegular || !p.End.After(from) || !p.Start.Before(to) {
				continue
			}
			start, end := p.Start, p.End
			if start.Before(from) {
				start = from
			}
			if end.After(to) {
				end = to
			}
			sum += end.Sub(start)
		}
	}
	return sum
}

func TestPreviousWindow(t *testing.T) {
	c := exchange.MustGet("XTKS")
	for _, test := range []struct{ name, at, phase, start, end string }{
		{"the one that it lies in", "2026-11-24 13:00", "regular", "2026-11-24 12:30", "2026-11-24 15:25"},
		{"in the break", "2026-11-24 12:00", "regular", "2026-11-24 09:00", "2026-11-24 11:30"},
		{"at the start of one", "2026-11-24 12:30", "regular", "2026-11-24 09:00", "2026-11-24 11:30"},
		{"in the morning after a weekend and a holiday", "2026-11-24 08:00", "regular", "2026-11-20 12:30", "2026-11-20 15:25"},
		{"of another phase", "2026-11-24 15:00", "closing_auction", "2026-11-20 15:25", "2026-11-20 15:30"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w, err := c.PreviousWindow(test.phase, local(t, c, test.at))
			require.NoError(t, err)
			want := calendar.Phase{Name: test.phase, Start: local(t, c, test.start).UTC(), End: local(t, c, test.end).UTC()}
			assert.Equal(t, want, w)
		})
	}
	var phase *exchange.PhaseError
	_, err := c.PreviousWindow("pre_opne", local(t, c, "2026-11-24 13:00"))
	assert.ErrorAs(t, err, &phase)
	_, err = c.PreviousWindow("regular", local(t, c, "2023-01-01 13:00"))
	assert.ErrorIs(t, err, calendar.ErrUnknownDate)
}
