package client_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/examples/internal/broker"
	"github.com/tradeclock/tradeclock/examples/realtrading/internal/client"
	"github.com/tradeclock/tradeclock/examples/realtrading/internal/wire"
	"github.com/tradeclock/tradeclock/memstore"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/tradeclocktest"
)

var monday = time.Date(2026, time.November, 23, 10, 0, 0, 0, time.UTC)

// room is a broker that answers as it is told, and a client of it on a fake clock.
type room struct {
	t     *testing.T
	clock *clockwork.FakeClock

	mu      sync.Mutex
	answers []http.HandlerFunc // the last is given for ever
	asked   []string           // each request but logins, with its term and body
	logins  int
}

// ServeHTTP gives the next answer.
func (r *room) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if req.URL.Path == "/login" {
		r.mu.Lock()
		r.logins++
		r.mu.Unlock()
		json.NewEncoder(w).Encode(wire.Token{Token: "fresh"})
		return
	}
	body, err := io.ReadAll(req.Body)
	assert.NoError(r.t, err)
	r.mu.Lock()
	answer := r.answers[min(len(r.asked), len(r.answers)-1)]
	r.asked = append(r.asked, fmt.Sprintf("%s %s term %s %s", req.Method, req.URL.Path, req.Header.Get(wire.TermHeader), body))
	r.mu.Unlock()
	answer(w, req)
}

func refused(status int, code wire.Code) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "3")
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(wire.Problem{Code: code, Message: string(code)})
	}
}

