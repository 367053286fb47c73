package rule

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/calendar"
)

func TestRuleText(t *testing.T) {
	tests := []struct {
		text string
		rule Rule
	}{
		{"daily 09:01", Daily(At(9, 1))},
		{"daily 09:01:30", Daily(Moment{Wall: calendar.Wall(9, 1) + 30})},
		{"daily close-15m", Daily(AtAnchor("close", -15*time.Minute))},
		{"daily open+1h30m5s", Daily(AtAnchor("open", 90*time.Minute+5*time.Second))},
		{"daily closing_auction.end", Daily(AtAnchor("closing_auction.end", 0))},
		{"daily pre_open.order_entry.end+24h", Daily(AtAnchor("pre_open.order_entry.end", 24*time.Hour))},
		{"daily 02:00+1d", Daily(Moment{Wall: calendar.EndOfDay + calendar.Wall(2, 0)})},
		{"daily 00:00+7d", Daily(Moment{Wall: 7 * calendar.EndOfDay})},
		{"daily first close", Daily(AtAnchor("close", 0).In(FirstWindow))},
		{"daily last open+5m", Daily(AtAnchor("open", 5*time.Minute).In(LastWindow))},
		{"daily each closing_auction.end-1m", Daily(AtAnchor("closing_auction.end", -time.Minute).In(EachWindow))},
		{"hourly 09:30-15:30", Hourly(At(9, 30), At(15, 30))},
		{"hourly 09:30-09:30", Hourly(At(9, 30), At(9, 30))},
		{"hourly 22:00-24:00", Hourly(At(22, 0), At(24, 0))},
		{"every 1m 09:15-15:30", Every(time.Minute, At(9, 15), At(15, 30))},
		{"every 1m open-close", Every(time.Minute, AtAnchor("open", 0), AtAnchor("close", 0))},
		{"every 1m open-15:30", Every(time.Minute, AtAnchor("open", 0), At(15, 30))},
		{"every 1m 09:15-close-15m", Every(time.Minute, At(9, 15), AtAnchor("close", -15*time.Minute))},
		{"every 1m30s open+5m-close-15m", Every(90*time.Second, AtAnchor("open", 5*time.Minute), AtAnchor("close", -15*time.Minute))},
		{"every 1s open-15m-open", Every(time.Second, AtAnchor("open", -15*time.Minute), AtAnchor("open", 0))},
		{"every 1m first close-15m-last open+5m", Every(time.Minute, AtAnchor("close", -15*time.Minute).In(FirstWindow), AtAnchor("open", 5*time.Minute).In(LastWindow))},
		{"every 1h 00:00+1d-24:00+1d", Every(time.Hour, Moment{Wall: calendar.EndOfDay}, Moment{Wall: 2 * calendar.EndOfDay})},
		{"once 2026-11-23 09:15", Once(calendar.Date{Year: 2026, Month: 11, Day: 23}, At(9, 15))},
		{"once 2026-11-23 last open", Once(calendar.Date{Year: 2026, Month: 11, Day: 23}, AtAnchor("open", 0).In(LastWindow))},
		{"once 2026-11-23 close+5m", Once(calendar.Date{Year: 2026, Month: 11, Day: 23}, AtAnchor("close", 5*time.Minute))},
		{"after premarket_retry 5m", After("premarket_retry", 5*time.Minute)},
		{"after the close of day 0s", After("the close of day", 0)},
		{"after x 5m 1h", After("x 5m", time.Hour)},
		{"after succeeds 5m", After("succeeds", 5*time.Minute)},
		{"after analysis succeeds", AfterSuccess("analysis", 0)},
		{"after analysis succeeds 5m", AfterSuccess("analysis", 5*time.Minute)},
		{"after analysis succeeds until 17:30", AfterSuccessUntil("analysis", 0, At(17, 30))},
		{"after analysis succeeds 5m until close+2h", AfterSuccessUntil("analysis", 5*time.Minute, AtAnchor("close", 2*time.Hour))},
		{"after analysis succeeds until 02:00+1d", AfterSuccessUntil("analysis", 0, Moment{Wall: calendar.EndOfDay + calendar.Wall(2, 0)})},
		{"after the close of day succeeds until first close", AfterSuccessUntil("the close of day", 0, AtAnchor("close", 0).In(FirstWindow))},
		{"after x 5m succeeds 1h", AfterSuccess("x 5m", time.Hour)},
		{"after succeeds succeeds", AfterSuccess("succeeds", 0)},
		{"after until 17:30 succeeds", AfterSuccess("until 17:30", 0)},
	}
	for _, test := range tests {
		t.Run(test.text, func(t *testing.T) {
			parsed, err := Parse(test.text)
			require.NoError(t, err)
			assert.Equal(t, test.rule, parsed)
			assert.True(t, test.rule == parsed, "rules are compared by their values")
			assert.Equal(t, test.text, test.rule.String())
			assert.NoError(t, Validate(test.rule))
		})
	}
}

