package calendar

import (
	"slices"
	"testing"
	"time"
	_ "time/tzdata" // so that the zones are there on any host

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/internal/zones"
)

func TestWallTimeOn(t *testing.T) {
	tests := []struct {
		name string
		zone string
		date Date
		wall WallTime
		want string
	}{
		{"an ordinary day", "Asia/Kolkata", Date{2026, 11, 23}, Wall(9, 15), "2026-11-23T09:15:00+05:30"},
		{"seconds", "Asia/Kolkata", Date{2026, 11, 23}, Wall(9, 15) + 30, "2026-11-23T09:15:30+05:30"},
		{"the end of the day", "Asia/Kolkata", Date{2026, 11, 23}, EndOfDay, "2026-11-24T00:00:00+05:30"},
		{"two days on", "Asia/Kolkata", Date{2026, 12, 31}, 2*EndOfDay + Wall(2, 0), "2027-01-02T02:00:00+05:30"},
		{"in New York's gap", "America/New_York", Date{2026, 3, 8}, Wall(2, 30), "2026-03-08T03:00:00-04:00"},
		{"at the gap's start", "America/New_York", Date{2026, 3, 8}, Wall(2, 0), "2026-03-08T03:00:00-04:00"},
		{"at the gap's end", "America/New_York", Date{2026, 3, 8}, Wall(3, 0), "2026-03-08T03:00:00-04:00"},
		{"twice in New York", "America/New_York", Date{2026, 11, 1}, Wall(1, 30), "2026-11-01T01:30:00-04:00"},
		{"after what is twice", "America/New_York", Date{2026, 11, 1}, Wall(2, 0), "2026-11-01T02:00:00-05:00"},
		{"in London's gap", "Europe/London", Date{2026, 3, 29}, Wall(1, 30), "2026-03-29T02:00:00+01:00"},
		{"twice in London", "Europe/London", Date{2026, 10, 25}, Wall(1, 30), "2026-10-25T01:30:00+01:00"},
		{"a gap of half an hour", "Australia/Lord_Howe", Date{2026, 10, 4}, Wall(2, 15), "2026-10-04T02:30:00+11:00"},
		{"half an hour twice", "Australia/Lord_Howe", Date{2026, 4, 5}, Wall(1, 45), "2026-04-05T01:45:00+11:00"},
		{"a gap over midnight", "Asia/Beirut", Date{2026, 3, 29}, Wall(0, 30), "2026-03-29T01:00:00+03:00"},
		{"a date that was left out", "Pacific/Apia", Date{2011, 12, 30}, Wall(9, 15), "2011-12-31T00:00:00+14:00"},
		{"the date after that", "Pacific/Apia", Date{2011, 12, 31}, Wall(9, 15), "2011-12-31T09:15:00+14:00"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			loc := zone(t, test.zone)
			got := test.wall.On(test.date, loc)
			assert.Equal(t, test.want, got.In(loc).Format(time.RFC3339))
			assert.Equal(t, time.UTC, got.Location())
		})
	}
}

// Every change of the clocks of every zone from 1970 to 2037, against a scan of
// what the clocks show each half minute, and the days around each new year, where time.ZoneBounds is of no help.
func TestWallTimeOnAtEveryTransition(t *testing.T) {
	changes := 0
	for name, loc := range zones.All(t) {
		for year := 1970; year <= 2037; year++ {
			for _, d := range []Date{{year, 12, 30}, {year, 12, 31}, {year + 1, 1, 1}} {
				requireFirst(t, name, loc, d, Wall(9, 15))
			}
		}
		for _, change := range zones.Transitions(loc, 1970, 2038) {
			changes++
			requireLikeScan(t, name, loc, change)
		}
	}
	assert.Greater(t, changes, 15_000, "the zones were not read")
}

// requireFirst checks that the instant of a wall time is the first at which the
// clocks show it or more.
func requireFirst(t *testing.T, name string, loc *time.Location, d Date, w WallTime) {
	t.Helper()
	wall := d.UTC().Unix() + int64(w)
	due := w.On(d, loc).Unix()
	if zones.Shown(due, loc) < wall || zones.Shown(due-1, loc) >= wall {
		require.Failf(t, "not the first instant", "%s %s %s: got %s", name, d, w, time.Unix(due, 0).In(loc))
	}
}

// requireLikeScan compares wall times around a change of the clocks with what a
// scan of the hours around it finds.
func requireLikeScan(t *testing.T, name string, loc *time.Location, change int64) {
	t.Helper()
	before, after := zones.Shown(change-1, loc)+1, zones.Shown(change, loc)
	low, high := min(before, after), max(before, after)
	minutes := (high-low)/60 + 121
	from := change - minutes*60
	scan := make([]int64, 4*minutes)
	for i := range scan {
		scan[i] = zones.Shown(from+30*int64(i), loc)
	}
	for _, wall := range []int64{low - 3600, low - 60, low, (low + high) / 2, high - 60, high, high + 60, high + 3600} {
		wall -= (wall - before) % 60 // a time that the scan meets, in Monrovia of 1972 too
		found := slices.IndexFunc(scan, func(shows int64) bool { return shows >= wall })
		want := from + 30*int64(found)
		day := time.Unix(wall, 0).UTC()
		w := WallTime(wall - DateOf(day).UTC().Unix())
		if got := w.On(DateOf(day), loc).Unix(); got != want {
			require.Failf(t, "not the instant that the scan found", "%s %s %s: got %s, want %s", name, DateOf(day), w,
				time.Unix(got, 0).In(loc), time.Unix(want, 0).In(loc))
		}
	}
}

func TestWallTimeString(t *testing.T) {
	tests := map[WallTime]string{
		0:                       "00:00",
		Wall(9, 15):             "09:15",
		Wall(9, 15) + 5:         "09:15:05",
		EndOfDay:                "00:00+1d",
		7*EndOfDay + Wall(2, 0): "02:00+7d",
		-1:                      "23:59:59-1d",
		Wall(17, 0) - EndOfDay:  "17:00-1d",
		-EndOfDay - 1:           "WallTime(-86401)",
	}
	for wall, want := range tests {
		assert.Equal(t, want, wall.String())
	}
}

func TestWallTimesBesideTheDayReadBack(t *testing.T) {
	for text, want := range map[string]WallTime{
		"17:00-1d": Wall(17, 0) - EndOfDay, "00:00-1d": -EndOfDay, "02:30+1d": Wall(26, 30), "24:00": EndOfDay, "24:00+1d": 2 * EndOfDay,
	} {
		var w WallTime
		require.NoError(t, w.UnmarshalText([]byte(text)))
		assert.Equal(t, want, w)
		back, err := w.MarshalText()
		require.NoError(t, err)
		assert.Equal(t, text, string(back))
	}
	for _, text := range []string{"17:00+1d-1d", "17:00-1d+1d", "17:00-2d", "17:00+2d", "-1d", "17:00 -1d", "25:00-1d"} {
		var w WallTime
		assert.Error(t, w.UnmarshalText([]byte(text)), text)
	}
	for _, w := range []WallTime{-EndOfDay - 1, 2*EndOfDay + 1, NoTime} {
		_, err := w.MarshalText()
		assert.Error(t, err, "%d", w)
	}
}
