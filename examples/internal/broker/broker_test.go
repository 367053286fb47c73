package broker_test

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

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

const (
	rupee = money.Rupee
	cash  = 100_000 * rupee
)

// book is a broker with one account, alice, that holds 100 NEEM.
type book struct {
	*broker.Broker
	clock *clockwork.FakeClock
	t     *testing.T
}

func open(t *testing.T) book {
	t.Helper()
	return openFile(t, filepath.Join(t.TempDir(), "books.db"), clockwork.NewFakeClockAt(at(monday, "08:55")))
}

func openFile(t *testing.T, path string, clock *clockwork.FakeClock) book {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?_txlock=immediate&_pragma=busy_timeout(10000)&_pragma=foreign_keys(1)&_pragma=synchronous(off)")
	require.NoError(t, err)
	t.Cleanup(func() { db.Close() })
	b, err := broker.Open(t.Context(), db, clock, nse)
	require.NoError(t, err)
	_, err = b.OpenAccount(t.Context(), "alice", cash, []broker.Position{{Symbol: "NEEM", Quantity: 100, Cost: 60_000 * rupee}})
	require.NoError(t, err)
	return book{b, clock, t}
}

func at(date calendar.Date, wall string) time.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04", date.String()+" "+wall, kolkata)
	if err != nil {
		panic(err)
	}
	return t
}

// until moves the clock to a time of a date.
func (b book) until(date calendar.Date, wall string) {
	b.clock.Advance(at(date, wall).Sub(b.clock.Now()))
}

func (b book) place(o broker.Order) broker.Order {
	b.t.Helper()
	placed, err := b.Place(b.t.Context(), o)
	require.NoError(b.t, err)
	return placed
}

// trade lets a symbol trade for the minute that ends now.
func (b book) trade(symbol string, bar market.Bar) []broker.Order {
	b.t.Helper()
	bar.Start = b.clock.Now().Add(-time.Minute)
	settled, err := b.Match(b.t.Context(), bar.Start, map[string]market.Bar{symbol: bar})
	require.NoError(b.t, err)
	return settled
}

func (b book) order(session calendar.Date, key string) broker.Order {
	b.t.Helper()
	orders, err := b.Orders(b.t.Context(), "alice", session)
	require.NoError(b.t, err)
	for _, o := range orders {
		if o.Key == key {
			return o
		}
	}
	require.Fail(b.t, "no order "+key)
	return broker.Order{}
}

func flat(price money.Amount) market.Bar {
	return market.Bar{Open: price, High: price, Low: price, Close: price, Volume: 1_000_000}
}

func buy(key string, quantity int64, price money.Amount) broker.Order {
	return broker.Order{
		Account: "alice", Key: key, Symbol: "TEAK",
		Side: broker.Buy, Kind: broker.Market, Quantity: quantity, Price: price,
	}
}

func sell(key string, quantity int64, price money.Amount) broker.Order {
	return broker.Order{
		Account: "alice", Key: key, Symbol: "NEEM",
		Side: broker.Sell, Kind: broker.Limit, Quantity: quantity, Price: price,
	}
}

func TestFillPrices(t *testing.T) {
	bar := market.Bar{Open: 610 * rupee, High: 620 * rupee, Low: 600 * rupee, Close: 615 * rupee, Volume: 50}
	for _, c := range []struct {
		name     string
		side     broker.Side
		kind     broker.Kind
		limit    money.Amount
		quantity int64
		want     money.Amount // zero: it stays open
	}{
		{"market buy", broker.Buy, broker.Market, 615 * rupee, 10, 610 * rupee},
		{"market sale", broker.Sell, broker.Market, 615 * rupee, 10, 610 * rupee},
		{"buy below the low", broker.Buy, broker.Limit, 599 * rupee, 10, 0},
		{"buy at the low", broker.Buy, broker.Limit, 600 * rupee, 10, 600 * rupee},
		{"buy above the open", broker.Buy, broker.Limit, 615 * rupee, 10, 610 * rupee},
		{"sale above the high", broker.Sell, broker.Limit, 621 * rupee, 10, 0},
		{"sale at the high", broker.Sell, broker.Limit, 620 * rupee, 10, 620 * rupee},
		{"sale below the open", broker.Sell, broker.Limit, 605 * rupee, 10, 610 * rupee},
		{"more than traded", broker.Sell, broker.Market, 615 * rupee, 51, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := open(t)
			b.until(monday, "10:00")
			b.place(broker.Order{
				Account: "alice", Key: "k", Symbol: "NEEM", Side: c.side, Kind: c.kind, Quantity: c.quantity, Price: c.limit,
			})
			b.until(monday, "10:01")

			b.trade("NEEM", bar)

			got := b.order(monday, "k")
			assert.Equal(t, c.want, got.FillPrice)
			assert.Equal(t, c.want != 0, got.Status == broker.StatusFilled, got.Status)
		})
	}
}

