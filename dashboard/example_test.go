package dashboard_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/tradeclock/tradeclock/dashboard"
	"github.com/tradeclock/tradeclock/exchange"
	"github.com/tradeclock/tradeclock/memstore"
	"github.com/tradeclock/tradeclock/trading"
	"github.com/tradeclock/tradeclock/view"
)

// A service mounts the page beside what it serves, and answers its monitor with the verdict of the
// command.
func ExampleNew() {
	clock := clockwork.NewFakeClockAt(time.Date(2026, time.November, 23, 3, 30, 0, 0, time.UTC))
	st := memstore.New(clock)
	if _, err := st.SeedSchedules(context.Background(), trading.DefaultSchedules()...); err != nil {
		fmt.Println(err)
		return
	}
	page, err := dashboard.New(dashboard.Config{
		View:       view.Config{Name: "paper", Schedules: st, Ledger: st, Calendar: exchange.MustGet("XNSE"), Clock: clock},
		Heartbeats: st,
		Authorize:  dashboard.Passwords(map[string]string{"ana": "a long secret"}),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.Handle("/tradeclock/", http.StripPrefix("/tradeclock", page))
	mux.Handle("GET /healthz", page.Health())

	for _, path := range []string{"/tradeclock/schedules", "/healthz"} {
		answer := httptest.NewRecorder()
		mux.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
		line, _, _ := strings.Cut(answer.Body.String(), "\n")
		fmt.Println(path, answer.Code, line)
	}
	// Output:
	// /tradeclock/schedules 401 <!doctype html>
	// /healthz 503 TRADECLOCK CRITICAL - paper has no active instance; no heartbeat for long, or ever | missed=0 degraded=0
}

// Whoever trades may order what is about their own account, and all may look.
func ExampleAuthorize() {
	accountOf := map[string]string{"ana": "42", "bo": "43"}
	authorize := func(r *http.Request, a dashboard.Action) (string, error) {
		user := r.Header.Get("X-User") // as a proxy sets it that has people log in
		own, known := accountOf[user]
		switch {
		case !known:
			return "", dashboard.ErrUnauthenticated
		case a.Verb != dashboard.View && a.Account != own:
			return "", errors.New("you may order for account " + own)
		}
		return user, nil
	}
	st := memstore.New(nil)
	page, err := dashboard.New(dashboard.Config{
		View:      view.Config{Schedules: st, Ledger: st},
		Authorize: authorize, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, account := range []string{"42", "43"} {
		r := httptest.NewRequest(http.MethodPost, "/requests", strings.NewReader("kind=trigger&task=analysis&account="+account))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("X-User", "ana")
		answer := httptest.NewRecorder()
		page.ServeHTTP(answer, r)
		fmt.Println(account, answer.Code)
	}
	// Output:
	// 42 303
	// 43 403
}
