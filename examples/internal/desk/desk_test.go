package desk

import (
	"database/sql"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/examples/internal/broker"
	"github.com/tradeclock/tradeclock/examples/internal/market"
	"github.com/tradeclock/tradeclock/examples/internal/money"
	"github.com/tradeclock/tradeclock/exchange"
)

var (
	nse     = exchange.MustGet("XNSE")
	kolkata = nse.Location()
	monday  = calendar.Date{Year: 2026, Month: time.November, Day: 23}
	// wednesday is the next session: the Tuesday is a holiday.
	wednesday = monday.AddDays(2)
)

const rupee = money.Rupee

// room is a desk with one account, alice, that has 100,000 rupees and holds 100
// NEEM, which cost 60,000.
type room struct {
	*Desk
	paper *broker.Broker
	clock *clockwork.FakeClock
	day   market.Day
	t     *testing.T
}

func open(t *testing.T, day market.Day) room {
	t.Helper()
	file := "file:" + filepath.Join(t.TempDir(), "books.db") + "?_txlock=immediate&_pragma=busy_timeout(10000)&_pragma=synchronous(off)"
	db, err := sql.Open("sqlite", file)
	require.NoError(t, err)
	t.Cleanup(func() { db.Close() })
	clock := clockwork.NewFakeClockAt(calendar.Wall(8, 55).On(monday, kolkata))
	b, err := broker.Open(t.Context(), db, clock, nse)
	require.NoError(t, err)
	_, err = b.OpenAccount(t.Context(), "alice", 100_000*rupee, []broker.Position{{Symbol: "NEEM", Quantity: 100, Cost: 60_000 * rupee}})
	require.NoError(t, err)
	picks, err := OpenPicks(t.Context(), db)
	require.NoError(t, err)
	return room{New(b, market.NewFeed(day, clock), picks, nse, clock, slog.New(slog.DiscardHandler)), b, clock, day, t}
}

// prices makes a symbol's bars: one a minute from 09:15 on, flat at each price.
func prices(rupees ...int) []market.Bar {
	var bars []market.Bar
	for i, r := range rupees {
		p := money.Amount(r) * rupee
		start := calendar.Wall(9, 15).On(monday, kolkata).Add(time.Duration(i) * time.Minute)
		bars = append(bars, market.Bar{Start: start, Open: p, High: p, Low: p, Close: p, Volume: 1_000_000})
	}
	return bars
}

// until moves clock and market to a time of the day.
func (r room) until(hour, minute int) {
	r.t.Helper()
	end := calendar.Wall(hour, minute).On(monday, kolkata)
	for r.clock.Now().Before(end) {
		now := r.clock.Now()
		_, err := r.paper.Match(r.t.Context(), now, r.day.Minute(now))
		require.NoError(r.t, err)
		r.clock.Advance(time.Minute)
	}
}

// run is a run of alice's whose ID is the text.
func run(id string) tradeclock.Run {
	return tradeclock.Run{ID: id, Account: "alice", Session: monday}
}

func firstRun(id string) tradeclock.Run {
	r := run(id)
	r.First = true
	return r
}

func (r room) orders(session calendar.Date) []broker.Order {
	r.t.Helper()
	orders, err := r.paper.Orders(r.t.Context(), "alice", session)
	require.NoError(r.t, err)
	return orders
}

func (r room) evening(quantity int64, price money.Amount) {
	r.t.Helper()
	_, err := r.paper.Place(r.t.Context(), broker.Order{
		Account: "alice", Key: "evening", Symbol: "TEAK", Side: broker.Buy, Kind: broker.Market,
		Quantity: quantity, Price: price, Session: monday, AfterMarket: true, Note: NoteEvening,
	})
	require.NoError(r.t, err)
	require.NoError(r.t, r.paper.BeginSession(r.t.Context(), monday, r.day.Opens()))
}

func TestRank(t *testing.T) {
	ranked := rank(market.Day{
		"FLAT":   prices(100, 100, 100),
		"FALLER": prices(120, 110, 100),
		"RISER":  prices(100, 105, 110),
		"LEADER": prices(100, 110, 120),
		"TWIN":   prices(100, 105, 110),
		"SILENT": nil,
	}.Quotes(calendar.Wall(16, 0).On(monday, kolkata)))

	assert.Equal(t, []candidate{{"LEADER", 120 * rupee}, {"RISER", 110 * rupee}, {"TWIN", 110 * rupee}}, ranked)
}