func TestAnOrderFillsOnlyAtALaterBarOfItsOwnSymbol(t *testing.T) {
	b := open(t)
	b.until(monday, "10:00")
	b.clock.Advance(30 * time.Second)
	b.place(buy("k", 10, 200*rupee))

	b.until(monday, "10:01")
	assert.Empty(t, b.trade("TEAK", flat(200*rupee)), "the minute in which it was placed")
	b.until(monday, "10:02")
	assert.Empty(t, b.trade("NEEM", flat(200*rupee)), "another symbol")
	b.until(monday, "10:03")
	assert.Len(t, b.trade("TEAK", flat(201*rupee)), 1)

	assert.Equal(t, at(monday, "10:02").UTC(), b.order(monday, "k").Settled)
	assert.Empty(t, b.trade("TEAK", flat(202*rupee)), "it fills once")
}

func TestNothingFillsOutsideOfTradingHours(t *testing.T) {
	b := open(t)
	b.place(buy("k", 10, 200*rupee))

	b.until(monday, "09:15")
	assert.Empty(t, b.trade("TEAK", flat(200*rupee)), "before the open")
	b.until(monday, "15:31")
	assert.Empty(t, b.trade("TEAK", flat(200*rupee)), "after the close")
}

func TestNothingFillsInABreak(t *testing.T) {
	saturday := calendar.Date{Year: 2024, Month: time.March, Day: 2}
	clock := clockwork.NewFakeClockAt(at(saturday, "09:10"))
	b := openFile(t, filepath.Join(t.TempDir(), "books.db"), clock)
	b.until(saturday, "09:59")
	b.place(buy("first window", 10, 200*rupee))
	b.until(saturday, "10:00")
	assert.Len(t, b.trade("TEAK", flat(200*rupee)), 1)

	b.place(buy("break", 10, 200*rupee))
	for _, wall := range []string{"10:01", "11:30"} {
		b.until(saturday, wall)
		assert.Empty(t, b.trade("TEAK", flat(200*rupee)), wall)
	}
	b.until(saturday, "11:31")
	assert.Len(t, b.trade("TEAK", flat(200*rupee)), 1)
}

func TestAnOrderForASessionOfUnknownHoursWaits(t *testing.T) {
	muhurat := calendar.Date{Year: 2026, Month: time.November, Day: 8}
	clock := clockwork.NewFakeClockAt(at(muhurat.AddDays(-2), "16:05"))
	b := openFile(t, filepath.Join(t.TempDir(), "books.db"), clock)
	o := buy("k", 10, 200*rupee)
	o.AfterMarket, o.Session = true, muhurat
	assert.Equal(t, broker.StatusWaiting, b.place(o).Status)

	b.until(muhurat, "00:00")
	o.Key = "late"
	_, err := b.Place(t.Context(), o)
	assert.ErrorContains(t, err, "for a later session, not 2026-11-08")
}

func TestASecondOrderOfAKeyReturnsTheFirst(t *testing.T) {
	b := open(t)
	b.until(monday, "10:00")
	first := b.place(buy("k", 10, 200*rupee))
	b.until(monday, "10:01")
	b.trade("TEAK", flat(200*rupee))

	again := b.place(buy("k", 99, 300*rupee))

	assert.Equal(t, int64(10), again.Quantity)
	assert.Equal(t, broker.StatusFilled, again.Status)
	assert.Equal(t, first.Placed, again.Placed)
	orders, err := b.Orders(t.Context(), "alice", monday)
	require.NoError(t, err)
	assert.Len(t, orders, 1)
}

