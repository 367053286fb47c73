package dashboard_test

import (
	"net/http"
	"os"
	"testing"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
)

func TestWhatPagesShow(t *testing.T) {
	onEach(t, func(t *testing.T, clock *clockwork.FakeClock, st store) {
		s := monday(t, clock, st, "09:50:30")
		for _, test := range []struct {
			name, path string
			has        []string
		}{
			{"the day", "/", []string{"active on host-1", "Halted: account 43", "2026-11-23", "Monday, today", "regular session by XNSE, 09:15 to 15:30", "Went wrong"}},
		} {
			t.Run(test.name, func(t *testing.T) {
				got := s.get(test.path)
				assert.Equal(t, http.StatusOK, got.code, got.body)
				got.has(t, test.has...)
			})
		}
		if dir := os.Getenv("DASH_DUMP"); dir != "" {
			for _, p := range []string{"/", "/runs", "/run?account=42&task=premarket_amo_adjustment&slot=2026-11-23", "/schedules", "/schedule?task=sell_monitor", "/accounts", "/calendars", "/calendar", "/instances", "/halts", "/requests", "/audit"} {
				got := s.get(p)
				t.Log(p, got.code, len(got.body), words(got.body))
			}
		}
	})
}
