package dashboard_test

import (
	"net/http"
	"regexp"
	"testing"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"

	"github.com/tradeclock/tradeclock/dashboard"
)

// escaped is the hostile text as a page may have it.
const escaped = `&lt;/td&gt;&lt;script&gt;alert(&#34;no&#34;)&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;`

func TestWhatPagesShow(t *testing.T) {
	onEach(t, func(t *testing.T, clock *clockwork.FakeClock, st storage) {
		s := monday(t, clock, st, "09:50:30")
		for _, test := range []struct {
			name, path string
			has        []string
		}{
			{"the day", "/", []string{
				"active on host-1", "Halted: account 43", "2026-11-23 Monday, today", "regular session by XNSE, 09:15 to 15:30",
				"Went wrong, of all accounts", "position_monitor 2 △ missed", "Account 42", "09:21 09:39 sell_monitor 19 △ missed late, and a newer",
				"16:00 analysis 1 ○ due", "As of 2026-11-23 09:50:30 Asia/Kolkata",
			}},
			{"the day of a halted account", "/?account=43", []string{"Account 43", "sell_monitor 11 – skipped halted by bo: loss limit"}},
			{"a day of one task", "/?task=analysis", []string{"16:00 analysis 1 ○ due", "As of"}},
			{"a closed day", "/?date=2026-11-24", []string{"closed: Guru Nanak Jayanti", "Nothing is due."}},
			{"a day that no calendar knows", "/?date=2031-01-01", []string{"2031-01-01 Wednesday"}},
			{"runs", "/runs", []string{"2026-11-23 09:50 43 sell_monitor 1 – skipped", "2026-11-23 09:50 42 sell_monitor 1 ● succeeded 09:50:00"}},
			{"runs by outcome", "/runs?outcome=failed&account=42", []string{"Took Why 2026-11-23 09:05 42 premarket_amo_adjustment 1 ✕ failed 09:05:00", "the broker said no"}},
			{"runs, the oldest first", "/runs?order=oldest&account=42", []string{"2026-11-23 09:00 42 premarket_retry 1 ● succeeded"}},
			{"no runs", "/runs?from=2026-12-01", []string{"There are no such runs."}},
			{"a run", "/run?account=42&task=premarket_amo_adjustment&slot=2026-11-23", []string{
				"premarket_amo_adjustment account 42, 2026-11-23", "✕ failed", "was due at 09:05:00 and failed", "Started 2026-11-23 09:05:00.000",
				"Decided by XNSE", "Run ID", "Reason the broker said no", "see the log", "Details",
			}},
			{"a run that was missed", "/run?account=42&task=position_monitor&slot=2026-11-23T09%2B05:30", []string{"△ missed", "Orders Run the task now, for no occurrence"}},
			{"a run that is to come", "/run?account=42&task=buy_orders&slot=2026-11-23", []string{"○ due", "is due at 2026-11-23 16:05:00"}},
			{"schedules", "/schedules", []string{"buy_orders all daily 16:05", "at-most-once Mon 2026-11-23 16:05 Place the buy orders"}},
			{"one schedule", "/schedule?task=buy_orders", []string{"buy_orders version 1", "Next due: Mon 2026-11-23 16:05 , Wed 2026-11-25 16:05"}},
			{"accounts", "/accounts", []string{"42 served 2026-11-23 09:20:00", "43 served 2026-11-23 09:20:00 by bo: loss limit"}},
			{"accounts by prefix", "/accounts?q=43", []string{"Runs 43 served"}},
			{"calendars", "/calendars", []string{"XNSE the service's Asia/Kolkata 2019-01-01 2026-12-31 38", "regular session 2026-11-24 closed: Guru Nanak"}},
			{"a calendar", "/calendar?name=XBOM&month=2026-11", []string{"XBOM November 2026", "2026-11-23 today Mon regular session 09:15 15:30"}},
			{"instances", "/instances", []string{"Term 2 is held by host-1", "alive active 2 0s 2026-11-23 09:50:30", "dead stopped 1"}},
			{"halts", "/halts", []string{"43 2026-11-23 09:19:00 bo loss limit", "Lift the halt of 43", "Halt What runs goes on"}},
			{"requests", "/requests", []string{"Nothing was asked."}},
			{"the audit", "/audit", []string{"2026-11-23 09:19:00 halt 43 bo loss limit"}},
		} {
			t.Run(test.name, func(t *testing.T) {
				got := s.get(test.path)
				assert.Equal(t, http.StatusOK, got.code, got.body)
				got.has(t, test.has...)
				assert.NotContains(t, got.body, "<script>alert")
				assert.NotContains(t, got.body, "<img")
				assert.Contains(t, got.body, escaped, "what bo wrote is text")
			})
		}
	})
}

// inline is what the policy would not let the page do.
var inline = regexp.MustCompile(`(?i)<script>|<style|<[^>]*\s(style|on[a-z]+)=|javascript:`)

