package dashboard_test

import (
	"html"
	"net/http"
	"regexp"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/request"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/store"
)

func TestHaltAndLift(t *testing.T) {
	onEach(t, func(t *testing.T, clock *clockwork.FakeClock, st storage) {
		s := monday(t, clock, st, "09:45:30")
		for _, test := range []struct {
			name string
			form []string
			code int
			says string
		}{
			{"nobody in particular", []string{"do", "halt", "reason", "r"}, 400, "For whom?"},
			{"one and all", []string{"do", "halt", "account", "42", "whom", "all", "reason", "r"}, 400, "For an account, or for all?"},
			{"no reason", []string{"do", "halt", "account", "42", "reason", "  "}, 400, "A halt says why."},
			{"nothing to do", []string{"account", "42"}, 400, "neither halt nor lift"},
			{"a misspelled account", []string{"do", "halt", "account", "24", "reason", "r"}, 404, "was never enrolled"},
		} {
			t.Run(test.name, func(t *testing.T) {
				got := s.post("/halts", test.form...)
				assert.Equal(t, test.code, got.code)
				got.has(t, test.says)
			})
		}
		done := s.post("/halts", "do", "halt", "account", "42", "reason", "loss", "actor", "ceo")
		require.Equal(t, http.StatusSeeOther, done.code)
		s.get("/"+done.header.Get("Location")).has(t, "Halted. Nothing new", "42 2026-11-23 09:45:30 ana loss")
		halts, err := st.Halts(t.Context(), "paper")
		require.NoError(t, err)
		assert.Contains(t, halts, store.Halt{Scheduler: "paper", Account: "42", Reason: "loss", Actor: "ana", At: clock.Now().UTC()}, "the actor is whom Authorize named")

		done = s.post("/halts", "do", "lift", "account", "42", "reason", "checked")
		require.Equal(t, http.StatusSeeOther, done.code)
		s.get("/"+done.header.Get("Location")).has(t, "Lifted.")
		s.get("/audit").has(t, "lift 42 ana checked", "halt 42 ana loss", "halt 43 bo")
	})
}

func TestAHaltThatEndsWhatRuns(t *testing.T) {
	onEach(t, func(t *testing.T, clock *clockwork.FakeClock, st storage) {
		s := monday(t, clock, st, "09:45:30")
		done := s.post("/halts", "do", "halt", "whom", "all", "reason", "the market is odd", "cancel", "1")
		require.Equal(t, http.StatusSeeOther, done.code)
		asked, err := st.Requests(t.Context(), request.Query{Scheduler: "paper"})
		require.NoError(t, err)
		require.Len(t, asked, 1)
		assert.Equal(t, []any{request.Cancel, "", "ana"}, []any{asked[0].Kind, asked[0].Account, asked[0].Actor})
		s.get("/").has(t, "Halted: all accounts")
	})
}

func TestATriggerIsAskedAndAnswered(t *testing.T) {
	onEach(t, func(t *testing.T, clock *clockwork.FakeClock, st storage) {
		s := monday(t, clock, st, "09:45:30")
		s.get("/run?account=42&task=analysis&slot=2026-11-23").has(t, "○ due", "Run it now, for the session of 2026-11-23")
		done := s.post("/requests", "kind", "trigger", "task", "premarket_retry", "account", "42", "for", "session", "session", "2026-11-23", "reason", "again")
		require.Equal(t, http.StatusSeeOther, done.code)
		s.get("/"+done.header.Get("Location")).has(t, "2026-11-23 09:45:30 ana trigger for the session of 2026-11-23 premarket_retry 42 again open")
		s.drive.Until(at("2026-11-23 09:47:00"))
		s.get("/requests").has(t, "again refused 2026-11-23 09:4", "premarket_retry")

		done = s.post("/requests", "kind", "trigger", "task", "analysis", "account", "42", "reason", "early")
		require.Equal(t, http.StatusSeeOther, done.code)
		s.drive.Until(at("2026-11-23 09:49:00"))
		s.get("/requests").has(t, "early done")
		s.get("/runs?task=analysis").has(t, "42 analysis 1 ● succeeded", "by ana.")
	})
}

