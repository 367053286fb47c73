// Package market has the prices of a replay: one-minute bars, made up or read
// from files.
package market

import (
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

// Feed is what can be seen of a day at the clock's now: bars that are complete,
// and nothing of the future.
type Feed struct {
	day   Day
	clock tradeclock.Clock
}

// NewFeed returns a feed of a day's bars.
func NewFeed(day Day, clock tradeclock.Clock) *Feed { return &Feed{day, clock} }

// Symbols returns the symbols in order of their names.
func (f *Feed) Symbols() []string { return f.day.Symbols() }

// Bars returns the symbol's bars that are complete.
func (f *Feed) Bars(symbol string) []Bar {
	bars := f.day[symbol]
	// A bar is complete from its end on, which is a minute after its start.
	known := f.clock.Now().Add(-time.Minute)
	n, found := slices.BinarySearchFunc(bars, known, compareStart)
	if found {
		n++
	}
	return bars[:n]
}

// Last returns the symbol's last price, and false before its first bar.
func (f *Feed) Last(symbol string) (money.Amount, bool) {
	bars := f.Bars(symbol)
	if len(bars) == 0 {
		return 0, false
	}
	return bars[len(bars)-1].Close, true
}

// PreMarket returns the price at which the pre-open auction will open the
// symbol: the open of the day's first bar. It is false for a symbol that does
// not trade on the day.
func (f *Feed) PreMarket(symbol string) (money.Amount, bool) {
	bars := f.day[symbol]
	if len(bars) == 0 {
		return 0, false
	}
	return bars[0].Open, true
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