func TestOrdersThatCannotBePaidOrDeliveredAreRejected(t *testing.T) {
	for _, c := range []struct {
		name   string
		orders []broker.Order
		wall   string
		want   string
	}{
		{"too dear", []broker.Order{buy("last", 501, 200*rupee)}, "10:00", "it costs 100,320.20 and there is 100,000.00"},
		{"cash in open orders", []broker.Order{buy("a", 400, 200*rupee), buy("last", 200, 200*rupee)}, "10:00", "there is 19,900.00"},
		{"not held", []broker.Order{sell("last", 101, 700*rupee)}, "10:00", "100 shares are free"},
		{"offered already", []broker.Order{sell("a", 60, 700*rupee), sell("last", 41, 700*rupee)}, "10:00", "40 shares are free"},
		{"closed", []broker.Order{buy("last", 1, 200*rupee)}, "15:30", "the market is closed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := open(t)
			b.until(monday, c.wall)
			for _, o := range c.orders {
				b.place(o)
			}

			got := b.order(monday, "last")

			assert.Equal(t, broker.StatusRejected, got.Status)
			assert.Contains(t, got.Reason, c.want)
		})
	}
}

func TestOrdersThatMakeNoSenseAreErrors(t *testing.T) {
	b := open(t)
	for name, spoil := range map[string]func(*broker.Order){
		"no account":      func(o *broker.Order) { o.Account = "" },
		"unknown account": func(o *broker.Order) { o.Account = "mallory" },
		"no key":          func(o *broker.Order) { o.Key = "" },
		"no symbol":       func(o *broker.Order) { o.Symbol = "" },
		"no side":         func(o *broker.Order) { o.Side = "" },
		"no kind":         func(o *broker.Order) { o.Kind = "" },
		"no quantity":     func(o *broker.Order) { o.Quantity = 0 },
		"negative price":  func(o *broker.Order) { o.Price = -1 },
		"past session":    func(o *broker.Order) { o.AfterMarket, o.Session = true, monday.AddDays(-3) },
		"no session":      func(o *broker.Order) { o.AfterMarket, o.Session = true, monday.AddDays(1) },
	} {
		o := buy("k", 1, rupee)
		spoil(&o)
		_, err := b.Place(t.Context(), o)
		assert.Error(t, err, name)
	}
}

func TestAnAfterMarketOrderFillsAtTheNextOpen(t *testing.T) {
	b := open(t)
	b.until(monday, "16:05")
	o := buy("k", 10, 200*rupee)
	o.AfterMarket, o.Session = true, wednesday
	assert.Equal(t, broker.StatusWaiting, b.place(o).Status)

	b.until(wednesday, "08:55")
	require.NoError(t, b.BeginSession(t.Context(), wednesday, map[string]money.Amount{"TEAK": 205 * rupee}))
	assert.Equal(t, broker.StatusOpen, b.order(wednesday, "k").Status)
	b.until(wednesday, "09:16")
	b.trade("TEAK", flat(205*rupee))

	got := b.order(wednesday, "k")
	assert.Equal(t, broker.StatusFilled, got.Status)
	assert.Equal(t, 205*rupee, got.FillPrice)
}

func TestASessionBeginsByTakingWhatTheCashCovers(t *testing.T) {
	b := open(t)
	b.until(monday, "16:05")
	for _, key := range []string{"first", "second", "unlisted"} {
		o := buy(key, 240, 200*rupee)
		o.AfterMarket, o.Session = true, wednesday
		if key == "unlisted" {
			o.Symbol = "GONE"
		}
		b.place(o)
	}
	b.until(wednesday, "08:55")
	opens := map[string]money.Amount{"TEAK": 210 * rupee}
	require.NoError(t, b.BeginSession(t.Context(), wednesday, opens))
	require.NoError(t, b.BeginSession(t.Context(), wednesday, opens), "a second time")

	assert.Equal(t, broker.StatusOpen, b.order(wednesday, "first").Status)
	assert.Equal(t, broker.StatusRejected, b.order(wednesday, "second").Status)
	assert.Contains(t, b.order(wednesday, "second").Reason, "it costs 50,465.52 and there is 49,534.48")
	assert.Contains(t, b.order(wednesday, "unlisted").Reason, "GONE does not trade")
}

