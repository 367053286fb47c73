package exchange_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/exchange"
)

// transitions returns the instants within the coverage at which the clocks of the
// calendar's zone are moved.
func transitions(c *exchange.Sessions) (at []time.Time) {
	first, last := c.Coverage()
	t := calendar.Wall(0, 0).On(first, c.Location()).In(c.Location())
	_, offset := t.Zone()
	for end := calendar.Wall(24, 0).On(last, c.Location()); t.Before(end); t = t.Add(time.Hour) {
		if _, now := t.Zone(); now != offset {
			at, offset = append(at, t), now
		}
	}
	return at
}

// In the week around each change of summer time, every market opens and closes at
// the wall times that it has on other days, and instants find their dates.
func TestHoursStayWhatTheyAreWhereTheClocksAreMoved(t *testing.T) {
	perYear := map[string]int{
		"XNYS": 2, "XNAS": 2, "XTSE": 2, "XLON": 2, "XETR": 2, "XPAR": 2, "XAMS": 2, "XSWX": 2, "XASX": 2, "XCME": 2, "FX24": 2,
	}
	for _, name := range exchange.Names() {
		t.Run(name, func(t *testing.T) {
			c := exchange.MustGet(name)
			moved := transitions(c)
			first, last := c.Coverage()
			assert.Len(t, moved, perYear[name]*(last.Year-first.Year+1))
			for _, at := range moved {
				week := c.DateAt(at)
				for d := week.AddDays(-4); d != week.AddDays(5); d = d.AddDays(1) {
					checkWallTimes(t, c, d)
				}
			}
		})
	}
}

// checkWallTimes holds the phases of a regular session to those that the last
// regular session of the month before shows on the wall, and its edges to IsOpen.
func checkWallTimes(t *testing.T, c *exchange.Sessions, d calendar.Date) {
	t.Helper()
	s, err := c.Session(d)
	require.NoError(t, err)
	midnight := time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, c.Location())
	assert.Equal(t, d, c.DateAt(midnight))
	assert.Equal(t, d.AddDays(-1), c.DateAt(midnight.Add(-1)))
	if s.Kind != calendar.Regular {
		return
	}
	other, err := c.Last(calendar.Month, calendar.Date{Year: d.Year, Month: d.Month, Day: 1}.AddDays(-1))
	require.NoError(t, err)
	require.Equal(t, calendar.Regular, other.Kind)
	assert.Equal(t, describe(c, other), describe(c, s), d)

	open, end, err := c.OpenClose(d)
	require.NoError(t, err)
	for _, edge := range []struct {
		at   time.Time
		want bool
	}{{open.Add(-1), false}, {open, true}, {end.Add(-1), true}, {end, false}} {
		if c.Name() == "FX24" && !edge.want {
			continue // where the next session begins at once
		}
		for _, loc := range []*time.Location{time.UTC, c.Location(), time.FixedZone("elsewhere", 9*3600)} {
			got, err := c.IsOpen(edge.at.In(loc))
			require.NoError(t, err)
			assert.Equal(t, edge.want, got, edge.at)
		}
	}
}

// Zones that do what the markets of today do not: they move their clocks at
// midnight, by half an hour or by two hours, skip a date, or show a midnight twice.
func TestZonesOfAllKinds(t *testing.T) {
	zones := []string{
		"America/Sao_Paulo", "America/Havana", "America/St_Johns", "Asia/Beirut", "Africa/Casablanca",
		"Australia/Lord_Howe", "Antarctica/Troll", "Pacific/Apia", "Pacific/Kwajalein", "Asia/Tehran",
	}
	hours := []exchange.PhaseHours{win("regular", "00:00", "12:00"), win("regular", "12:00", "24:00")}
	from, to := ymd("1970-01-01"), ymd("2037-12-31")
	for _, zone := range zones {
		t.Run(zone, func(t *testing.T) {
			m := exchange.Market{
				MIC: "XONE", Name: "Exchange One", Version: "1", Timezone: zone, From: from, To: to,
				Segments: []exchange.Segment{{Calendar: "XONE", Eras: []exchange.Era{{From: from, Hours: hours}}}},
			}
			if skipped, ok := map[string]string{"Pacific/Apia": "2011-12-30", "Pacific/Kwajalein": "1993-08-21"}[zone]; ok {
				m.Days = []exchange.Day{{Date: ymd(skipped), Status: exchange.StatusClosed, Name: "The zone skips this date"}}
			}
			c := build(t, m)[0]
			for d := from; !d.After(to); d = d.AddDays(1) {
				s, err := c.Session(d)
				require.NoError(t, err)
				for i, p := range s.Phases {
					start, end := hours[i].Start.On(d, c.Location()), hours[i].End.On(d, c.Location())
					if !p.Start.Equal(start) || !p.End.Equal(end) {
						t.Errorf("%s: %s to %s, want %s to %s", d, p.Start, p.End, start, end)
					}
				}
			}
			checkDates(t, c)
		})
	}
}

// checkDates walks through the coverage and holds DateAt to what the clocks show.
// Where they show a midnight twice, a date has begun and does not end again.
func checkDates(t *testing.T, c *exchange.Sessions) {
	first, last := c.Coverage()
	latest := first
	end := calendar.Wall(24, 0).On(last, c.Location())
	for at := calendar.Wall(0, 0).On(first, c.Location()); at.Before(end); at = at.Add(30 * time.Minute) {
		if shown := calendar.DateOf(at.In(c.Location())); shown != latest && shown.After(latest) {
			latest = shown
		}
		if got := c.DateAt(at); got != latest {
			t.Errorf("%s: %s, want %s", at, got, latest)
		}
	}
}
