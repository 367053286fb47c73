package cron_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/cron"
	"github.com/tradeclock/tradeclock/rule"
)

// A text either is refused or is a rule that prints a text which reads to the same rule,
// and whose occurrences keep the contract of rule.Rule on a day whose clocks change.
func FuzzParseRule(f *testing.F) {
	for _, text := range []string{
		"15 9 * * 1-5", "*/7 9-15 1,15 * *", "cron 0 9 L * *", "0 0 13 * 5", "@daily", "@every 90s", "@reboot", "TZ=0", "CRON_TZ=UTC 0 9 * * *",
		"0 9 30 2 *", "H 9 * * *", "0 9 * * 5#3", "? ? ? ? ?", "15 1 9 * * *", "*/90 * * * *", "cron */7 * * * * on last session of month",
		"5/15 */3 1-31/2 jan-DEC 0-7/2", "daily 09:01 on mon", ", , , , ,", "0 9 * * 1-7/3,7", strings.Repeat("0,", 400) + "0 * * * *", "cron cron 0 9 * * *",
	} {
		f.Add(text)
	}
	loc := zone(f, "America/New_York")
	session, err := calendar.AlwaysOpen(loc).Session(calendar.Date{Year: 2026, Month: 3, Day: 8})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, text string) {
		r, err := cron.ParseRule(text)
		if err != nil {
			return
		}
		again, err := cron.ParseRule(r.String())
		if err != nil || again != r || again.String() != r.String() {
			t.Fatalf("%q prints %q, which reads to %v, %v", text, r, again, err)
		}
		cron.Warnings(r)
		spans, err := rule.Compile(r, session, loc)
		if bare, _ := rule.Split(r); err != nil && rule.KindOf(bare) == "cron.Rule" && !strings.Contains(err.Error(), "depend on other sessions") {
			t.Fatalf("%q: %v", text, err)
		}
		for i, sp := range spans {
			if i > 0 && !sp.Due(0).After(spans[i-1].Due(0)) {
				t.Fatalf("%q has occurrences that are not in order: %+v", text, spans)
			}
		}
	})
}

// An expression that translates is due when its Rule is, where no clocks change.
func FuzzTranslate(f *testing.F) {
	for _, text := range []string{"15 9 * * 1-5", "*/5 9-15 * * *", "0 9-17 * * 0,6", "5-59/15 9,10 * * *", "0 0 1 1 *", "@hourly"} {
		f.Add(text)
	}
	loc := zone(f, "Asia/Kolkata")
	f.Fuzz(func(t *testing.T, text string) {
		native, err := cron.Translate(text)
		if err != nil {
			return
		}
		r, err := cron.Parse(text)
		require.NoError(t, err)
		for day := 22; day < 29; day++ {
			date := calendar.Date{Year: 2026, Month: 11, Day: day}
			require.Equal(t, instants(occurrences(t, r, date, loc)), instants(occurrences(t, rule.MustParse(native), date, loc)), "%q: %s", text, native)
		}
	})
}
