package dashboard_test

import (
	"net/http"
	"testing"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/request"
)

// TestOneOccurrenceIsMovedAndSkipped tells the story of an operator: tonight's analysis is moved,
// skipped instead, restored, and all of it is in the audit.
func TestOneOccurrenceIsMovedAndSkipped(t *testing.T) {
	onEach(t, func(t *testing.T, clock *clockwork.FakeClock, st storage) {
		s := monday(t, clock, st, "09:45:30")
		const page = "/run?account=42&task=analysis&slot=2026-11-23"
		s.get(page).has(t, "○ due", "Skip this one", "Move this one")
		order := func(kind, until string, more ...string) {
			t.Helper()
			got := s.post("/requests", append([]string{"kind", kind, "task", "analysis", "account", "42", "slot", "2026-11-23", "session", "2026-11-23", "reason", "late data"}, more...)...)
			require.Equal(t, http.StatusSeeOther, got.code, words(got.body))
			s.drive.Until(at("2026-11-23 " + until))
			s.get("/"+got.header.Get("Location")).has(t, "ana "+kind, "late data done")
		}

		order("move", "09:47:00", "to", "17:30")
		s.get(page).has(t, "Due 2026-11-23 17:30:00", "Moved from 16:00 to 17:30 by ana: late data", "Let it run as scheduled")
		s.get("/?account=42").has(t, "17:30 analysis 1 ○ due", "Skipped or moved by people", "16:00 17:30 analysis 42 ana late data")
		assert.NotContains(t, s.get("/?account=43").body, "Skipped or moved")

		order("skip", "09:49:00")
		s.get(page).has(t, "· will be skipped", "Skipped by ana: late data")

		order("restore", "09:51:00")
		s.get(page).has(t, "○ due", "Due 2026-11-23 16:00:00")
		s.get("/audit").has(t, "restore 42 analysis 2026-11-23", "skip 42 analysis 2026-11-23", "move 42 analysis 2026-11-23 2026-11-23 17:30:00 ana late data")
	})
}

func TestWhatCannotBeOverridden(t *testing.T) {
	onEach(t, func(t *testing.T, clock *clockwork.FakeClock, st storage) {
		s := monday(t, clock, st, "09:45:30")
		assert.NotContains(t, s.get("/run?account=42&task=premarket_retry&slot=2026-11-23").body, "Skip this one", "it has had its time")
		for _, test := range []struct {
			name string
			form []string
			code int
			says string
		}{
			{"nobody in particular", []string{"kind", "skip", "task", "analysis", "reason", "r"}, 400, "For whom?"},
			{"no date", []string{"kind", "skip", "task", "analysis", "account", "42", "session", "x", "reason", "r"}, 400, "session: "},
			{"no time", []string{"kind", "move", "task", "analysis", "account", "42", "session", "2026-11-23", "to", "soon", "reason", "r"}, 400, "to: "},
			{"no reason", []string{"kind", "skip", "task", "analysis", "account", "42", "session", "2026-11-23"}, 422, "field Reason"},
			{"no task", []string{"kind", "skip", "account", "42", "session", "2026-11-23", "reason", "r"}, 422, "field Task"},
		} {
			t.Run(test.name, func(t *testing.T) {
				got := s.post("/requests", test.form...)
				assert.Equal(t, test.code, got.code, words(got.body))
				got.has(t, test.says)
			})
		}
		asked, err := st.Requests(t.Context(), request.Query{Scheduler: "paper"})
		require.NoError(t, err)
		assert.Empty(t, asked)
	})
}
