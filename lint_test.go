package tradeclock_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/view"
)

func TestRule41_WhatARowHardlyMeansIsFound(t *testing.T) {
	on := func(kinds calendar.SessionSet) func(*tradeclock.Schedule) {
		return func(s *tradeclock.Schedule) { s.Sessions = kinds }
	}
	retry := func(r tradeclock.Retry) func(*tradeclock.Schedule) {
		return func(s *tradeclock.Schedule) { s.Retry, s.Delivery = r, tradeclock.AtLeastOnce }
	}
	for want, odd := range map[string]tradeclock.Schedule{
		"": row("odd", "daily 09:00"),
		"no schedule of task \"nothing\" that it could come after": row("odd", "after nothing 5m"),
		"2026-11-20 is past: it never runs again":                  row("odd", "once 2026-11-20 09:00"),
		"it is skipped whenever it is due: closed: Sunday":         row("odd", "once 2026-11-29 09:00"),
		"nothing of it is due until 2027-11-24":                    row("odd", "daily 09:00", on(calendar.OnSpecial)),
		"its catch-up ends before it is due, at 08:30": row("odd", "daily 09:00", func(s *tradeclock.Schedule) {
			until := rule.At(8, 30)
			s.CatchUpUntil = &until
		}),
		"it allows overlap, and its group \"orders\" does not": row("odd", "daily 09:00", func(s *tradeclock.Schedule) {
			s.Overlap, s.Exclusive = tradeclock.OverlapAllow, "orders"
		}),
		"its spread of 5m0s is longer than its catch-up of 2m0s": row("odd", "daily 09:00", func(s *tradeclock.Schedule) { s.Spread = 5 * time.Minute }),
		"no second attempt fits: an attempt may take 3m0s": row("odd", "daily 09:00", retry(tradeclock.Retry{Attempts: 2}),
			func(s *tradeclock.Schedule) { s.Timeout = 3 * time.Minute }),
		"no second attempt fits: it waits for 1m0s": row("odd", "daily 09:00", retry(tradeclock.Retry{Attempts: 2, Backoff: time.Minute, Within: 30 * time.Second})),
		"its retry has no attempts":                 row("odd", "daily 09:00", retry(tradeclock.Retry{Backoff: time.Minute})),
		"it is retried although it is delivered at most once": row("odd", "daily 09:00", func(s *tradeclock.Schedule) {
			s.Retry.Attempts = 2
		}),
		"account \"24\" was never enrolled": row("odd", "daily 09:00", own("24")),
	} {
		t.Run(want, func(t *testing.T) {
			w := newWorld(t, "2026-11-23 08:50:00")
			found, err := w.view(w.seeded()).Lint(t.Context(), put(odd))
			require.NoError(t, err)
			found = onlyOf("odd", found)
			if want == "" {
				assert.Empty(t, found)
				return
			}
			require.Len(t, found, 1)
			assert.Contains(t, found[0].Text, want)
		})
	}
}

// onlyOf leaves the findings of one task.
func onlyOf(task string, found []view.Finding) (some []view.Finding) {
	for _, f := range found {
		if f.Task == task {
			some = append(some, f)
		}
	}
	return some
}
