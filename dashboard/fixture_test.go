package dashboard_test

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/dashboard"
	"github.com/tradeclock/tradeclock/exchange"
	"github.com/tradeclock/tradeclock/memstore"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/sqlstore"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/tradeclocktest"
	"github.com/tradeclock/tradeclock/trading"
	"github.com/tradeclock/tradeclock/view"
)

var (
	xnse    = exchange.MustGet("XNSE")
	kolkata = xnse.Location()
)

func at(text string) time.Time {
	t, err := time.ParseInLocation(time.DateTime, text, kolkata)
	if err != nil {
		panic(err)
	}
	return t
}

// storage is what the stores of a service are.
type storage interface {
	store.ScheduleEditor
	store.Ledger
	store.History
	store.Directory
	store.HaltStore
	store.RequestStore
	store.Auditor
	store.HeartbeatSink
	store.HeartbeatReader
}

// onEach runs a test on a new store of each kind.
func onEach(t *testing.T, test func(t *testing.T, clock *clockwork.FakeClock, s storage)) {
	begin := at("2026-11-23 08:59:00")
	t.Run("memory", func(t *testing.T) {
		clock := clockwork.NewFakeClockAt(begin)
		test(t, clock, memstore.New(clock))
	})
	t.Run("sqlite", func(t *testing.T) {
		clock := clockwork.NewFakeClockAt(begin)
		test(t, clock, sqliteStore(t, clock))
	})
}

func sqliteStore(t testing.TB, clock tradeclock.Clock) *sqlstore.Store {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "day.db"))
	require.NoError(t, err)
	t.Cleanup(func() { db.Close() })
	s, err := sqlstore.Open(t.Context(), db, sqlstore.WithClock(clock))
	require.NoError(t, err)
	return s
}

// hostile is a text that would be more than text if it were not escaped.
const hostile = `</td><script>alert("no")</script><img src=x onerror=alert(1)>`

// service is a trading service with its dashboard.
type service struct {
	t     *testing.T
	clock *clockwork.FakeClock
	store storage
	sched *tradeclock.UnifiedTaskScheduler
	drive *tradeclocktest.Driver
	page  *dashboard.Dashboard
}

// monday is a service whose Monday went on until some time. It was down from 09:20 to 09:40,
// its adjustment of 09:05 failed with what somebody hostile wrote, and account 43 is halted.
func monday(t *testing.T, clock *clockwork.FakeClock, s storage, until string) *service {
	t.Helper()
	_, err := s.SeedSchedules(t.Context(), byTheClock()...)
	require.NoError(t, err)
	v := &service{t: t, clock: clock, store: s, page: newPage(t, clock, s, nil)}
	v.start()
	v.drive.Until(at("2026-11-23 09:19:00"))
	require.NoError(t, s.Halt(t.Context(), store.Halt{Scheduler: "paper", Account: "43", Reason: "loss limit " + hostile, Actor: "bo", At: clock.Now()}))
	v.drive.Until(at("2026-11-23 09:20:00"))
	require.NoError(t, v.sched.Close(context.Background()))
	clock.Advance(20 * time.Minute)
	v.start()
	v.drive.Until(at("2026-11-23 " + until))
	return v
}

// newPage makes a dashboard of a store in which ana may do everything.
func newPage(t testing.TB, clock tradeclock.Clock, s storage, change func(*dashboard.Config)) *dashboard.Dashboard {
	t.Helper()
	cfg := dashboard.Config{
		View:       view.Config{Name: "paper", Schedules: s, Ledger: s, Calendar: xnse, Calendars: exchange.Lookup, Clock: clock},
		Heartbeats: s,
		Authorize:  func(*http.Request, dashboard.Action) (string, error) { return "ana", nil },
		Logger:     slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&cfg)
	}
	page, err := dashboard.New(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, page.Close(context.Background())) })
	return page
}

func (s *service) start() {
	s.t.Helper()
	var mux tradeclock.Mux
	for _, row := range byTheClock() {
		mux.HandleFunc(row.Task, func(ctx context.Context, run store.Run) error {
			if run.Task == trading.TaskPremarketAMOAdjustment {
				tradeclock.Annotate(ctx, "broker", hostile)
				return errors.New("the broker said no: " + hostile + "\nsee the log")
			}
			return nil
		})
	}
	sched, err := tradeclock.New(tradeclock.Config{
		Name: "paper", Account: "42", Executor: &mux, Schedules: s.store, Ledger: s.store, Heartbeats: s.store,
		Calendar: xnse, Clock: s.clock, Logger: slog.New(slog.DiscardHandler), Instance: "host-1",
	})
	require.NoError(s.t, err)
	require.NoError(s.t, sched.Enroll(s.t.Context(), "43", &mux))
	s.sched, s.drive = sched, tradeclocktest.NewDriver(s.t, sched, s.clock)
}

// reply is what the dashboard answered.
type reply struct {
	code   int
	body   string
	header http.Header
}

func (s *service) get(path string) reply { return ask(s.t, s.page, http.MethodGet, path, nil) }

func (s *service) post(path string, pairs ...string) reply {
	return ask(s.t, s.page, http.MethodPost, path, form(pairs...))
}

func form(pairs ...string) url.Values {
	values := make(url.Values)
	for i := 0; i < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
	}
	return values
}

// ask sends a request, as a browser sends it from the dashboard's own pages.
func ask(t testing.TB, h http.Handler, method, path string, form url.Values, headers ...string) reply {
	t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r := httptest.NewRequestWithContext(t.Context(), method, path, body)
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return reply{w.Code, w.Body.String(), w.Header()}
}

// has asserts that a page has texts, in this order, once the markup is left out.
func (r reply) has(t *testing.T, texts ...string) {
	t.Helper()
	rest := words(r.body)
	for _, text := range texts {
		_, after, found := strings.Cut(rest, text)
		if !assert.Truef(t, found, "%q is missing, or not after what comes before it, in:\n%s", text, words(r.body)) {
			return
		}
		rest = after
	}
}

// words are the texts of a page, without its markup.
func words(body string) string {
	var b strings.Builder
	inTag := false
	for _, r := range body {
		switch {
		case r == '<':
			inTag = true
			b.WriteByte(' ')
		case r == '>':
			inTag = false
		case !inTag:
			b.WriteRune(r)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// schedules is a store of which only the rows can be read, and history one of runs.
type (
	schedules struct{ of storage }
	history   struct{ of storage }
)

func (s schedules) Schedules(ctx context.Context) ([]store.Schedule, error) {
	return s.of.Schedules(ctx)
}

func (h history) Runs(ctx context.Context, q store.Query) ([]store.Run, error) {
	return h.of.Runs(ctx, q)
}

func date(text string) calendar.Date {
	d, err := calendar.ParseDate(text)
	if err != nil {
		panic(err)
	}
	return d
}

// byTheClock are the seven tasks at instants that are known beforehand: here buy_orders does
// not wait for the analysis.
func byTheClock() []store.Schedule {
	rows := trading.DefaultSchedules()
	for i := range rows {
		if rows[i].Task == trading.TaskBuyOrders {
			rows[i].Rule, rows[i].CatchUp = rule.MustParse("daily 16:05"), 90*time.Minute
		}
	}
	return rows
}