func TestParseRuleTolerates(t *testing.T) {
	tests := map[string]string{
		"  daily   09:01  ":                       "daily 09:01",
		"daily\t09:01":                            "daily 09:01",
		"daily 02:00 + 1d":                        "daily 02:00+1d",
		"daily 09:01:00":                          "daily 09:01",
		"daily close - 15m":                       "daily close-15m",
		"daily open+0s":                           "daily open",
		"daily open+5m0s":                         "daily open+5m",
		"every 90s open + 5m - close - 15m":       "every 1m30s open+5m-close-15m",
		"every 60s 09:15 - 15:30":                 "every 1m 09:15-15:30",
		"daily first open":                        "daily open",
		"daily last close+5m":                     "daily close+5m",
		"daily first pre_open":                    "daily pre_open",
		"daily last pre_open.end":                 "daily pre_open.end",
		"daily  each\topen + 5m ":                 "daily each open+5m",
		"every 1m first open - last close":        "every 1m open-close",
		"daily 09:01 on fri, monday":              "daily 09:01 on mon,fri",
		"daily open  on\t1st session of week ":    "daily open on first session of week",
		"after  x  5m  on  mon-wed":               "after x 5m on mon,tue,wed",
		"hourly 22:00-00:00+1d":                   "hourly 22:00-24:00",
		"after  premarket retry   300s ":          "after premarket retry 5m",
		"after  x  succeeds  300s until 17:30:00": "after x succeeds 5m until 17:30",
		"after x succeeds 0s until close + 2h":    "after x succeeds until close+2h",
		"after\tx\tsucceeds\ton mon-wed":          "after x succeeds on mon,tue,wed",
		"once  2026-11-23   09:15":                "once 2026-11-23 09:15",
		"every 3600s pre_open-pre_open.end-1800s": "every 1h pre_open-pre_open.end-30m",
	}
	for text, want := range tests {
		rule, err := Parse(text)
		if assert.NoError(t, err, text) {
			assert.Equal(t, want, rule.String())
		}
	}
}

