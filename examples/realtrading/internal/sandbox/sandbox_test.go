package sandbox_test

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/examples/internal/broker"
	"github.com/tradeclock/tradeclock/examples/internal/market"
	"github.com/tradeclock/tradeclock/examples/internal/money"
	"github.com/tradeclock/tradeclock/examples/realtrading/internal/sandbox"
	"github.com/tradeclock/tradeclock/examples/realtrading/internal/wire"
	"github.com/tradeclock/tradeclock/exchange"
	"github.com/tradeclock/tradeclock/internal/scaled"
)

var (
	nse    = exchange.MustGet("XNSE")
	monday = calendar.Date{Year: 2026, Month: time.November, Day: 23}
)

// room is a sandbox that is reached over HTTP by who is logged in as alice.
type room struct {
	*sandbox.Sandbox
	t      *testing.T
	clock  *clockwork.FakeClock
	server *httptest.Server
	token  string
	term   int64
}

// open opens a sandbox at 10:00 on a day of which alice holds BANYAN and CEDAR.
func open(t *testing.T, faults sandbox.Faults) *room {
	t.Helper()
	r := &room{t: t, term: 1, clock: clockwork.NewFakeClockAt(calendar.Wall(10, 0).On(monday, nse.Location()))}
	var err error
	r.Sandbox, err = sandbox.Open(t.Context(), sandbox.Config{
		DB: openFile(t), Clock: r.clock, Calendar: nse, Source: market.Walk{Seed: 3, Calendar: nse},
		Accounts: []string{"alice", "bob"}, Secret: "secret", Rules: sandbox.Rules{Login: 30 * time.Minute, ChangesPerSecond: 3},
		Faults: faults, Log: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	t.Cleanup(r.Close)
	r.server = httptest.NewServer(r.Handler())
	t.Cleanup(r.server.Close)
	r.login()
	return r
}

func openFile(t *testing.T) *sql.DB {
	t.Helper()
	db, err := broker.OpenFile(filepath.Join(t.TempDir(), "sandbox.db"))
	require.NoError(t, err)
	t.Cleanup(func() { db.Close() })
	return db
}

func (r *room) login() {
	r.t.Helper()
	var token wire.Token
	require.Equal(r.t, http.StatusOK, r.ask(http.MethodPost, "/login", wire.Login{Account: "alice", Secret: "secret"}, &token))
	r.token = token.Token
}

// ask makes a request, reads the answer into out, and returns its status: zero if there
// is no answer.
func (r *room) ask(method, path string, body, out any) int {
	r.t.Helper()
	text, err := json.Marshal(body)
	require.NoError(r.t, err)
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.server.URL+path, bytes.NewReader(text))
	require.NoError(r.t, err)
	req.Header.Set("Authorization", "Bearer "+r.token)
	if r.term != 0 {
		req.Header.Set(wire.TermHeader, strconv.FormatInt(r.term, 10))
	}
	response, err := http.DefaultClient.Do(req)
	if err != nil {
		require.ErrorIs(r.t, err, io.EOF)
		return 0
	}
	defer response.Body.Close()
	require.NoError(r.t, json.NewDecoder(response.Body).Decode(out))
	return response.StatusCode
}

// offer asks for an order to sell a share of BANYAN.
func (r *room) offer(key string) (status int, problem wire.Problem) {
	r.t.Helper()
	order := broker.Order{Key: key, Symbol: "BANYAN", Side: broker.Sell, Kind: broker.Limit, Quantity: 1, Price: 1000 * money.Rupee}
	var answer struct {
		wire.Problem
		broker.Order
	}
	status = r.ask(http.MethodPost, "/accounts/alice/orders", order, &answer)
	return status, answer.Problem
}

func (r *room) book() (book wire.Book) {
	r.t.Helper()
	require.Equal(r.t, http.StatusOK, r.ask(http.MethodGet, "/book", nil, &book))
	return book
}

// fates are those of the changes so far.
func (r *room) fates() (fates []wire.Fate) {
	r.t.Helper()
	for _, c := range r.book().Changes {
		fates = append(fates, c.Fate)
	}
	return fates
}

func TestALoginExpires(t *testing.T) {
	r := open(t, sandbox.Faults{})
	var funds money.Amount

	assert.Equal(t, http.StatusOK, r.ask(http.MethodGet, "/accounts/alice/funds", nil, &funds))
	assert.Positive(t, funds)
	var problem wire.Problem
	assert.Equal(t, http.StatusUnauthorized, r.ask(http.MethodGet, "/accounts/bob/funds", nil, &problem), "of another account")
	r.clock.Advance(30 * time.Minute)
	assert.Equal(t, http.StatusUnauthorized, r.ask(http.MethodGet, "/accounts/alice/funds", nil, &problem))
	assert.Equal(t, wire.CodeLogin, problem.Code)
	r.login()
	assert.Equal(t, http.StatusOK, r.ask(http.MethodGet, "/accounts/alice/funds", nil, &funds))
	assert.Equal(t, http.StatusForbidden, r.ask(http.MethodPost, "/login", wire.Login{Account: "alice", Secret: "guess"}, &problem))
	assert.Equal(t, http.StatusForbidden, r.ask(http.MethodPost, "/login", wire.Login{Account: "carol", Secret: "secret"}, &problem))
}

func TestAnOlderTermIsRefused(t *testing.T) {
	r := open(t, sandbox.Faults{})
	status, _ := r.offer("one")
	require.Equal(t, http.StatusOK, status)
	r.term = 3
	var funds money.Amount
	require.Equal(t, http.StatusOK, r.ask(http.MethodGet, "/accounts/alice/funds", nil, &funds), "reading raises the fence too")

	r.term = 2
	status, problem := r.offer("two")

	assert.Equal(t, http.StatusConflict, status)
	assert.Equal(t, wire.CodeStaleTerm, problem.Code)
	r.term = 0
	status, problem = r.offer("none")
	assert.Equal(t, http.StatusBadRequest, status)
	assert.Contains(t, problem.Message, wire.TermHeader)
	book := r.book()
	assert.Equal(t, int64(3), book.Term)
	require.Len(t, book.Orders, 1)
	assert.Equal(t, []wire.Fate{wire.Done, wire.Stale}, r.fates())
}

func TestASecondHasSoManyChanges(t *testing.T) {
	r := open(t, sandbox.Faults{})
	for i := range 3 {
		status, _ := r.offer(strconv.Itoa(i))
		require.Equal(t, http.StatusOK, status)
	}

	status, problem := r.offer("more")

	assert.Equal(t, http.StatusTooManyRequests, status)
	assert.Equal(t, wire.CodeTooFast, problem.Code)
	r.clock.Advance(time.Second)
	status, _ = r.offer("more")
	assert.Equal(t, http.StatusOK, status)
	assert.Len(t, r.book().Orders, 4)
}

func TestALostAnswerHidesAnOrderThatIsThere(t *testing.T) {
	r := open(t, sandbox.Faults{Lost: 1})

	for range 2 {
		status, _ := r.offer("one")
		assert.Zero(t, status)
	}

	assert.Len(t, r.book().Orders, 1)
	assert.Equal(t, []wire.Fate{wire.Lost, wire.Lost}, r.fates())
}

func TestALateOrderComesAfterItsAnswer(t *testing.T) {
	r := open(t, sandbox.Faults{Late: 1, LateBy: 20 * time.Second})

	status, problem := r.offer("one")

	assert.Equal(t, http.StatusGatewayTimeout, status)
	assert.Equal(t, wire.CodeLate, problem.Code)
	assert.Empty(t, r.book().Orders)
	r.clock.Advance(20 * time.Second)
	require.Eventually(t, func() bool { return len(r.book().Orders) == 1 }, time.Minute, time.Millisecond)
	assert.Equal(t, []wire.Fate{wire.Late, wire.LateDone}, r.fates())
}

func TestALateOrderOfAnOlderTermIsRefused(t *testing.T) {
	r := open(t, sandbox.Faults{Late: 1, LateBy: 20 * time.Second})
	_, _ = r.offer("one")
	r.term = 2
	var funds money.Amount
	require.Equal(t, http.StatusOK, r.ask(http.MethodGet, "/accounts/alice/funds", nil, &funds))

	r.clock.Advance(20 * time.Second)

	require.Eventually(t, func() bool { return len(r.fates()) == 2 }, time.Minute, time.Millisecond)
	assert.Equal(t, wire.LateStale, r.fates()[1])
	assert.Empty(t, r.book().Orders)
}

func TestWhatIsGivenUpIsNotMadeLate(t *testing.T) {
	r := open(t, sandbox.Faults{Late: 1, LateBy: 20 * time.Second})
	_, _ = r.offer("one")

	r.Close()

	r.clock.Advance(20 * time.Second)
	assert.Empty(t, r.book().Orders)
}

func TestASlowAnswerComesInTheEnd(t *testing.T) {
	r := open(t, sandbox.Faults{Slow: 1, SlowBy: 8 * time.Second})
	done := make(chan int, 1)
	go func() {
		status, _ := r.offer("one")
		done <- status
	}()

	require.NoError(t, r.clock.BlockUntilContext(t.Context(), 1))
	assert.Len(t, r.book().Orders, 1, "it is there before its answer")
	r.clock.Advance(8 * time.Second)

	assert.Equal(t, http.StatusOK, <-done)
}

func TestWhatTheBrokerRefuses(t *testing.T) {
	r := open(t, sandbox.Faults{})
	for _, c := range []struct {
		name, method, path string
		body               any
		status             int
		code               wire.Code
	}{
		{"nothing to leave", http.MethodPost, "/accounts/alice/exits", wire.Exit{Key: "x", Symbol: "TEAK", Price: money.Rupee}, 422, wire.CodeNotHeld},
		{"no such order", http.MethodPut, "/accounts/alice/orders/none", wire.Resize{Quantity: 1, Price: money.Rupee}, 422, wire.CodeRefused},
		{"no quantity", http.MethodPost, "/accounts/alice/orders", broker.Order{Key: "k", Symbol: "TEAK", Side: broker.Buy, Kind: broker.Market}, 422, wire.CodeRefused},
		{"a body of another form", http.MethodPost, "/accounts/alice/orders", map[string]any{"symbl": "TEAK"}, 400, wire.CodeRefused},
	} {
		t.Run(c.name, func(t *testing.T) {
			r.clock.Advance(time.Second)
			var problem wire.Problem
			assert.Equal(t, c.status, r.ask(c.method, c.path, c.body, &problem))
			assert.Equal(t, c.code, problem.Code, problem.Message)
		})
	}
}

func TestBooksAndClockGoOnAfterARestart(t *testing.T) {
	db := openFile(t)
	first := scaled.Clock{Epoch: time.Unix(1_800_000_000, 0).UTC(), Start: calendar.Wall(8, 58).On(monday, nse.Location()).UTC(), Factor: 20}

	clock, err := sandbox.ResumeClock(t.Context(), db, first)
	require.NoError(t, err)
	assert.Equal(t, first, *clock)
	clock, err = sandbox.ResumeClock(t.Context(), db, scaled.Clock{Factor: 5})
	require.NoError(t, err)
	assert.Equal(t, first, *clock, "that of the first start")
}

func TestTheMarketGoesOnWhileTheSandboxWasDown(t *testing.T) {
	r := open(t, sandbox.Faults{})
	order := broker.Order{Key: "now", Symbol: "CEDAR", Side: broker.Sell, Kind: broker.Market, Quantity: 1, Price: money.Rupee}
	require.Equal(t, http.StatusOK, r.ask(http.MethodPost, "/accounts/alice/orders", order, new(broker.Order)))
	r.clock.Advance(2 * time.Minute)

	for at := calendar.Wall(8, 0).On(monday, nse.Location()); !at.After(r.clock.Now()); at = at.Add(time.Minute) {
		require.NoError(t, r.Minute(t.Context(), at))
	}

	placed := r.book().Orders[0]
	assert.Equal(t, broker.StatusFilled, placed.Status)
	assert.Equal(t, calendar.Wall(10, 0).On(monday, nse.Location()).UTC(), placed.Settled, "in the first minute that starts after it")
}
