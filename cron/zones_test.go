package cron_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/cron"
	"github.com/tradeclock/tradeclock/internal/zones"
	"github.com/tradeclock/tradeclock/rule"
)

const firstYear, lastYear = 2024, 2028

// TestEachWallTimeIsDueOnceInEveryZone goes through the dates of five years in every zone.
// On those whose clocks change the occurrences are the first instants at which the clocks
// show a wall time, or more, as a scan of the hours finds them; on all others they are
// what everybody would expect. Each difference between the two is a wall time of a gap or
// one that comes twice, and is counted.
func TestEachWallTimeIsDueOnceInEveryZone(t *testing.T) {
	hours, err := cron.Parse("15,45 0-4,9,22-23 * * *")
	require.NoError(t, err)
	dense, err := cron.Parse("*/7 * * * *")
	require.NoError(t, err)
	gaps, twice, apart := 0, 0, 14
	if os.Getenv(everything) != "" {
		apart = 1
	}
	for name, loc := range zones.All(t) {
		changed := make(map[calendar.Date]bool)
		for _, change := range zones.Transitions(loc, firstYear, lastYear+1) {
			changed[calendar.DateOf(time.Unix(change-1, 0).In(loc))] = true
			changed[calendar.DateOf(time.Unix(change, 0).In(loc))] = true
		}
		for date := (calendar.Date{Year: firstYear, Month: 1, Day: 1}); date.Year <= lastYear; date = date.AddDays(1) {
			if !changed[date] {
				if date.Day%apart == 0 {
					require.Equal(t, naive(date, loc), instants(occurrences(t, hours, date, loc)), "%s %s", name, date)
				}
				continue
			}
			want, inGap, cameTwice := scanned(date, loc)
			require.Equal(t, want, instants(occurrences(t, dense, date, loc)), "%s %s", name, date)
			gaps, twice = gaps+inGap, twice+cameTwice
		}
	}
	t.Logf("%d wall times were in a gap, and %d came twice", gaps, twice)
	assert.Greater(t, gaps, 5000)
	assert.Greater(t, twice, 5000)
}

// naive is what the expression of hours means to who knows of no changes.
func naive(date calendar.Date, loc *time.Location) (at []int64) {
	for _, hour := range []int{0, 1, 2, 3, 4, 9, 22, 23} {
		for _, minute := range []int{15, 45} {
			at = append(at, time.Date(date.Year, date.Month, date.Day, hour, minute, 0, 0, loc).Unix())
		}
	}
	return at
}

// scanned looks at each minute for the first that shows each wall time of the dense
// expression, or a later one.
func scanned(date calendar.Date, loc *time.Location) (at []int64, inGap, cameTwice int) {
	midnight := date.UTC().Unix()
	const hour, day = 3600, 24 * 3600
	shows := make(map[int64]int) // how often the clocks show a wall time
	var shown []int64
	from := midnight - 15*hour
	for minute := from; minute < midnight+day+15*hour; minute += 60 {
		shown = append(shown, zones.Shown(minute, loc))
		shows[shown[len(shown)-1]]++
	}
	first := 0
	for wall := midnight; wall < midnight+day; wall += 60 {
		for shown[first] < wall {
			first++
		}
		if wall%hour/60%7 != 0 {
			continue
		}
		switch shows[wall] {
		case 0:
			inGap++
		case 2:
			cameTwice++
		}
		instant := from + 60*int64(first)
		if shown[first] < midnight+day && (len(at) == 0 || at[len(at)-1] != instant) {
			at = append(at, instant)
		}
	}
	return at, inGap, cameTwice
}

func instants(found []rule.Occurrence) (at []int64) {
	for _, o := range found {
		at = append(at, o.Due.Unix())
	}
	return at
}