func TestParseRuleRefuses(t *testing.T) {
	tests := []struct{ text, want string }{
		{"", `"" is none of daily, hourly, every, once, after`},
		{"weekly 09:15", `"weekly" is none of daily, hourly, every, once, after`},
		{"Daily 09:15", `"Daily" is none of`},
		{"daily", "want a time such as 09:15 or an anchor such as close-15m at the end"},
		{"daily 9:15", `want a time such as 09:15, up to 23:59:59, at "9:15"`},
		{"daily 24:00", "24:00 only ends a window: the midnight after a session is 00:00+1d"},
		{"daily 09:60", "09:60: there is no such time of day"},
		{"daily 09:15:60", "09:15:60: there is no such time of day"},
		{"daily 25:00", "25:00: there is no such time of day"},
		{"daily 09:15:00:00", `at "09:15:00:00"`},
		{"daily 0915", `at "0915"`},
		{"daily 09:15 IST", `want nothing more at "IST"`},
		{"daily 09:15+5m", `want whole days from +1d to +7d at "+5m"`},
		{"daily 09:15+0d", `want whole days from +1d to +7d at "+0d"`},
		{"daily 09:15+8d", `want whole days from +1d to +7d at "+8d"`},
		{"daily 09:15+10d", `want whole days from +1d to +7d at "+10d"`},
		{"daily 09:15-15:30", `want nothing more at "-15:30"`},
		{"daily Open", `at "Open": did you mean "open"?`},
		{"daily 09:15 on tuseday", `want weekdays such as mon-fri, or a day such as last session of month or 3rd fri of month, at "tuseday": did you mean "tuesday"?`},
		{"daily 09:15 on last session of mnoth", `want week, month, quarter or year at "mnoth": did you mean "month"?`},
		{"daily _open", `want an anchor such as open, close, pre_open or pre_open.end at "_open"`},
		{"daily open.end", `at "open.end"`},
		{"daily .end", `at ".end"`},
		{"daily pre_open..end", `at "pre_open..end"`},
		{"daily open+1d", `want a duration such as 90s, 5m or 1h30m at "1d"`},
		{"daily open+", "want a duration such as 90s, 5m or 1h30m at the end"},
		{"daily open-15", `want a duration such as 90s, 5m or 1h30m at "15"`},
		{"daily open-5m-close", `want nothing more at "-close"`},
		{"daily open+24h1s", "the offset of open+24h0m1s is over 24 hours"},
		{"daily close-24h1s", "the offset of close-24h0m1s is over 24 hours"},
		{"daily close-15min", `want a duration such as 90s, 5m or 1h30m at "15min"`},
		{"daily close-15mon fri", `want a duration such as 90s, 5m or 1h30m at "15mon fri"`},
		{"daily open+5ms", "the offset of open+5ms is not in whole seconds"},
		{"daily first", "want an anchor such as open, close, pre_open or pre_open.end at the end"},
		{"daily first 09:15", `want an anchor such as open, close, pre_open or pre_open.end at "09:15"`},
		{"daily last first open", `want an anchor such as open, close, pre_open or pre_open.end at "first open"`},
		{"daily each+5m", `want an anchor such as open, close, pre_open or pre_open.end at "each+5m"`},
		{"daily on.end", `want an anchor such as open, close, pre_open or pre_open.end at "on.end"`},
		{"daily every open", `want nothing more at "open"`},
		{"once 2026-11-23 each open", "each open may be several moments, which only a daily rule can have"},
		{"hourly each open-close", "each open may be several moments, which only a daily rule can have"},
		{"every 1m open-each close", "each close may be several moments, which only a daily rule can have"},
		{"every 1m open-first open", "end is not after start"},
		{"every 1m last open-open", "end is not after start"},
		{"hourly last open-open-5m", "end is before start"},
		{"every 1m first close-open", "end is not after start"},
		{"every 1m close-last open", "end is not after start"},
		{"every 1m close-first close", "end is not after start"},
		{"hourly 09:30", "want a dash and the end of the window at the end"},
		{"hourly 15:30-09:30", "end is before start"},
		{"hourly close-open", "end is before start"},
		{"every 1m 15:30-09:15", "end is not after start"},
		{"every 1m 09:15-09:15", "end is not after start"},
		{"every 1m 22:00-02:00", "end is not after start"},
		{"every 1m 22:00-02:00+1d", "start and end are on different days"},
		{"every 1m 09:15-24:00+1d", "start and end are on different days"},
		{"every 1m 24:00-24:00", "24:00 only ends a window"},
		{"every 1m 09:15-24:00:01", "24:00:01: there is no such time of day"},
		{"dialy 09:15", `"dialy" is none of daily, hourly, every, once, after: did you mean "daily"?`},
		{"daily +9:15", `at "+9:15"`},
		{"every 1m open+5m-open", "end is not after start"},
		{"every 1m close-open", "end is not after start"},
		{"every 1m pre_open.end-pre_open", "end is not after start"},
		{"every 1m open-regular", "end is not after start"},
		{"every 0s 09:15-15:30", "interval 0s is under a second"},
		{"every 500ms 09:15-15:30", "interval 500ms is under a second"},
		{"every -1m 09:15-15:30", "interval -1m is under a second"},
		{"every 1.5s 09:15-15:30", "interval 1.5s is not in whole seconds"},
		{"every minute 09:15-15:30", `want a duration such as 90s, 5m or 1h30m at "minute 09:15-15:30"`},
		{"once 09:15", `date "09:15"`},
		{"once 2026-02-29 09:15", `date "2026-02-29"`},
		{"once 0000-01-01 09:15", "0000-01-01 is no date"},
		{"once 2026-11-23", "want a time such as 09:15 or an anchor such as close-15m at the end"},
		{"after premarket_retry", `want a task and a delay, as in premarket_retry 5m, or a task that succeeds, as in analysis succeeds, at "premarket_retry"`},
		{"after premarket_retry five", `as in analysis succeeds, at "premarket_retry five"`},
		{"after premarket_retry -5m", "delay -5m is not between 0s and 168h"},
		{"after premarket_retry 169h", "delay 169h is not between 0s and 168h"},
		{"after premarket_retry 1500ms", "delay 1.5s is not in whole seconds"},
		{"after a\x00b 5m", "control character"},
		{"after succeeds", `want a task and a delay, as in premarket_retry 5m, or a task that succeeds`},
		{"after analysis succeeds five", `want nothing more at "five"`},
		{"after analysis succeeds -5m", "delay -5m is not between 0s and 168h"},
		{"after analysis succeeds 169h", "delay 169h is not between 0s and 168h"},
		{"after analysis succeeds 5min", `want a duration such as 90s, 5m or 1h30m at "5min"`},
		{"after analysis succeeds until", "want a time such as 09:15 or an anchor such as close-15m at the end"},
		{"after analysis succeeds until each close", "each close may be several moments"},
		{"after analysis succeeds until 24:00", "24:00 only ends a window"},
		{"after analysis succeeds until 17:30 5m", `want nothing more at "5m"`},
		{"after analysis succeeds succeeds", `want nothing more at "succeeds"`},
		{"after analysis succeeds on fri until 17:30", `want nothing more at "until 17:30": an end is for what waits for a success, as in after analysis succeeds until 17:30, and comes before what names days`},
		{"after analysis succeeds, cleanup", "or a task that succeeds, as in analysis succeeds,"},
		{"after analysis 5m until 17:30", `want nothing more at "until 17:30": an end is for what waits for a success`},
		{"daily 09:15 until 17:30", "an end is for what waits for a success"},
	}
	for _, test := range tests {
		t.Run(test.text, func(t *testing.T) {
			rule, err := Parse(test.text)
			require.ErrorContains(t, err, test.want)
			assert.ErrorContains(t, err, fmt.Sprintf("rule %q: ", test.text))
			assert.Nil(t, rule)
			assert.Panics(t, func() { MustParse(test.text) })
		})
	}
}