// everyPage is each page, with as much on it as there is.
var everyPage = []string{
	"/", "/?date=2026-11-24", "/runs", "/run?account=42&task=premarket_amo_adjustment&slot=2026-11-23", "/schedules", "/schedule?task=buy_orders",
	"/accounts", "/calendars", "/calendar", "/instances", "/halts", "/requests", "/audit", "/nowhere",
}

func TestHeadersAndMarkupOfEachPage(t *testing.T) {
	onEach(t, func(t *testing.T, clock *clockwork.FakeClock, st storage) {
		s := monday(t, clock, st, "09:16:00")
		for _, page := range everyPage {
			got := s.get(page)
			assert.Equal(t, "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "+
				"form-action 'self'; frame-ancestors 'none'; base-uri 'none'", got.header.Get("Content-Security-Policy"), page)
			assert.Equal(t, "nosniff", got.header.Get("X-Content-Type-Options"), page)
			assert.Equal(t, "no-referrer", got.header.Get("Referrer-Policy"), page)
			assert.Equal(t, "no-store", got.header.Get("Cache-Control"), page)
			assert.NotRegexp(t, inline, got.body, page)
		}
	})
}

func TestWhatIsNotThere(t *testing.T) {
	onEach(t, func(t *testing.T, clock *clockwork.FakeClock, st storage) {
		s := monday(t, clock, st, "09:16:00")
		for _, test := range []struct {
			name, method, path string
			code               int
			allow, says        string
		}{
			{"no such page", "GET", "/nowhere", 404, "", "There is no such page."},
			{"no such asset", "GET", "/assets/nothing.js", 404, "", "There is no such page."},
			{"no way up", "GET", "/assets/../dashboard.go", 404, "", "There is no such page."},
			{"a method that changes, of a page that shows", "POST", "/runs", 405, "GET, HEAD", "That cannot be done here."},
			{"a method that nothing has", "DELETE", "/halts", 405, "GET, HEAD, POST", "That cannot be done here."},
			{"no date", "GET", "/?date=tomorrow", 400, "", "date: "},
			{"no cursor", "GET", "/?after=x", 400, "", "after: "},
			{"no outcome", "GET", "/runs?outcome=lost", 400, "", "outcome: "},
			{"no bound", "GET", "/runs?from=x", 400, "", "from: "},
			{"no place", "GET", "/runs?after=x", 400, "", "after: "},
			{"no month", "GET", "/calendar?month=x", 400, "", "month: "},
			{"no number", "GET", "/audit?before=x", 400, "", "before: "},
			{"no request", "GET", "/requests?before=x", 400, "", "before: "},
			{"no run", "GET", "/run", 400, "", "Which run?"},
			{"no such run", "GET", "/run?account=42&task=buy_orders&slot=2026-11-21", 404, "", "There is no run of buy_orders for account 42 in slot 2026-11-21"},
			{"no such slot", "GET", "/run?account=42&task=buy_orders&slot=x", 404, "", "There is no run"},
			{"no such account", "GET", "/?account=44", 404, "", "was never enrolled"},
			{"no such schedule", "GET", "/schedule?task=sleep", 404, "", "There is no schedule of sleep."},
			{"no such calendar", "GET", "/calendar?name=XXXX", 404, "", "There is no such calendar."},
		} {
			t.Run(test.name, func(t *testing.T) {
				got := ask(t, s.page, test.method, test.path, nil)
				assert.Equal(t, test.code, got.code)
				assert.Equal(t, test.allow, got.header.Get("Allow"))
				got.has(t, test.says)
			})
		}
	})
}

// bare is a store that is no more than a View requires.
type bare struct {
	schedules
	history
}

func TestWhatAStoreLacksIsNotShown(t *testing.T) {
	onEach(t, func(t *testing.T, clock *clockwork.FakeClock, st storage) {
		s := monday(t, clock, st, "09:16:00")
		page := newPage(t, clock, st, func(cfg *dashboard.Config) {
			cfg.View.Schedules, cfg.View.Ledger, cfg.Heartbeats = bare{schedules{st}, history{st}}, bare{schedules{st}, history{st}}, nil
		})
		first := ask(t, page, "GET", "/", nil)
		first.has(t, "Runs Schedules Calendars ◐ no heartbeats are kept", "sell_monitor")
		for _, path := range []string{"/day", "/accounts", "/instances", "/halts", "/requests", "/audit"} {
			assert.Equal(t, http.StatusNotFound, ask(t, page, "GET", path, nil).code, path)
			assert.NotContains(t, first.body, `href="`+path[1:]+`"`)
		}
		row := ask(t, page, "GET", "/schedule?task=buy_orders", nil)
		assert.NotContains(t, row.body, "<form method=\"post\"")
		row.has(t, "Rule daily 16:05")
		assert.Equal(t, http.StatusMethodNotAllowed, ask(t, page, "POST", "/schedule", form("task", "buy_orders", "version", "1")).code)
		assert.NotContains(t, ask(t, page, "GET", "/run?account=42&task=premarket_amo_adjustment&slot=2026-11-23", nil).body, "<form")
		_ = s
	})
}
