package cron_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/cron"
	"github.com/tradeclock/tradeclock/rule"
)

// TestParseRule has the text that a text reads to, which reads to the same rule again.
func TestParseRule(t *testing.T) {
	for text, want := range map[string]string{
		"15 9 * * 1-5":       "daily 09:15 on mon,tue,wed,thu,fri",
		"*/5 9-15 * * 1-5":   "every 5m 09:00-16:00 on mon,tue,wed,thu,fri",
		"0 9-17 * * *":       "hourly 09:00-17:00",
		"5/15 9 * * *":       "every 15m 09:05-10:00",
		"0-59 * * * *":       "every 1m 00:00-24:00",
		" 0 9 * * mon,Wed":   "daily 09:00 on mon,wed",
		"0 9 * * 7":          "daily 09:00 on sun",
		"0 9 * * 5-7":        "daily 09:00 on fri,sat,sun",
		"0 9 * * 1-7/2":      "daily 09:00 on mon,wed,fri,sun",
		"0 9 * * 0-7":        "daily 09:00",
		"0 9 1-31 * 1":       "daily 09:00", // either is enough
		"0 9 13 * 1-7":       "daily 09:00",
		"0 9,10 * * *":       "hourly 09:00-10:00",
		"@daily":             "daily 00:00",
		"@weekly":            "daily 00:00 on sun",
		"@monthly":           "daily 00:00 on first day of month",
		"59 23 31 12 *":      "daily 23:59 on 31st day of month in dec",
		"0 9,15 1 1/3 *":     "daily 09:00,15:00 on first day of month in jan,apr,jul,oct",
		"0 0,12 * * *":       "daily 00:00,12:00",
		"0 9 29 feb *":       "daily 09:00 on 29th day of month in feb",
		"15 8-16/4 * 11 1,3": "daily 08:15,12:15,16:15 on mon,wed in nov",

		"*/7 9-15 1,15 * *":           "cron */7 9-15 1,15 * *",
		"0 0 13 * 5":                  "cron 0 0 13 * 5",
		"0 9,10,15 1,2 1/3 *":         "cron 0 9-10,15 1-2 */3 *",
		"3/20 8-18/2 1-30/29 * 2,1,0": "cron 3-59/20 8-18/2 1,30 * 0-2",
		"0 9 1 * 0,2,4,6":             "cron 0 9 1 * 0,2,4,6",
		"0 */2 * * *":                 "cron 0 */2 * * *",
		"cron 0 9 1,15 * * in jan":    "cron 0 9 1,15 * * in jan",
		"cron 0 9 1,15 * * on mon in jan or session after": "cron 0 9 1,15 * * on mon in jan or session after",

		"cron 0 9 * * 1-5": "cron 0 9 * * 1-5", // the word keeps it
		"cron  @daily":     "cron 0 0 * * *",
		"cron */7 9-15 * * * on last session of month": "cron */7 9-15 * * * on last session of month",
		"0 9 * * * on mon": "cron 0 9 * * * on mon",

		"daily 09:01":                        "daily 09:01",
		"every 1m open-close on mon-wed":     "every 1m open-close on mon,tue,wed",
		"after 0 9 * * * 5m":                 "after 0 9 * * * 5m", // a task may have such a name
		"daily close on 2nd session of week": "daily close on 2nd session of week",
	} {
		r, err := cron.ParseRule(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, r.String(), text)
		again, err := cron.ParseRule(r.String())
		require.NoError(t, err, text)
		assert.Equal(t, r, again, text)
		assert.NoError(t, rule.Validate(r), text)
	}
}

func TestTranslate(t *testing.T) {
	native, err := cron.Translate("15 9 * * 1-5")
	require.NoError(t, err)
	assert.Equal(t, "daily 09:15 on mon,tue,wed,thu,fri", native)

	_, err = cron.Translate("0 9 1,15 * *")
	assert.ErrorIs(t, err, cron.ErrNoNative)
	assert.EqualError(t, err, `cron expression "0 9 1,15 * *": no native rule means that: it stays "cron 0 9 1,15 * *"`)

	_, err = cron.Translate("0 9 L * *")
	assert.ErrorContains(t, err, "daily 09:00 on last day of month")
	assert.NotErrorIs(t, err, cron.ErrNoNative)
}