func TestValidateRuleOfConstructors(t *testing.T) {
	tests := []struct {
		rule Rule
		want string
	}{
		{nil, "a rule is required"},
		{Every(time.Minute, At(15, 30), At(9, 15)), `"every 1m 15:30-09:15": end is not after start`},
		{Every(time.Minute, At(9, 15), At(25, 0)), "start and end are on different days"},
		{Hourly(AtAnchor("open", 0), Moment{Wall: -1}), "-1 seconds after midnight is not between"},
		{Hourly(AtAnchor("Open", 0), At(9, 15)), `"Open" is no anchor`},
		{Every(time.Minute, Moment{Wall: -1}, At(9, 15)), "-1 seconds after midnight is not between"},
		{Daily(At(9, 75)), "a time of day has a minute from 0 to 59 and an hour from 0"},
		{Daily(At(9, -1)), "a time of day has a minute from 0 to 59"},
		{Daily(At(9, 60)), "a time of day has a minute from 0 to 59"},
		{Daily(At(-1, 0)), "a time of day has a minute from 0 to 59 and an hour from 0"},
		{Daily(At(1<<40, 0)), "a time of day has"},
		{Hourly(At(9, 15), At(15, 75)), "a time of day has a minute from 0 to 59"},
		{Daily(AtAnchor("", 0)), `"(none)" is no anchor`},
		{Daily(AtAnchor("09:15", 0)), `"09:15" is no anchor`},
		{Daily(At(8*24, 0)), "691200 seconds after midnight is not between 00:00 and 23:59:59+7d"},
		{Daily(Moment{Wall: calendar.Wall(9, 15), Offset: time.Minute}), "a wall time takes no offset but days"},
		{Daily(Moment{Anchor: "open", Wall: calendar.Wall(9, 15)}), "the anchor open has a wall time, 09:15, beside it"},
		{Daily(AtAnchor("Open", 0)), `"Open" is no anchor`},
		{Daily(AtAnchor("first", 0)), `"first" is no anchor`},
		{Daily(At(9, 15).In(EachWindow)), "a wall time has no each window"},
		{Daily(AtAnchor("open", 0).In(9)), "9 is no window of a phase"},
		{Daily(AtAnchor("open close", 0)), `"open close" is no anchor`},
		{Daily(AtAnchor("open", time.Millisecond)), "not in whole seconds"},
		{Once(calendar.Date{Year: 2026, Month: 2, Day: 30}, At(9, 15)), "2026-02-30 is no date"},
		{Once(calendar.Date{}, At(9, 15)), "0000-00-00 is no date"},
		{After("", time.Minute), "task: a name is required"},
		{After("x", -time.Second), "delay -1s is not between"},
		{After("x succeeds", time.Second), "must not have the word succeeds in its name"},
		{AfterSuccess("x succeeds late", 0), "must not have the word succeeds in its name"},
		{AfterSuccess("x", 1500*time.Millisecond), "delay 1.5s is not in whole seconds"},
		{AfterSuccessUntil("x", 0, AtAnchor("close", 0).In(EachWindow)), "each close may be several moments"},
		{panicking{}, "String panicked: no text"},
	}
	for _, test := range tests {
		t.Run(test.want, func(t *testing.T) {
			assert.ErrorContains(t, Validate(test.rule), test.want)
		})
	}
	assert.NoError(t, Validate(userRule{}), "of a user's rule nothing is known")
}

// Windows whose order depends on the session are not refused beforehand.
func TestParseRuleLeavesToTheSession(t *testing.T) {
	for _, text := range []string{
		"hourly first close-last open", "every 1m last open-first close", "every 1m open-last open",
		"every 1m first close-close", "every 1m last open-open+5m", "hourly close-first close",
	} {
		rule, err := Parse(text)
		if assert.NoError(t, err, text) {
			assert.Equal(t, text, rule.String())
		}
	}
}

func TestParseMoment(t *testing.T) {
	m, err := ParseMoment(" close - 15m ")
	require.NoError(t, err)
	assert.Equal(t, AtAnchor("close", -15*time.Minute), m)
	m, err = ParseMoment("each open")
	require.NoError(t, err)
	assert.Equal(t, AtAnchor("open", 0).In(EachWindow), m)
	for _, text := range []string{"", "24:00", "09:15-15:30", "close-15m-open", "open+25h"} {
		_, err := ParseMoment(text)
		assert.ErrorContains(t, err, fmt.Sprintf("moment %q: ", text))
	}
}