func TestABuyThatOpensAboveItsCashIsRejectedAtTheFill(t *testing.T) {
	b := open(t)
	b.until(monday, "10:00")
	b.place(buy("k", 490, 200*rupee))
	b.until(monday, "10:01")

	settled := b.trade("TEAK", flat(210*rupee))

	require.Len(t, settled, 1)
	assert.Equal(t, broker.StatusRejected, settled[0].Status)
	assert.Equal(t, settled[0].Reason, b.order(monday, "k").Reason)
	funds, err := b.Funds(t.Context(), "alice")
	require.NoError(t, err)
	assert.Equal(t, cash, funds)
}

func TestResize(t *testing.T) {
	b := open(t)
	b.until(monday, "09:05")
	b.place(buy("k", 100, 200*rupee))

	require.NoError(t, b.Resize(t.Context(), "alice", "k", 400, 210*rupee))
	assert.Equal(t, int64(400), b.order(monday, "k").Quantity)
	assert.Error(t, b.Resize(t.Context(), "alice", "k", 500, 210*rupee), "more than the cash buys")
	assert.Error(t, b.Resize(t.Context(), "alice", "other", 1, 210*rupee), "no such order")
	assert.Equal(t, int64(400), b.order(monday, "k").Quantity)
}

func TestTwoExitsSellOnce(t *testing.T) {
	b := open(t)
	b.until(monday, "10:00")
	b.place(sell("target", 100, 700*rupee))

	stop, err := b.Exit(t.Context(), "alice", "stop", "NEEM", 590*rupee, "stop")
	require.NoError(t, err)
	turn, err := b.Exit(t.Context(), "alice", "turn", "NEEM", 590*rupee, "turned down")
	require.NoError(t, err)

	assert.Equal(t, "stop", stop.Key)
	assert.Equal(t, "stop", turn.Key, "the second exit is the first")
	assert.Equal(t, broker.StatusCancelled, b.order(monday, "target").Status)
	b.until(monday, "10:01")
	b.trade("NEEM", flat(590*rupee))
	positions, err := b.Positions(t.Context(), "alice")
	require.NoError(t, err)
	assert.Empty(t, positions)
	_, err = b.Exit(t.Context(), "alice", "late", "NEEM", 590*rupee, "stop")
	assert.ErrorContains(t, err, "there is no position of NEEM")
}

func TestADayIsClosedWithItsReport(t *testing.T) {
	b := open(t)
	require.NoError(t, b.BeginSession(t.Context(), monday, nil))
	b.until(monday, "10:00")
	b.place(sell("sold", 50, 610*rupee))
	b.place(sell("left", 50, 700*rupee))
	b.until(monday, "10:01")
	b.trade("NEEM", flat(620*rupee))
	b.until(monday, "16:05")
	next := buy("next", 10, 200*rupee)
	next.AfterMarket, next.Session = true, wednesday
	b.place(next)
	b.until(monday, "18:00")

	report, err := b.CloseDay(t.Context(), "alice", monday)
	require.NoError(t, err)

	fees := broker.Fee(31_000 * rupee)
	assert.Equal(t, broker.Report{
		Account: "alice", Session: monday, Closed: true,
		Opening: 160_000 * rupee, Closing: 162_000*rupee - fees, Cash: 131_000*rupee - fees,
		Filled: 1, Cancelled: 1, Sold: 31_000 * rupee, Fees: fees, Realised: 1_000*rupee - fees, Waiting: 1,
	}, report)
	assert.Equal(t, 2_000*rupee-fees, report.Profit())
	assert.Equal(t, broker.StatusWaiting, b.order(wednesday, "next").Status, "orders for the next session stay")

	b.until(wednesday, "10:00")
	b.trade("NEEM", flat(900*rupee))
	later, err := b.Report(t.Context(), "alice", monday)
	require.NoError(t, err)
	assert.Equal(t, report, later, "a closed day does not change")
}

func TestTheBooksAreKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "books.db")
	clock := clockwork.NewFakeClockAt(at(monday, "10:00"))
	openFile(t, path, clock).place(buy("k", 10, 200*rupee))

	again := openFile(t, path, clock)

	assert.Equal(t, broker.StatusOpen, again.order(monday, "k").Status)
	accounts, err := again.Accounts(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []string{"alice"}, accounts)
	positions, err := again.Positions(t.Context(), "alice")
	require.NoError(t, err)
	assert.Equal(t, []broker.Position{{Symbol: "NEEM", Quantity: 100, Cost: 60_000 * rupee}}, positions, "opened once")
}

// TestTheBooksAlwaysAddUp places random orders for a random day and checks after
// each minute that cash and shares are what the fills say, and never negative.
func TestTheBooksAlwaysAddUp(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			b := open(t)
			rng := rand.New(rand.NewPCG(seed, 1))
			symbols := []string{"NEEM", "TEAK", "SAL"}
			b.until(monday, "10:00")
			for minute := range 60 {
				for i := range 4 {
					b.place(broker.Order{
						Account: "alice", Key: fmt.Sprint(minute, "-", i), Symbol: symbols[rng.IntN(3)],
						Side:     []broker.Side{broker.Buy, broker.Sell}[rng.IntN(2)],
						Kind:     []broker.Kind{broker.Market, broker.Limit}[rng.IntN(2)],
						Quantity: 1 + rng.Int64N(150), Price: money.Amount(550+rng.Int64N(100)) * rupee,
					})
				}
				b.clock.Advance(time.Minute)
				for _, symbol := range symbols {
					b.trade(symbol, flat(money.Amount(550+rng.Int64N(100))*rupee))
				}
				b.checkBooks()
			}
		})
	}
}

func (b book) checkBooks() {
	b.t.Helper()
	orders, err := b.Orders(b.t.Context(), "alice", monday)
	require.NoError(b.t, err)
	wantCash, held := cash, map[string]int64{"NEEM": 100}
	wantCost := 60_000 * rupee
	for _, o := range orders {
		switch {
		case o.Status != broker.StatusFilled:
		case o.Side == broker.Buy:
			wantCash -= o.Value() + o.Fees
			wantCost += o.Value() + o.Fees
			held[o.Symbol] += o.Quantity
		default:
			wantCash += o.Value() - o.Fees
			wantCost -= o.Value() - o.Fees - o.Realised
			held[o.Symbol] -= o.Quantity
		}
	}
	positions, err := b.Positions(b.t.Context(), "alice")
	require.NoError(b.t, err)
	var gotCost money.Amount
	for _, p := range positions {
		assert.Equal(b.t, held[p.Symbol], p.Quantity, p.Symbol)
		gotCost += p.Cost
		delete(held, p.Symbol)
	}
	for symbol, quantity := range held {
		assert.Zero(b.t, quantity, "%s is in no position", symbol)
	}
	assert.Equal(b.t, wantCost, gotCost, "what positions cost, and realised profit, account for all trades")

	require.NoError(b.t, b.BeginSession(b.t.Context(), monday, nil))
	report, err := b.Report(b.t.Context(), "alice", monday)
	require.NoError(b.t, err)
	assert.Equal(b.t, wantCash, report.Cash)
	assert.GreaterOrEqual(b.t, report.Cash, money.Amount(0))
}

func TestAffordableIsTheMostThatFundsBuy(t *testing.T) {
	for _, c := range []struct {
		funds, price money.Amount
		want         int64
	}{
		{0, rupee, 0},
		{-rupee, rupee, 0},
		{rupee, rupee, 0}, // the fee is left out
		{1000 * rupee, 100 * rupee, 9},
		{100_000 * rupee, 200 * rupee, 499},
	} {
		got := broker.Affordable(c.funds, c.price)
		assert.Equal(t, c.want, got)
		value := c.price.Times(got + 1)
		assert.Greater(t, value+broker.Fee(value), c.funds)
	}
}
