// Package market has the prices of a replay: one-minute bars, made up or read
// from files.
package market

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/examples/internal/money"
)

// Bar is one minute of one symbol's trading.
type Bar struct {
	Start                  time.Time
	Open, High, Low, Close money.Amount
	Volume                 int64
}

// End is the instant from which the bar is known.
func (b Bar) End() time.Time { return b.Start.Add(time.Minute) }

// Day holds the bars of one session: those of each symbol in order of time.
// Minutes without a trade have no bar.
type Day map[string][]Bar

// Symbols returns the symbols in order of their names.
func (d Day) Symbols() []string { return slices.Sorted(maps.Keys(d)) }

// Minute returns the bars that start at an instant, by symbol.
func (d Day) Minute(start time.Time) map[string]Bar {
	bars := make(map[string]Bar)
	for symbol := range d {
		if i, found := slices.BinarySearchFunc(d[symbol], start, compareStart); found {
			bars[symbol] = d[symbol][i]
		}
	}
	return bars
}

func compareStart(b Bar, t time.Time) int { return b.Start.Compare(t) }

// Within returns the bars that start in the trading hours of a session, and those
// that do not: an exchange trades on at closing prices, which no order here does.
func (d Day) Within(session calendar.Session) (inside, outside Day) {
	inside, outside = make(Day), make(Day)
	for symbol, bars := range d {
		for _, bar := range bars {
			if trades(session, bar.Start) {
				inside[symbol] = append(inside[symbol], bar)
			} else {
				outside[symbol] = append(outside[symbol], bar)
			}
		}
	}
	return inside, outside
}

// trades reports whether an instant lies in a window of the regular phase.
func trades(session calendar.Session, at time.Time) bool {
	return slices.ContainsFunc(session.Phases, func(p calendar.Phase) bool {
		return p.Name == calendar.PhaseRegular && !at.Before(p.Start) && at.Before(p.End)
	})
}

// Source has the bars of many sessions.
type Source interface {
	// Day returns the bars of a date, and nil if it has none.
	Day(date calendar.Date) Day
}

// Quote is what can be seen of a symbol at an instant: of the bars that are
// complete, and of nothing that comes after them.
type Quote struct {
	// PreMarket is the price at which the pre-open auction opens the symbol: the
	// open of the day's first bar.
	PreMarket money.Amount `json:"pre_market"`
	// Last is the last price, and Average that of the closes so far. Both are zero
	// before the first bar is complete.
	Last    money.Amount `json:"last"`
	Average money.Amount `json:"average"`
}

// Quotes returns what can be seen of each symbol at an instant. A symbol that does
// not trade on the day has no quote.
func (d Day) Quotes(now time.Time) map[string]Quote {
	quotes := make(map[string]Quote, len(d))
	for symbol, bars := range d {
		if len(bars) == 0 {
			continue
		}
		quote := Quote{PreMarket: bars[0].Open}
		if seen := complete(bars, now); len(seen) > 0 {
			quote.Last, quote.Average = seen[len(seen)-1].Close, Average(seen)
		}
		quotes[symbol] = quote
	}
	return quotes
}

// complete returns the bars that have ended by an instant, which a bar does a minute
// after its start.
func complete(bars []Bar, now time.Time) []Bar {
	n, found := slices.BinarySearchFunc(bars, now.Add(-time.Minute), compareStart)
	if found {
		n++
	}
	return bars[:n]
}

// Feed quotes a day at its clock's now.
type Feed struct {
	day   Day
	clock tradeclock.Clock
}

// NewFeed returns a feed of a day's bars.
func NewFeed(day Day, clock tradeclock.Clock) *Feed { return &Feed{day, clock} }

// Quotes returns what can be seen of each symbol now. It never fails.
func (f *Feed) Quotes(context.Context) (map[string]Quote, error) {
	return f.day.Quotes(f.clock.Now()), nil
}

// Average returns the average of the closes of bars, and zero for none.
func Average(bars []Bar) money.Amount {
	if len(bars) == 0 {
		return 0
	}
	var sum money.Amount
	for _, bar := range bars {
		sum += bar.Close
	}
	return sum / money.Amount(len(bars))
}

// Opens returns the first price of each symbol, at which the pre-open auction
// opens it.
func (d Day) Opens() map[string]money.Amount {
	opens := make(map[string]money.Amount, len(d))
	for symbol, bars := range d {
		opens[symbol] = bars[0].Open
	}
	return opens
}

// Closes returns the last price of each symbol.
func (d Day) Closes() map[string]money.Amount {
	closes := make(map[string]money.Amount, len(d))
	for symbol, bars := range d {
		if len(bars) > 0 {
			closes[symbol] = bars[len(bars)-1].Close
		}
	}
	return closes
}
