// Package browser_test looks at the pages of the dashboard in Chromium, and orders there what
// people order. axe.min.js is axe-core, of npm, with its licences beside it.
package browser_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/dashboard"
	"github.com/tradeclock/tradeclock/exchange"
	"github.com/tradeclock/tradeclock/internal/needs"
	"github.com/tradeclock/tradeclock/memstore"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/tradeclocktest"
	"github.com/tradeclock/tradeclock/trading"
	"github.com/tradeclock/tradeclock/view"
)

// service is a trading service with its dashboard, served at an address.
type service struct {
	store   *memstore.Store
	drive   *tradeclocktest.Driver
	address string
	plain   string // the same pages without their scripts
}

var xnse = exchange.MustGet("XNSE")

func at(text string) time.Time {
	t, err := time.ParseInLocation(time.DateTime, text, xnse.Location())
	if err != nil {
		panic(err)
	}
	return t
}

// serve returns a service on a Monday on which it was down from 10:20 to 10:45, and whose
// adjustment failed. Of its three accounts carol is halted.
func serve(t *testing.T, until string) *service {
	t.Helper()
	clock := clockwork.NewFakeClockAt(at("2026-11-23 08:59:00"))
	s := &service{store: memstore.New(clock)}
	_, err := s.store.SeedSchedules(t.Context(), trading.SessionSchedules()...)
	require.NoError(t, err)
	first := s.start(t, clock)
	s.drive.Until(at("2026-11-23 09:30:00"))
	require.NoError(t, s.store.Halt(t.Context(), store.Halt{Scheduler: "paper", Account: "carol", Reason: "loss limit <b>reached</b>", Actor: "bo", At: clock.Now()}))
	s.drive.Until(at("2026-11-23 10:20:00"))
	require.NoError(t, first.Close(t.Context()))
	clock.Advance(25 * time.Minute)
	s.start(t, clock)
	s.drive.Until(at("2026-11-23 " + until))
	page, err := dashboard.New(dashboard.Config{
		View:       view.Config{Name: "paper", Schedules: s.store, Ledger: s.store, Calendar: xnse, Calendars: exchange.Lookup, Clock: clock},
		Heartbeats: s.store,
		Authorize:  func(*http.Request, dashboard.Action) (string, error) { return "ana", nil },
		Logger:     slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	mux := http.NewServeMux()
	mux.Handle("/tradeclock/", http.StripPrefix("/tradeclock", page))
	mux.Handle("/plain/", http.StripPrefix("/plain", withoutScripts(page)))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	s.address, s.plain = server.URL+"/tradeclock/", server.URL+"/plain/"
	return s
}

// withoutScripts serves a page to a browser that has no JavaScript.
func withoutScripts(page http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, ".js") {
			http.NotFound(w, r)
			return
		}
		page.ServeHTTP(w, r)
	})
}

func (s *service) start(t *testing.T, clock *clockwork.FakeClock) *tradeclock.UnifiedTaskScheduler {
	t.Helper()
	var mux tradeclock.Mux
	for _, row := range trading.SessionSchedules() {
		mux.HandleFunc(row.Task, func(ctx context.Context, run tradeclock.Run) error {
			if run.Task == trading.TaskPremarketAMOAdjustment {
				tradeclock.Annotate(ctx, "orders", 3)
				return errors.New("the broker said no: margin\nsee the log")
			}
			return nil
		})
	}
	sched, err := tradeclock.New(tradeclock.Config{
		Name: "paper", Account: "alice", Executor: &mux, Schedules: s.store, Ledger: s.store, Heartbeats: s.store, Calendar: xnse, Clock: clock,
		Logger: slog.New(slog.DiscardHandler), Instance: "host-1",
	})
	require.NoError(t, err)
	for _, account := range []string{"bob", "carol"} {
		require.NoError(t, sched.Enroll(t.Context(), account, &mux))
	}
	s.drive = tradeclocktest.NewDriver(t, sched, clock)
	return sched
}

// browser starts a Chromium, or leaves the test out if there is none.
func browser(t *testing.T) context.Context {
	t.Helper()
	program, err := needs.LookPath("chromium")
	needs.Met(t, err)
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.UserDataDir(t.TempDir()))
	ctx, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	ctx, leave := chromedp.NewContext(ctx)
	t.Cleanup(leave)
	return ctx
}

// complaints collects what the browser says is wrong: violations of the policy, and errors.
func complaints(t *testing.T, ctx context.Context) func() []string {
	t.Helper()
	var mu sync.Mutex
	var all []string
	require.NoError(t, chromedp.Listen(ctx, func(event any) {
		mu.Lock()
		defer mu.Unlock()
		switch e := event.(type) {
		case *log.EventEntryAdded:
			if e.Entry.Source != "network" { // a page that is not there is meant
				all = append(all, e.Entry.Text+" "+e.Entry.URL)
			}
		case *runtime.EventExceptionThrown:
			all = append(all, e.ExceptionDetails.Text)
		}
	}))
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return all
	}
}

// evaluate returns what a script in the page answers.
func evaluate[T any](t *testing.T, ctx context.Context, script string) T {
	t.Helper()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	require.NoError(t, err)
	return value
}

func do(t *testing.T, ctx context.Context, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	require.NoError(t, chromedp.Do(ctx, steps...))
}

// axeVersion and axeSum are of the file in testdata.
const (
	axeVersion = "4.14.1"
	axeSum     = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"
)

// axe returns axe-core, which finds what people who do not see a page well stumble over.
func axe(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("testdata/axe.min.js")
	require.NoError(t, err)
	sum := sha256.Sum256(text)
	require.Equal(t, axeSum, hex.EncodeToString(sum[:]))
	require.Contains(t, string(text[:200]), axeVersion)
	return string(text)
}