func TestWhatCannotBeAsked(t *testing.T) {
	onEach(t, func(t *testing.T, clock *clockwork.FakeClock, st storage) {
		s := monday(t, clock, st, "09:16:00")
		for _, test := range []struct {
			name string
			form []string
			code int
			says string
		}{
			{"nothing", nil, 400, "none of the orders"},
			{"a kind that a page has not", []string{"kind", "lift"}, 400, "none of the orders"},
			{"no task", []string{"kind", "trigger", "account", "42"}, 422, "field Task"},
			{"no date", []string{"kind", "trigger", "task", "analysis", "for", "session", "session", "x"}, 400, "session: "},
			{"a slot", []string{"kind", "trigger", "task", "analysis", "slot", "2026-11-23"}, 400, "not for a slot"},
			{"to end what runs of nobody", []string{"kind", "cancel", "reason", "r"}, 400, "For whom?"},
			{"to end it for no reason", []string{"kind", "cancel", "account", "42"}, 422, "field Reason"},
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

// formOf returns the fields of the form of a page, as a browser would send them.
func formOf(t *testing.T, page reply) map[string]string {
	t.Helper()
	fields := make(map[string]string)
	for _, m := range regexp.MustCompile(`<input(?: type="hidden")?(?: id="[^"]*")? name="([^"]*)" value="([^"]*)"`).FindAllStringSubmatch(page.body, -1) {
		fields[m[1]] = html.UnescapeString(m[2])
	}
	for _, m := range regexp.MustCompile(`(?s)<select id="[^"]*" name="([^"]*)".*?<option selected>([^<]*)</option>`).FindAllStringSubmatch(page.body, -1) {
		fields[m[1]] = m[2]
	}
	require.Contains(t, fields, "version")
	fields["reason"] = "as agreed"
	return fields
}

// send sends the form of a page back, with some fields changed.
func (s *service) send(fields map[string]string, changed ...string) reply {
	var pairs []string
	for name, value := range fields {
		pairs = append(pairs, name, value)
	}
	return s.post("/schedule", append(pairs, changed...)...)
}

func TestAnEditIsTriedOutAndSaved(t *testing.T) {
	onEach(t, func(t *testing.T, clock *clockwork.FakeClock, st storage) {
		s := monday(t, clock, st, "09:45:30")
		fields := formOf(t, s.get("/schedule?task=buy_orders"))
		s.send(fields).has(t, "What it would do", "Nothing: no field says something else")

		tried := s.send(fields, "rule", "daily 16:00", "timeout", "20m", "step", "try")
		assert.Equal(t, http.StatusOK, tried.code)
		tried.has(t, "rule daily 16:05 daily 16:00", "timeout 15m 20m", "Up to 2026-11-30", "2026-11-23 buy_orders moved 16:05 → 16:00",
			"buy_orders at 2026-11-23 16:00:00 is in the minute of analysis", "Save it")
		row := rowOf(t, st, "buy_orders")
		assert.Equal(t, []any{"daily 16:05", int64(1)}, []any{row.Rule.String(), row.Version}, "a dry run writes nothing")

		saved := s.send(formOf(t, tried), "step", "save")
		require.Equal(t, http.StatusSeeOther, saved.code, words(saved.body))
		s.get("/"+saved.header.Get("Location")).has(t, "buy_orders version 2", "Saved.", "Next due: Mon 2026-11-23 16:00")
		after := rowOf(t, st, "buy_orders")
		want := row
		want.Rule, want.Timeout, want.Version, want.Since = rule.Daily(rule.At(16, 0)), 20*time.Minute, 2, after.Since
		assert.Equal(t, want, after, "no other field was touched")

		s.drive.Until(at("2026-11-23 16:00:30"))
		s.get("/?account=42").has(t, "16:00 buy_orders 1 ● succeeded 16:00:00")
	})
}

func rowOf(t *testing.T, st storage, task string) store.Schedule {
	t.Helper()
	rows, err := st.Schedules(t.Context())
	require.NoError(t, err)
	for _, row := range rows {
		if row.Task == task && row.Account == "" {
			return row
		}
	}
	t.Fatal("there is no row of " + task)
	return store.Schedule{}
}

func TestTheSecondOfTwoEditorsIsTold(t *testing.T) {
	onEach(t, func(t *testing.T, clock *clockwork.FakeClock, st storage) {
		s := monday(t, clock, st, "09:45:30")
		mine := formOf(t, s.get("/schedule?task=buy_orders"))
		require.Equal(t, http.StatusSeeOther, s.send(mine, "rule", "daily 16:10", "step", "save").code)
		for _, step := range []string{"try", "save"} {
			got := s.send(mine, "rule", "daily 16:20", "timeout", "5m", "step", step)
			assert.Equal(t, http.StatusConflict, got.code)
			got.has(t, "made from version 1, and it has version 2. Nothing was written.", "rule daily 16:20 daily 16:10", "timeout 5m 15m")
			assert.Equal(t, "daily 16:10", rowOf(t, st, "buy_orders").Rule.String())
			again := formOf(t, got)
			assert.Equal(t, []string{"2", "daily 16:20"}, []string{again["version"], again["rule"]}, "the form keeps what was meant")
		}
	})
}

func TestAFormThatCannotBeTaken(t *testing.T) {
	onEach(t, func(t *testing.T, clock *clockwork.FakeClock, st storage) {
		s := monday(t, clock, st, "09:16:00")
		fields := formOf(t, s.get("/schedule?task=buy_orders"))
		for _, test := range []struct {
			name    string
			changed []string
			code    int
			says    []string
		}{
			{"no version", []string{"version", ""}, 400, []string{"The version of the row is missing."}},
			{"several fields", []string{"rule", "daily 25:00", "timeout", "soon", "overlap", "perhaps", "retry.attempts", "x", "retry.within", "x"}, 422, []string{"nothing was written", "Rule: ", "Timeout: ", "Overlap: ", "Attempts: ", "Retry within: "}},
			{"a row that is refused", []string{"catch_up", "1000h"}, 422, []string{"CatchUp: 1000h"}},
			{"a row that is refused, at once", []string{"catch_up", "1000h", "step", "save"}, 422, []string{"CatchUp: 1000h"}},
			{"a row that would follow nothing", []string{"rule", "after sleep 5m"}, 422, []string{"sleep"}},
			{"another row", []string{"task", "sleep"}, 404, []string{"There is no schedule of sleep."}},
		} {
			t.Run(test.name, func(t *testing.T) {
				got := s.send(fields, test.changed...)
				assert.Equal(t, test.code, got.code, words(got.body))
				got.has(t, test.says...)
			})
		}
		assert.Equal(t, int64(1), rowOf(t, st, "buy_orders").Version)
	})
}

func TestEachFieldOfARowCanBeSet(t *testing.T) {
	onEach(t, func(t *testing.T, clock *clockwork.FakeClock, st storage) {
		s := monday(t, clock, st, "09:16:00")
		fields := formOf(t, s.get("/schedule?task=eod_cleanup"))
		set := []string{
			"rule", "daily 18:30", "disabled", "disabled", "sessions", "regular", "calendar", "XBOM", "priority", "3", "timeout", "9m",
			"catch_up", "1h", "catch_up_until", "close+4h", "overlap", "queue", "exclusive", "late", "spread", "2s", "start_limit", "broker",
			"delivery", "at-least-once", "retry.attempts", "2", "retry.backoff", "5s", "retry.max_backoff", "10s", "retry.within", "8m", "description", hostile,
		}
		saved := s.send(fields, append(set, "step", "save")...)
		require.Equal(t, http.StatusSeeOther, saved.code, words(saved.body))
		got := formOf(t, s.get("/schedule?task=eod_cleanup"))
		for i := 0; i < len(set); i += 2 {
			assert.Equal(t, set[i+1], got[set[i]], set[i])
		}
		emptied := s.send(got, "catch_up_until", "", "timeout", "", "step", "save")
		require.Equal(t, http.StatusSeeOther, emptied.code, words(emptied.body))
		row := rowOf(t, st, "eod_cleanup")
		assert.Nil(t, row.CatchUpUntil)
		assert.Zero(t, row.Timeout)
	})
}