func TestRejectedOrdersAreRetriedWithWhatTheCashBuys(t *testing.T) {
	r := open(t, market.Day{"TEAK": prices(210)})
	r.evening(490, 200*rupee)
	require.Equal(t, broker.StatusRejected, r.orders(monday)[0].Status)
	r.until(9, 0)

	require.NoError(t, r.PremarketRetry(t.Context(), run("retry")))
	require.NoError(t, r.PremarketRetry(t.Context(), run("retry")), "started again")

	orders := r.orders(monday)
	require.Len(t, orders, 2)
	assert.Equal(t, broker.StatusOpen, orders[1].Status)
	assert.Equal(t, int64(475), orders[1].Quantity)
	assert.Equal(t, NoteRetry, orders[1].Note)
}

func TestAfterMarketOrdersAreAdjustedToThePreMarketPrice(t *testing.T) {
	for _, c := range []struct {
		name           string
		quantity, open int
		wantQuantity   int64
	}{
		{name: "opens higher", quantity: 100, open: 250, wantQuantity: 80},
		{name: "opens lower", quantity: 100, open: 160, wantQuantity: 125},
		{name: "opens where it closed", quantity: 100, open: 200, wantQuantity: 100},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := open(t, market.Day{"TEAK": prices(c.open)})
			r.evening(int64(c.quantity), 200*rupee)
			r.until(9, 5)

			require.NoError(t, r.PremarketAMOAdjustment(t.Context(), run("adjust")))

			got := r.orders(monday)[0]
			assert.Equal(t, c.wantQuantity, got.Quantity)
			assert.Equal(t, money.Amount(c.open)*rupee, got.Price)
		})
	}
}

func TestTasksWithNothingToDoSaySo(t *testing.T) {
	r := open(t, market.Day{"TEAK": prices(200)})

	assert.EqualError(t, r.PremarketRetry(t.Context(), run("r")), "skipped: no after-market order was rejected")
	assert.EqualError(t, r.PremarketAMOAdjustment(t.Context(), run("a")), "skipped: there are no after-market orders")
	assert.EqualError(t, r.BuyOrders(t.Context(), run("b")), "skipped: there are no candidates of 2026-11-23")
	assert.Empty(t, r.orders(monday))
	assert.Empty(t, r.orders(wednesday))
}

func TestTheFirstSellMonitorOffersEachPositionOnce(t *testing.T) {
	r := open(t, market.Day{"NEEM": prices(600, 601)})
	r.until(9, 15)

	require.NoError(t, r.SellMonitor(t.Context(), firstRun("09:15")))
	r.until(9, 16)
	require.NoError(t, r.SellMonitor(t.Context(), firstRun("09:16")), "first again: the one before was cut off")
	r.until(9, 17)
	require.NoError(t, r.SellMonitor(t.Context(), run("09:17")))

	orders := r.orders(monday)
	require.Len(t, orders, 1)
	assert.Equal(t, broker.Limit, orders[0].Kind)
	assert.Equal(t, 606*rupee, orders[0].Price)
	assert.Equal(t, int64(100), orders[0].Quantity)
}

func TestAPositionIsSoldAtItsStop(t *testing.T) {
	r := open(t, market.Day{"NEEM": prices(600, 589, 588, 587)})
	r.until(9, 15)
	require.NoError(t, r.SellMonitor(t.Context(), firstRun("09:15")))
	r.until(9, 17)
	require.NoError(t, r.SellMonitor(t.Context(), run("09:17")), "589.50 is the stop")
	require.NoError(t, r.SellMonitor(t.Context(), run("09:17")), "started again")
	require.NoError(t, r.PositionMonitor(t.Context(), run("beside")))
	r.until(9, 18)
	require.NoError(t, r.SellMonitor(t.Context(), run("09:18")), "sold")

	orders := r.orders(monday)
	require.Len(t, orders, 2)
	assert.Equal(t, broker.StatusCancelled, orders[0].Status, "the target")
	assert.Equal(t, broker.StatusFilled, orders[1].Status)
	assert.Equal(t, 588*rupee, orders[1].FillPrice)
}

func TestPositionMonitorLeavesWhatTurnedDown(t *testing.T) {
	r := open(t, market.Day{"NEEM": prices(620, 620, 610, 610)})
	r.until(9, 18)

	require.NoError(t, r.PositionMonitor(t.Context(), run("09:18")))

	orders := r.orders(monday)
	require.Len(t, orders, 1)
	assert.Equal(t, NoteTurn, orders[0].Note)
	assert.Equal(t, broker.Sell, orders[0].Side)
}