// TestChangeOverDaysOfNewYork has both days of 2026 as the guides tell of them.
func TestChangeOverDaysOfNewYork(t *testing.T) {
	loc := zone(t, "America/New_York")
	march, november := calendar.Date{Year: 2026, Month: 3, Day: 8}, calendar.Date{Year: 2026, Month: 11, Day: 1}
	tests := []struct {
		text string
		on   calendar.Date
		want string // times with their offsets
	}{
		{"0 2 * * *", march, "03:00-04"},
		{"30 1 * * *", november, "01:30-04"},
		{"cron 0 2 * * *", march, "03:00-04"},
		{"cron 30 1 * * *", november, "01:30-04"},
		{"cron 15,45 1-3 * * 0", march, "01:15-05 01:45-05 03:00-04 03:15-04 03:45-04"},
		{"cron 15,45 1-2 * * 0", november, "01:15-04 01:45-04 02:15-05 02:45-05"},
		{"*/25 1-2 * * *", march, "01:00-05 01:25-05 01:50-05 03:00-04"},
		{"*/25 1-2 * * *", november, "01:00-04 01:25-04 01:50-04 02:00-05 02:25-05 02:50-05"},
		{"0 0 13 * 5", march, ""},
		{"0 0 13 * 0", march, "00:00-05"},
		{"0 0 1 * 5", november, "00:00-04"},
		{"59 23 31 12 *", november, ""},
		{"0 */8 * * *", march, "00:00-05 08:00-04 16:00-04"},
		{"0 */8 * * *", november, "00:00-04 08:00-05 16:00-05"},
		// What becomes a native rule counts absolute time, and so goes on through the hour
		// that comes twice.
		{"0 1-3 * * *", march, "01:00-05 03:00-04"},
		{"0 1-3 * * *", november, "01:00-04 01:00-05 02:00-05 03:00-05"},
		{"cron 0 1-3 * * *", november, "01:00-04 02:00-05 03:00-05"},
		{"*/30 1-2 * * *", march, "01:00-05 01:30-05"},
		{"*/30 1-2 * * *", november, "01:00-04 01:30-04 01:00-05 01:30-05 02:00-05 02:30-05"},
		{"cron */30 1-2 * * *", march, "01:00-05 01:30-05 03:00-04"},
		{"cron */30 1-2 * * *", november, "01:00-04 01:30-04 02:00-05 02:30-05"},
	}
	for _, test := range tests {
		t.Run(fmt.Sprintf("%s on %s", test.text, test.on), func(t *testing.T) {
			var got []string
			for _, o := range due(t, test.text, test.on, loc) {
				got = append(got, o.Due.In(loc).Format("15:04-07"))
			}
			assert.Equal(t, test.want, strings.Join(got, " "))
		})
	}
}

// TestADateThatWasLeftOut is the end of December 2011 in Samoa: what the clocks skip with
// the rest of the date is left to the next one, but for the one time of a day.
func TestADateThatWasLeftOut(t *testing.T) {
	loc := zone(t, "Pacific/Apia")
	skipped := calendar.Date{Year: 2011, Month: 12, Day: 30}
	assert.Empty(t, due(t, "cron 0,30 9 * * *", skipped, loc))
	daily := due(t, "cron 0 9 30 * *", skipped, loc)
	require.Equal(t, []string{"2011-12-30"}, slots(daily))
	assert.Equal(t, "2011-12-31T00:00:00+14:00", daily[0].Due.In(loc).Format(time.RFC3339))
}

// TestATranslationIsTheRuleWhereNoClocksChange compares native rules with the Rules of the
// same expressions in zones with and without changes.
func TestATranslationIsTheRuleWhereNoClocksChange(t *testing.T) {
	for _, name := range []string{"Asia/Kolkata", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo"} {
		loc := zone(t, name)
		changed := make(map[calendar.Date]bool)
		for _, change := range zones.Transitions(loc, 2026, 2027) {
			changed[calendar.DateOf(time.Unix(change, 0).In(loc))] = true
		}
		for _, text := range []string{"30 2 * * *", "0 * * * *", "*/20 * * * 1-5", "5-59/15 0-4 * * *", "59 23 * * 0", "0 9,15 * * *", "0 18 31 * *", "30 2 1 3-10 *"} {
			native, err := cron.Translate(text)
			require.NoError(t, err)
			kept, err := cron.Parse(text)
			require.NoError(t, err)
			for date := (calendar.Date{Year: 2026, Month: 1, Day: 1}); date.Year == 2026; date = date.AddDays(1) {
				if changed[date] && !kept.Daily() {
					continue
				}
				require.Equal(t, instants(occurrences(t, kept, date, loc)), instants(occurrences(t, rule.MustParse(native), date, loc)), "%s in %s on %s", text, name, date)
			}
		}
	}
}
