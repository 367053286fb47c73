package tradeclock

import (
	"archive/zip"
	"context"
	"go/build"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // so that the zones are there on any host

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	require.NoError(t, err)
	return loc
}

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
		{"the end of the day", "Asia/Kolkata", Date{2026, 11, 23}, endOfDay, "2026-11-24T00:00:00+05:30"},
		{"two days on", "Asia/Kolkata", Date{2026, 12, 31}, 2*endOfDay + Wall(2, 0), "2027-01-02T02:00:00+05:30"},
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
// what the clocks show each half minute, with rules that repeat over it, and the
// days around each new year, where time.ZoneBounds is of no help.
func TestWallTimeOnAtEveryTransition(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and pure")
	}
	steps := map[string]time.Duration{
		"every 97m 00:00-24:00": 97 * time.Minute, "hourly 00:30-23:30": time.Hour, "hourly 01:00-24:00": time.Hour,
	}
	changes := 0
	for name, loc := range allZones(t) {
		for year := 1970; year <= 2037; year++ {
			for _, d := range []Date{{year, 12, 30}, {year, 12, 31}, {year + 1, 1, 1}} {
				requireFirst(t, name, loc, d, Wall(9, 15))
			}
		}
		for _, change := range transitions(loc, 1970, 2038) {
			changes++
			requireLikeScan(t, name, loc, change)
			for rule, step := range steps {
				requireSteady(t, name, loc, change, rule, step)
			}
		}
	}
	assert.Greater(t, changes, 15_000, "the zones were not read")
}

// requireFirst checks that the instant of a wall time is the first at which the
// clocks show it or more.
func requireFirst(t *testing.T, name string, loc *time.Location, d Date, w WallTime) {
	t.Helper()
	wall := d.utc().Unix() + int64(w)
	due := w.On(d, loc).Unix()
	if shown(due, loc) < wall || shown(due-1, loc) >= wall {
		require.Failf(t, "not the first instant", "%s %s %s: got %s", name, d, w, time.Unix(due, 0).In(loc))
	}
}

// requireLikeScan compares wall times around a change of the clocks with what a
// scan of the hours around it finds.
func requireLikeScan(t *testing.T, name string, loc *time.Location, change int64) {
	t.Helper()
	before, after := shown(change-1, loc)+1, shown(change, loc)
	low, high := min(before, after), max(before, after)
	minutes := (high-low)/60 + 121
	from := change - minutes*60
	scan := make([]int64, 4*minutes)
	for i := range scan {
		scan[i] = shown(from+30*int64(i), loc)
	}
	for _, wall := range []int64{low - 3600, low - 60, low, (low + high) / 2, high - 60, high, high + 60, high + 3600} {
		wall -= (wall - before) % 60 // a time that the scan meets, in Monrovia of 1972 too
		found := slices.IndexFunc(scan, func(shows int64) bool { return shows >= wall })
		want := from + 30*int64(found)
		day := time.Unix(wall, 0).UTC()
		w := WallTime(wall - DateOf(day).utc().Unix())
		if got := w.On(DateOf(day), loc).Unix(); got != want {
			require.Failf(t, "not the instant that the scan found", "%s %s %s: got %s, want %s", name, DateOf(day), w,
				time.Unix(got, 0).In(loc), time.Unix(want, 0).In(loc))
		}
	}
}

// requireSteady checks the occurrences of a rule between wall times on the dates
// around a change of the clocks: they follow one another, those of a date at one
// step of absolute time, and no slot is given twice.
func requireSteady(t *testing.T, name string, loc *time.Location, change int64, text string, step time.Duration) {
	t.Helper()
	rule := MustParseRule(text)
	middle := DateOf(time.Unix(change-1, 0).In(loc))
	slots := make(map[string]bool)
	var last time.Time
	for d := middle.AddDays(-1); !d.After(middle.AddDays(1)); d = d.AddDays(1) {
		found, err := rule.Occurrences(Session{Date: d, Kind: Regular}, loc)
		if err != nil && !endOfDay.On(d, loc).Equal(WallTime(0).On(d, loc)) {
			require.NoError(t, err, "%s %s", name, d) // but a date that the clocks skip has none
		}
		for i, o := range found {
			if !o.Due.After(last) || i > 0 && o.Due.Sub(last) != step || slots[o.Slot] {
				require.Failf(t, "not steady", "%s %s on %s: %s at %s, after %s", name, rule, d, o.Slot, o.Due, last)
			}
			slots[o.Slot], last = true, o.Due
		}
	}
}

// shown returns what the clocks of loc show at an instant, counted as if it were
// Unix time.
func shown(at int64, loc *time.Location) int64 {
	_, offset := time.Unix(at, 0).In(loc).Zone()
	return at + int64(offset)
}

// transitions finds the changes of the clocks by looking at each day's offset.
func transitions(loc *time.Location, fromYear, toYear int) (changes []int64) {
	offset := func(at int64) int64 { return shown(at, loc) - at }
	last := Date{toYear, 1, 1}.utc().Unix()
	for at := (Date{fromYear, 1, 1}).utc().Unix(); at < last; at += secondsPerDay {
		low, high := at, at+secondsPerDay
		if offset(low) == offset(high) {
			continue
		}
		for high-low > 1 {
			if mid := (low + high) / 2; offset(mid) == offset(low) {
				low = mid
			} else {
				high = mid
			}
		}
		changes = append(changes, high)
	}
	return changes
}

// allZones reads the zones that come with Go, each once if it has many names.
func allZones(t *testing.T) map[string]*time.Location {
	t.Helper()
	archive, err := zip.OpenReader(filepath.Join(build.Default.GOROOT, "lib", "time", "zoneinfo.zip"))
	require.NoError(t, err)
	defer archive.Close()
	zones := make(map[string]*time.Location)
	seen := make(map[string]bool)
	for _, file := range archive.File {
		if strings.HasSuffix(file.Name, "/") {
			continue
		}
		r, err := file.Open()
		require.NoError(t, err)
		data, err := io.ReadAll(r)
		require.NoError(t, err)
		if seen[string(data)] {
			continue
		}
		seen[string(data)] = true
		zones[file.Name], err = time.LoadLocationFromTZData(file.Name, data)
		require.NoError(t, err, file.Name)
	}
	return zones
}

func TestWallTimeString(t *testing.T) {
	tests := map[WallTime]string{
		0:                       "00:00",
		Wall(9, 15):             "09:15",
		Wall(9, 15) + 5:         "09:15:05",
		endOfDay:                "00:00+1d",
		7*endOfDay + Wall(2, 0): "02:00+7d",
		-1:                      "WallTime(-1)",
	}
	for wall, want := range tests {
		assert.Equal(t, want, wall.String())
	}
}

func TestNextMinute(t *testing.T) {
	at := func(text string) time.Time {
		at, err := time.Parse(time.RFC3339Nano, text)
		require.NoError(t, err)
		return at
	}
	assert.Equal(t, at("2026-11-23T09:16:00Z"), nextMinute(at("2026-11-23T09:15:00Z")), "from a boundary to the next")
	assert.Equal(t, at("2026-11-23T09:16:00Z"), nextMinute(at("2026-11-23T09:15:59.999999999Z")))
	assert.Equal(t, at("2026-11-24T00:00:00Z"), nextMinute(at("2026-11-23T23:59:30Z")), "over midnight")
}

func TestSleepOutsideARun(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(assert.AnError)
	assert.Equal(t, assert.AnError, Sleep(ctx, time.Hour), "it ends with the context, for its cause")
	assert.NoError(t, Sleep(t.Context(), 0))
}