func TestPositionMonitorLeavesStopsToSellMonitor(t *testing.T) {
	r := open(t, market.Day{"NEEM": prices(620, 620, 589)})
	r.until(9, 18)

	require.NoError(t, r.PositionMonitor(t.Context(), run("09:18")))

	assert.Empty(t, r.orders(monday))
}

func TestPositionMonitorEntersAgainOnce(t *testing.T) {
	r := open(t, market.Day{"NEEM": prices(600, 589, 589, 592, 593)})
	r.until(9, 17)
	require.NoError(t, r.SellMonitor(t.Context(), run("stop")))
	r.until(9, 19)

	require.NoError(t, r.PositionMonitor(t.Context(), run("09:19")))
	require.NoError(t, r.PositionMonitor(t.Context(), run("09:20")))

	orders := r.orders(monday)
	require.Len(t, orders, 2)
	assert.Equal(t, NoteReentry, orders[1].Note)
	assert.Equal(t, broker.Buy, orders[1].Side)
	assert.Equal(t, 592*rupee, orders[1].Price)
	assert.Equal(t, int64(100), orders[1].Quantity)
}

func TestPositionMonitorPlacesNothingAtTheClose(t *testing.T) {
	r := open(t, market.Day{"NEEM": prices(620, 620, 600)})
	r.until(15, 30)

	require.NoError(t, r.PositionMonitor(t.Context(), run("15:30")))

	assert.Empty(t, r.orders(monday))
}

func TestTheEveningBuysTheDaysCandidates(t *testing.T) {
	r := open(t, market.Day{
		"NEEM": prices(600, 700), // held
		"TEAK": prices(200, 210),
		"SAL":  prices(900, 800),
	})
	r.until(16, 0)

	require.NoError(t, r.Analysis(t.Context(), run("analysis")))
	require.NoError(t, r.Analysis(t.Context(), run("analysis")), "started again")
	require.NoError(t, r.BuyOrders(t.Context(), run("buy")))
	assert.ErrorContains(t, r.BuyOrders(t.Context(), run("again")), "the cash does not buy", "it is spent")

	orders := r.orders(wednesday)
	require.Len(t, orders, 1)
	assert.Equal(t, "TEAK", orders[0].Symbol)
	assert.Equal(t, int64(475), orders[0].Quantity)
	assert.Equal(t, broker.StatusWaiting, orders[0].Status)
}

func TestYesterdaysCandidatesAreNotBought(t *testing.T) {
	r := open(t, market.Day{"TEAK": prices(200, 210)})
	require.NoError(t, r.picks.store(t.Context(), "alice", monday.AddDays(-3), []candidate{{"TEAK", 200 * rupee}}))
	require.NoError(t, r.picks.store(t.Context(), "bob", monday, []candidate{{"TEAK", 200 * rupee}}))

	err := r.BuyOrders(t.Context(), run("buy"))

	assert.ErrorContains(t, err, "no candidates of 2026-11-23")
}

func TestTheDayIsClosed(t *testing.T) {
	r := open(t, market.Day{"NEEM": prices(600)})
	require.NoError(t, r.paper.BeginSession(t.Context(), monday, r.day.Opens()))
	r.until(9, 15)
	require.NoError(t, r.SellMonitor(t.Context(), firstRun("09:15")))
	r.until(18, 0)

	require.NoError(t, r.EODCleanup(t.Context(), run("eod")))

	assert.Equal(t, broker.StatusCancelled, r.orders(monday)[0].Status)
	report, err := r.paper.Report(t.Context(), "alice", monday)
	require.NoError(t, err)
	assert.True(t, report.Closed)
}

func TestNewAccountsBeginWithYesterdaysBook(t *testing.T) {
	today := market.Day{"NEEM": prices(600), "SAL": prices(900), "TEAK": prices(210)}
	yesterday := market.Day{"NEEM": prices(590, 595), "SAL": prices(910, 905), "TEAK": prices(200, 205)}
	r := open(t, today)

	require.NoError(t, OpenAccounts(t.Context(), r.paper, []string{"alice", "carol"}, monday, today, yesterday))
	require.NoError(t, OpenAccounts(t.Context(), r.paper, []string{"alice", "carol"}, monday, today, yesterday), "opened once")

	positions, err := r.paper.Positions(t.Context(), "carol")
	require.NoError(t, err)
	require.Len(t, positions, 2)
	assert.Equal(t, "NEEM", positions[0].Symbol)
	assert.Equal(t, 595*rupee, positions[0].Price())
	assert.Equal(t, "TEAK", positions[1].Symbol)
	orders, err := r.paper.Orders(t.Context(), "carol", monday)
	require.NoError(t, err)
	assert.Empty(t, orders, "SAL fell, and the others are held")
}
