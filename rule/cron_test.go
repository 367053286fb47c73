package rule

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/calendar"
)

func TestCronExpressionsAreAnsweredWithTheirRule(t *testing.T) {
	for text, want := range map[string]string{
		"*/5 9-15 * * 1-5":                 "every 5m 09:00-16:00 on mon,tue,wed,thu,fri",
		"1 9 * * *":                        "daily 09:01",
		"01 09 * * MON-FRI":                "daily 09:01 on mon,tue,wed,thu,fri",
		"30 9-15 * * *":                    "hourly 09:30-15:30",
		"0 * * * *":                        "hourly 00:00-23:00",
		"* * * * *":                        "every 1m 00:00-24:00",
		"* 9-15 * * ?":                     "every 1m 09:00-16:00",
		"0,30 9-15 * * *":                  "every 30m 09:00-16:00",
		"15 */4 * * 0,6":                   "daily 00:15,04:15,08:15,12:15,16:15,20:15 on sat,sun",
		"0 9-15/3 * * *":                   "daily 09:00,12:00,15:00",
		"0 9,15 1 * *":                     "daily 09:00,15:00 on first day of month",
		"30 16 31 * *":                     "daily 16:30 on 31st day of month",
		"0 9 * 1,10-12 1":                  "daily 09:00 on mon in jan,oct,nov,dec",
		"*/5 9 * jan-mar *":                "every 5m 09:00-10:00 in jan,feb,mar",
		"0 9 * */3 *":                      "daily 09:00 in jan,apr,jul,oct",
		"@monthly":                         "daily 00:00 on first day of month",
		"@yearly":                          "daily 00:00 on first day of month in jan",
		"5,35 9 * * *":                     "every 30m 09:05-10:00",
		"3-59/20 9 * * *":                  "every 20m 09:03-10:00",
		"5,20,35,50 9-15 * * 0,6":          "every 15m 09:05-16:00 on sat,sun",
		"*/10 22-23 * * 7":                 "every 10m 22:00-24:00 on sun",
		"15 1 9 * * *":                     "daily 09:01:15",
		"0 1 9 ? * MON-FRI":                "daily 09:01 on mon,tue,wed,thu,fri",
		"@daily":                           "daily 00:00",
		"CRON_TZ=Asia/Kolkata 1 9 * * 1-5": "daily 09:01 on mon,tue,wed,thu,fri",
		"cron 1 9 * * 1-5":                 "daily 09:01 on mon,tue,wed,thu,fri",
		"TZ=UTC @hourly":                   "hourly 00:00-23:00",
		"@hourly":                          "hourly 00:00-23:00",
		"@weekly":                          "daily 00:00 on sun",
	} {
		_, err := Parse(text)
		assert.ErrorContains(t, err, `that is a cron expression, which ParseRule of github.com/tradeclock/tradeclock/cron reads; here it would be "`+want+`", on the sessions of the calendar alone`, text)
	}
}

// What has no rule of the same meaning is recognised, and nothing wrong is suggested.
func TestCronExpressionsWithoutARuleOfTheSameMeaning(t *testing.T) {
	for _, text := range []string{
		"*/7 9-15 * * *", "cron */7 9-15 1,15 * *", "5,36 9 * * *", "25-59/20 9 * * *", "3-59/7 9 * * *",
		"35,65 9 * * *", "*/5 9,11 * * *", "0 */2 * * *", "*/5 */2 * * *", "0 9 1,15 * *", "0 9 1-7 * *", "0 9 13 * 5", "0 9 * 13 *", "0 9 0 * *", "0 9 32 * *",
		"75 9 * * *", "0 25 * * *", "0 15-9 * * *", "75 0 9 * * *", "* * 9 * * *", "*/5 0 9 * * *", "0 0 9 * * 1-5", "0 9 * * 1#2", "0 9 * * 0-6",
		"0 9 * * 8", "0 0 9 L * *", "@every 5m", "30 */5 9 * * *", "*/0 9 * * *", "0 */0 * * *", "0 */24 * * *", "*/120 * * * *", "0/15 9 * * *",
	} {
		_, err := Parse(text)
		assert.ErrorContains(t, err, "that is a cron expression, which ParseRule of github.com/tradeclock/tradeclock/cron reads: want a rule such as daily 09:01", text)
	}
	for _, text := range []string{"weekly on the 1st day please", "@nightly", "9 of the clock +", "5", "09:01 daily on mon fri", "_ 1 2 3 4"} {
		_, err := Parse(text)
		assert.ErrorContains(t, err, "is none of daily, hourly, every, once, after", text)
	}
}

// A suggestion is due in the minutes that the expression names, and in no others.
func TestCronSuggestionsAreDueWhenTheExpressionIs(t *testing.T) {
	minutes := []string{"*", "0", "7", "59", "*/5", "*/30", "0,20,40", "*/7", "10,40"}
	hours := []string{"*", "0", "9", "23", "9-15", "0-23", "22-23", "*/6", "*/5", "9,11"}
	weekdays := []string{"*", "1-5", "0", "7", "SUN,Wed", "6"}
	cal, suggested := calendar.AlwaysOpen(time.UTC), 0
	for _, m := range minutes {
		for _, h := range hours {
			for _, w := range weekdays {
				text := strings.Join([]string{m, h, "*", "*", w}, " ")
				rule, ok := FromCron(text)
				if !ok {
					continue
				}
				suggested++
				for date := (calendar.Date{Year: 2026, Month: 11, Day: 22}); date.Before(calendar.Date{Year: 2026, Month: 11, Day: 29}); date = date.AddDays(1) { // a week from Sunday
					session, err := cal.Session(date)
					require.NoError(t, err)
					occurrences, err := rule.Occurrences(session, time.UTC)
					require.NoError(t, err)
					var due []string
					for _, o := range occurrences {
						due = append(due, o.Due.Format(time.DateTime))
					}
					require.Equal(t, cronDue(m, h, w, date), due, "%s: %s", text, rule)
				}
			}
		}
	}
	assert.Equal(t, 390, suggested)
}

// cronDue is what cron does on a date with the fields for minute, hour and weekday.
func cronDue(minute, hour, weekday string, date calendar.Date) (due []string) {
	day := int(date.Weekday())
	if !cronField(weekday, day) && !(day == 0 && cronField(weekday, 7)) {
		return nil
	}
	var minutes []int
	for m := range 60 {
		if cronField(minute, m) {
			minutes = append(minutes, m)
		}
	}
	for h := range 24 {
		if !cronField(hour, h) {
			continue
		}
		for _, m := range minutes {
			due = append(due, fmt.Sprintf("%s %02d:%02d:00", date, h, m))
		}
	}
	return due
}

func cronField(field string, value int) bool {
	for part := range strings.SplitSeq(strings.NewReplacer("SUN", "0", "Wed", "3").Replace(field), ",") {
		if part == "*" {
			return true
		}
		if step, ok := strings.CutPrefix(part, "*/"); ok {
			n, _ := strconv.Atoi(step)
			if value%n == 0 {
				return true
			}
			continue
		}
		first, last, isRange := strings.Cut(part, "-")
		from, _ := strconv.Atoi(first)
		to := from
		if isRange {
			to, _ = strconv.Atoi(last)
		}
		if from <= value && value <= to {
			return true
		}
	}
	return false
}
