package tradeclock_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/calendar"
)

// closable is a calendar of weekdays, of which a day can be closed.
type closable struct {
	calendar.Calendar
	closed *bool
}

func (c closable) Session(d calendar.Date) (calendar.Session, error) {
	if *c.closed && d == day("2026-11-23") {
		return calendar.Session{Date: d}, nil
	}
	return c.Calendar.Session(d)
}

// TestRule09_WhatIsToRunAgainAsksTheGateAgain: a day that was closed meanwhile has no
// more runs, those of an earlier process among them.
func TestRule09_WhatIsToRunAgainAsksTheGateAgain(t *testing.T) {
	for name, closes := range map[string]bool{"closed": true, "open": false} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "2026-11-23 09:59:00")
			closed := false
			cfg := w.config(row("watch", "daily 10:00", atLeastOnce, catchUp(time.Hour)))
			cfg.Calendar = closable{calendar.Weekdays(kolkata), &closed}
			w.rec.Do("watch", takes(time.Hour))
			d, stop := w.stopper(cfg)
			d.For(time.Minute)
			require.NoError(t, stop())
			require.Equal(t, []string{"2026-11-23 interrupted"}, tell(w.runs("watch")))

			closed = closes
			w.rec.Do("watch", nil)
			_, d = w.drive(cfg)
			d.For(10 * time.Minute)
			want := map[bool][]string{true: {"2026-11-23 interrupted"}, false: {"2026-11-23 succeeded"}}[closes]
			assert.Equal(t, want, tell(w.runs("watch")))
		})
	}
}