// TestWhatHasNoMeaningIsRefused names what is meant in each message.
func TestWhatHasNoMeaningIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"0 9 L * *":     `as in "daily 09:00 on last day of month"`,
		"0 9 lw * *":    `as in "daily 09:00 on last session of month"`,
		"0 9 L-3 * *":   `as in "daily 09:00 on 4th last day of month"`,
		"*/7 9 L * *":   `as in "cron */7 9 * * * on last day of month"`,
		"0 9 1,15W * *": `as in "daily 09:00 on 15th day of month or session after"`,
		"0 9 L 13 *":    `as in "daily 09:00 on last day of month"`,
		"0 9 L 3 *":     `as in "daily 09:00 on last day of month in mar"`,
		"0 9 * * 5L":    `as in "daily 09:00 on last fri of month"`,
		"0 9 * * FRI#2": `as in "daily 09:00 on 2nd fri of month"`,
		"0 9 * * 7#1":   `as in "daily 09:00 on first sun of month"`,
		"0 9 * 6 L":     `as in "daily 09:00 on sat in jun"`,
		"0 9 * * 5#6":   "failed to parse",
		"0 9 99W * *":   "failed to parse",
		"0 9 L-31 * *":  "failed to parse",
		"0 9 15 * 5L":   "failed to parse", // either would be enough, and no filter says that
		"0 9 * * xyzL":  "failed to parse",
		"@reboot":       "tradeclock.Starter",
		"@every 90s":    `"every 1m30s 00:00-24:00"`,
		"@every 36h":    "daily 09:00",
		"@every soon":   "every 90s 00:00-24:00",
		"@every":        "every 90s 00:00-24:00",
		"@every 5ns":    "has no time of day to begin at",
		"0 9 ? * 1-5":   `"daily 09:00 on mon,tue,wed,thu,fri"`,
		"15 1 9 * * *":  `"daily 09:01:15"`,
		"0 1 9 * * 2":   "want five, without seconds",

		"TZ=Asia/Kolkata 0 9 * * 1-5": `leave out TZ=Asia/Kolkata; here it would be "daily 09:00 on mon,tue,wed,thu,fri"`,
		"CRON_TZ=UTC */7 * * * *":     `leave out CRON_TZ=UTC; here it would be "cron */7 * * * *"`,
		"TZ=0":                        "leave out TZ=0",
		"TZ=UTC\t0 9 * * *":           "leave out TZ=UTC",
		"TZ=A TZ=B CRON_TZ= 0 9 L":    "leave out TZ=A",

		"H 9 * * *":     "Spread",
		"H/15 9 * * *":  "Spread",
		"0~30 9 * * *":  "Spread",
		"*/90 * * * *":  `"every 1h30m 00:00-24:00"`,
		"0 */24 * * *":  `the step of "*/24" is more than the hour has`,
		"0 9 30 2 *":    "that date never comes",
		"0 9 31 2,4 *":  "that date never comes",
		"*-5 * * * *":   "want a number before the dash",
		"0 9 , * *":     `the day of month names nothing: ","`,
		"0 9 * * 7/2":   "beyond end of range",
		"0 9 * * 8":     "above maximum",
		"0 9 * * 9-7":   "above maximum",
		"*/0 * * * *":   "should be a positive number",
		"60 9 * * *":    "above maximum",
		"0 15-9 * * *":  "beyond end of range",
		"0 9 * *":       "and not 4",
		"* * * * * * *": "and not 7",
		"@nightly":      "unrecognized descriptor",

		"cron":                   "is none of daily",
		"cron 09:01":             "and not 1",
		"0 9 1 * * on the first": "filter",
		"0 9 1 * * on":           "six fields", // which is no filter
		"Daily 09:01":            `did you mean "daily"`,
		"":                       "is none of daily",
	} {
		r, err := cron.ParseRule(text)
		assert.ErrorContains(t, err, want, text)
		assert.Nil(t, r, text)
	}
	_, err := cron.ParseRule(strings.Repeat("0,", 1<<19) + "0 9 * * *")
	assert.EqualError(t, err, "cron expression of 1048585 bytes: want five fields", "it is not quoted")
}