func lost(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// another answers with an order that another request placed.
func another(w http.ResponseWriter, _ *http.Request) {
	json.NewEncoder(w).Encode(broker.Order{Key: "the key of somebody else", Status: broker.StatusOpen})
}

// slow lets the time pass for which the client waits.
func (r *room) slow(_ http.ResponseWriter, req *http.Request) {
	r.clock.Advance(5 * time.Second)
	<-req.Context().Done()
}

// run does something with the client in a run of a scheduler, and returns the run as
// the ledger has it in the end.
func (r *room) run(do func(ctx context.Context, c *client.Client, run tradeclock.Run) error) tradeclock.Run {
	r.t.Helper()
	server := httptest.NewServer(r)
	defer server.Close()
	c := client.New(server.URL, "secret", r.clock, slog.New(slog.DiscardHandler))
	ledger := memstore.New(r.clock)
	s, err := tradeclock.New(tradeclock.Config{
		Account: "alice", Calendar: calendar.AlwaysOpen(time.UTC), Clock: r.clock, Ledger: ledger,
		Schedules: tradeclock.FixedSchedules(tradeclock.Schedule{Task: "trade", Rule: rule.MustParse("daily 10:01"), Timeout: time.Minute}),
		Executor: client.Fence(tradeclock.ExecutorFunc(func(ctx context.Context, run tradeclock.Run) error {
			return do(ctx, c, run)
		})),
		Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(r.t, err)
	driver, stop := tradeclocktest.StartDriver(r.t, s, r.clock)
	driver.For(5 * time.Minute)
	require.NoError(r.t, stop())
	runs, err := ledger.Runs(r.t.Context(), store.Query{})
	require.NoError(r.t, err)
	require.Len(r.t, runs, 1)
	return runs[0]
}

// place places an order of TEAK.
func place(ctx context.Context, c *client.Client, run tradeclock.Run) error {
	_, err := c.Place(ctx, broker.Order{Account: run.Account, Key: run.ID + "-TEAK", Symbol: "TEAK"})
	return err
}

func TestWhatBecomesOfAnOrder(t *testing.T) {
	for _, c := range []struct {
		name    string
		answers func(r *room) []http.HandlerFunc
		asked   int
		outcome tradeclock.Outcome
		reason  string
		order   string
		logins  int
	}{
		{name: "answered", answers: script(ok), asked: 1, outcome: tradeclock.Succeeded, order: "open"},
		{name: "the answer is lost", answers: script(lost, ok), asked: 2, outcome: tradeclock.Succeeded, order: "open"},
		{name: "it is late", answers: script(refused(504, wire.CodeLate), ok), asked: 2, outcome: tradeclock.Succeeded, order: "open"},
		{name: "it is slow", answers: func(r *room) []http.HandlerFunc { return []http.HandlerFunc{r.slow, ok} },
			asked: 2, outcome: tradeclock.Succeeded, order: "open"},
		{name: "it is slow for ever", answers: func(r *room) []http.HandlerFunc { return []http.HandlerFunc{r.slow} },
			asked: 5, outcome: tradeclock.Failed, reason: "no answer within 5s", order: client.Unanswered},
		{name: "the broker is down", answers: script(refused(503, "")), asked: 5, outcome: tradeclock.Failed,
			reason: "the broker answers 503", order: client.Unanswered},
		{name: "too fast", answers: script(refused(429, wire.CodeTooFast), refused(429, wire.CodeTooFast), ok), asked: 3,
			outcome: tradeclock.Succeeded, order: "open"},
		{name: "too fast for ever", answers: script(refused(429, wire.CodeTooFast)), asked: 20,
			outcome: tradeclock.TimedOut, reason: "timeout"},
		{name: "refused", answers: script(refused(422, wire.CodeRefused)), asked: 1, outcome: tradeclock.Failed,
			reason: "the broker answers 422: refused", order: client.Refused},
		{name: "a newer term has been there", answers: script(refused(409, wire.CodeStaleTerm)), asked: 1, outcome: tradeclock.Failed,
			reason: "the broker answers 409: stale_term", order: client.Refused},
		{name: "the login has expired", answers: script(refused(401, wire.CodeLogin), ok), asked: 2, outcome: tradeclock.Succeeded,
			order: "open", logins: 1},
		{name: "the login does not last", answers: script(refused(401, wire.CodeLogin)), asked: 2, outcome: tradeclock.Failed,
			reason: "the broker answers 401: login", order: client.Refused, logins: 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &room{t: t, clock: clockwork.NewFakeClockAt(monday)}
			r.answers = c.answers(r)

			run := r.run(place)

			assert.Equal(t, c.outcome, run.Outcome, run.Reason)
			assert.Contains(t, run.Reason, c.reason)
			require.Len(t, r.asked, c.asked)
			for _, request := range r.asked {
				assert.Equal(t, r.asked[0], request, "each time the same")
				assert.Contains(t, request, "POST /accounts/alice/orders term 1 ")
				assert.Contains(t, request, run.ID+"-TEAK")
			}
			assert.Equal(t, c.logins, r.logins)
			if c.order != "" {
				assert.Equal(t, map[string]any{"TEAK": c.order}, run.Details[client.DetailOrders])
			}
		})
	}
}

// script gives the same answers in each room.
func script(answers ...http.HandlerFunc) func(*room) []http.HandlerFunc {
	return func(*room) []http.HandlerFunc { return answers }
}

// ok answers with the order that was asked for, which is open.
func ok(w http.ResponseWriter, req *http.Request) {
	json.NewEncoder(w).Encode(broker.Order{Key: store.RunID("tradeclock", "alice", "trade", "2026-11-23") + "-TEAK", Status: broker.StatusOpen})
}

func TestAnExitThatAnotherOrderDoesIsNone(t *testing.T) {
	r := &room{t: t, clock: clockwork.NewFakeClockAt(monday), answers: []http.HandlerFunc{another}}

	run := r.run(func(ctx context.Context, c *client.Client, run tradeclock.Run) error {
		_, err := c.Exit(ctx, run.Account, run.ID+"-TEAK", "TEAK", 1, "stop")
		return err
	})

	assert.Equal(t, tradeclock.Succeeded, run.Outcome, run.Reason)
	assert.Equal(t, map[string]any{"TEAK": client.Refused}, run.Details[client.DetailOrders])
}

func TestRefusalsThatCallersDecideOn(t *testing.T) {
	for code, want := range map[wire.Code]error{wire.CodeStaleTerm: client.ErrStaleTerm, wire.CodeNotHeld: broker.ErrNotHeld} {
		r := &room{t: t, answers: []http.HandlerFunc{refused(http.StatusConflict, code)}}
		server := httptest.NewServer(r)
		defer server.Close()
		c := client.New(server.URL, "secret", clockwork.NewFakeClockAt(monday), slog.New(slog.DiscardHandler))

		_, err := c.Exit(t.Context(), "alice", "key", "TEAK", 1, "stop")

		assert.ErrorIs(t, err, want)
	}
}
