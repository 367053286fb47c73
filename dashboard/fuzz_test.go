package dashboard_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/jonboulle/clockwork"

	"github.com/tradeclock/tradeclock/memstore"
	"github.com/tradeclock/tradeclock/trading"
)

// FuzzWhatIsAsked asks pages, and sends forms, with whatever somebody may write: each is answered,
// by no fault of the dashboard's.
func FuzzWhatIsAsked(f *testing.F) {
	paths := []string{"", "runs", "run", "schedules", "schedule", "accounts", "calendars", "calendar", "instances", "halts", "requests", "audit"}
	for _, page := range everyPage {
		path, query, _ := strings.Cut(page[1:], "?")
		for i := range paths {
			if paths[i] == path {
				f.Add(uint8(i), query, false)
			}
		}
	}
	f.Add(uint8(4), "task=analysis&version=1&rule=daily+10:00&step=save", true)
	f.Add(uint8(4), "task=analysis&version=1&rule=every+1s+00:00-24:00&catch_up_until=close", true)
	f.Add(uint8(9), "do=halt&account=42&reason=%00", true)
	f.Add(uint8(10), "kind=move&account=42&task=analysis&session=9999-12-31&to=25:00%2B1d&reason=r", true)
	f.Add(uint8(10), "kind=trigger&account=42&task=analysis&for=session&session=0001-01-01", true)
	f.Add(uint8(2), "account=42&task=sell_monitor&slot=2026-11-23T09:15:00%2B05:30", false)
	f.Fuzz(func(t *testing.T, page uint8, query string, isPost bool) {
		clock := clockwork.NewFakeClockAt(at("2026-11-23 09:45:00"))
		s := memstore.New(clock)
		if _, err := s.SeedSchedules(t.Context(), trading.DefaultSchedules()...); err != nil {
			t.Fatal(err)
		}
		path := "/" + paths[int(page)%len(paths)]
		values, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		method, form := http.MethodGet, url.Values(nil)
		if isPost {
			method, form = http.MethodPost, values
		} else {
			path += "?" + values.Encode()
		}
		if got := ask(t, newPage(t, clock, s, nil), method, path, form); got.code >= 500 {
			t.Fatalf("%d: %s", got.code, words(got.body))
		}
	})
}