func TestWarnings(t *testing.T) {
	for text, want := range map[string][]string{
		"0 0 13 * 5":           {"it is due on day 13 of the month and also on every Friday: either is enough"},
		"0 0 1,15 * 1-3":       {"it is due on day 1,15 of the month and also on every Monday, Tuesday, Wednesday: either is enough"},
		"0 9 31 * 1":           {"it is due on day 31 of the month and also on every Monday: either is enough"},
		"*/7 9-15 * * *":       {"*/7 of the minute begins anew with each hour: the last step is 4 and not 7"},
		"cron 0 */5 1 * *":     {"*/5 of the hour begins anew with each day: the last step is 4 and not 5"},
		"cron 0 9 31 * *":      {"not every one of its months has a day 31: their ends are named by on last day of month, and on last session of month"},
		"0 9 29,30 2 * on mon": {"not every one of its months has a day 29-30: their ends are named by on last day of month, and on last session of month"},
		"cron 0 9 31 12 *":     nil,
		"0 9 28-31 * *":        nil,
		"cron 0 9-17/3 1 * *":  nil,
		"cron 0 */12 * * *":    nil,
		"0 9 * * 1-5":          nil,
		"every 7m 09:00-10:00": nil,
	} {
		r, err := cron.ParseRule(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, cron.Warnings(r), text)
	}
	assert.Nil(t, cron.Warnings(nil))
	assert.Nil(t, cron.Warnings(cron.Rule{}))
}

func TestARuleOfNoExpression(t *testing.T) {
	var r cron.Rule
	assert.Equal(t, "cron (no expression)", r.String())
	_, err := json.Marshal(r)
	assert.ErrorContains(t, err, "cron.Parse")
	_, err = r.Occurrences(calendar.Session{Date: calendar.Date{Year: 2026, Month: 11, Day: 23}}, time.UTC)
	assert.ErrorContains(t, err, "cron.Parse")
}

func TestSlots(t *testing.T) {
	for text, want := range map[string][]string{
		"cron 30 9 * * *":     {"2026-11-23"},
		"cron 0,30 9 * * 1":   {"2026-11-23T09:00:00+05:30", "2026-11-23T09:30:00+05:30"},
		"cron 30 9,15 23 * *": {"2026-11-23T09:30:00+05:30", "2026-11-23T15:30:00+05:30"},
		"cron 30 9 24 * *":    nil,
		"cron 30 9 24 * 1":    {"2026-11-23"},
		"cron 30 9 23 12 1":   nil,
	} {
		assert.Equal(t, want, slots(due(t, text, calendar.Date{Year: 2026, Month: 11, Day: 23}, zone(t, "Asia/Kolkata"))), text)
	}
}

// due returns the occurrences of a text's rule on a date.
func due(t testing.TB, text string, date calendar.Date, loc *time.Location) []rule.Occurrence {
	t.Helper()
	r, err := cron.ParseRule(text)
	require.NoError(t, err, text)
	return occurrences(t, r, date, loc)
}

func occurrences(t testing.TB, r rule.Rule, date calendar.Date, loc *time.Location) []rule.Occurrence {
	t.Helper()
	found, err := r.Occurrences(calendar.Session{Date: date, Kind: calendar.Regular}, loc)
	require.NoError(t, err, r.String())
	return found
}

func slots(found []rule.Occurrence) (names []string) {
	for _, o := range found {
		names = append(names, o.Slot)
	}
	return names
}

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	require.NoError(t, err)
	return loc
}
