package rule

import (
	"testing"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
)

// A text either is refused or is a rule that prints a text which parses to the
// same rule, and that compiles without a panic.
func FuzzParseRule(f *testing.F) {
	for _, text := range []string{
		"daily 09:01", "daily 09:01:30", "daily 10:00,14:00,close-15m", "daily 10:30 as 10:00,open as date", "daily close-15m", "daily closing_auction.end", "daily 02:00+1d",
		"hourly 09:30-15:30", "every 1m 09:15-15:30", "every 90s open + 5m - close - 15m", "every 1h 00:00+7d-24:00+7d",
		"daily each open+5m", "daily last close", "hourly first close-last open", "daily first", "once 2026-11-23 each open",
		"daily 09:01 on mon,wed,fri", "daily close+30m on last session of month", "every 1m open-close on sun-thu",
		"after x on 5m on 2nd last session of year", "after x on 5m on", "daily 09:01 on 1st last session of week",
		"daily 09:01 on 3rd FRI of month in mar,jun or session before", "daily open on every other week from 2026-01-05 on mon",
		"every 1m open-close except 11:30-12:30,14:00-close on mon", "every 5m 00:00-24:00 except 23:45-24:00",
		"after x succeeds", "after x succeeds 5m until close - 15m on mon", "after x y succeeds until 02:00 + 1d", "after succeeds succeeds succeeds",
		"once 2026-11-23 09:15", "after the close 5m", "every 1m 15:30-09:15", "daily open+9999999999h", "daily 24:00",
	} {
		f.Add(text)
	}
	loc := zone(f, "America/New_York")
	session, err := calendar.AlwaysOpen(loc).Session(calendar.Date{Year: 2026, Month: 3, Day: 8})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		rule, err := Parse(text)
		if err != nil {
			return
		}
		again, err := Parse(rule.String())
		if err != nil {
			t.Fatalf("%q prints %q, which does not parse: %v", text, rule, err)
		}
		if again != rule || again.String() != rule.String() {
			t.Fatalf("%q prints %q, which is another rule: %q", text, rule, again)
		}
		if err := Validate(rule); err != nil {
			t.Fatalf("%q parses and is not valid: %v", text, err)
		}
		spans, err := Compile(rule, session, loc)
		if err != nil {
			return
		}
		var last time.Time
		for _, sp := range spans {
			if sp.N < 1 || sp.Skip == "" && !sp.Due(0).After(last) {
				t.Fatalf("%q has spans that are empty or overlap: %+v", rule, spans)
			}
			if sp.Skip == "" {
				last = sp.Due(sp.N - 1)
			}
		}
	})
}

// A text either is refused or is a filter that prints a text which parses to the
// same filter.
func FuzzParseFilter(f *testing.F) {
	for _, text := range []string{
		"", "mon", "mon,wed,fri", "sat-tuesday, fri", "mon-sun", "first session of week", "2nd last session of year",
		"1st last session of month", "31st session of month", "8th session of week", "0th session of year", "mon,",
		"15th day of month or session after", "in nov-feb on last thu of quarter", "every 3rd session from 2026-01-05 or session before",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		filter, err := ParseFilter(text)
		if err != nil {
			return
		}
		again, err := ParseFilter(filter.String())
		if err != nil || again != filter {
			t.Fatalf("%q prints %q, which is another filter: %q, %v", text, filter, again, err)
		}
	})
}
