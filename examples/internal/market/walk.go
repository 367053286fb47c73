package market

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/examples/internal/money"
)

// Walk is a Source of made-up bars: a random walk for each of six symbols. The
// bars of a date depend on the seed and the date alone, so a day can be replayed.
// All arithmetic is on integers, so it is the same on every machine.
type Walk struct {
	Seed int64
	// Calendar says in which minutes a session trades.
	Calendar calendar.Calendar
}

// listing is a symbol and the price that its walk is drawn back to.
type listing struct {
	symbol string
	price  money.Amount
}

var listings = []listing{
	{"BANYAN", 412 * money.Rupee},
	{"CEDAR", 1180 * money.Rupee},
	{"DEODAR", 96 * money.Rupee},
	{"NEEM", 655 * money.Rupee},
	{"SAL", 2340 * money.Rupee},
	{"TEAK", 238 * money.Rupee},
}

const (
	tick    = 5 * money.Paisa
	million = 1_000_000

	// The greatest moves, in millionths of the price.
	dayMove    = 20_000
	nightMove  = 5_000
	minuteMove = 800
	wickMove   = 300

	// turnover is what is traded in a symbol's quietest minute.
	turnover = 2_000_000 * money.Rupee
)

var firstWalk = calendar.Date{Year: 2019, Month: time.January, Day: 1}

// Day returns a bar for each symbol and minute in which the date's session trades,
// and nil if the calendar knows of none.
func (w Walk) Day(date calendar.Date) Day {
	session, err := w.Calendar.Session(date)
	minutes := tradingMinutes(session)
	if err != nil || len(minutes) == 0 {
		return nil
	}
	day := make(Day, len(listings))
	for _, l := range listings {
		day[l.symbol] = w.bars(l, date, minutes)
	}
	return day
}

// tradingMinutes are the starts of the minutes of the regular phase, without the
// break between two of its windows.
func tradingMinutes(session calendar.Session) []time.Time {
	var minutes []time.Time
	for _, phase := range session.Phases {
		if phase.Name != calendar.PhaseRegular {
			continue
		}
		for at := phase.Start; at.Before(phase.End); at = at.Add(time.Minute) {
			minutes = append(minutes, at)
		}
	}
	return minutes
}

func (w Walk) bars(l listing, date calendar.Date, minutes []time.Time) []Bar {
	rng := w.rand(l.symbol, date, "minutes")
	price, closing := w.open(l, date), w.closing(l, date)
	bars := make([]Bar, len(minutes))
	for i, start := range minutes {
		// Each minute takes its share of the way to the close, and a step of its own.
		next := price + (closing-price)/money.Amount(len(minutes)-i)
		if i < len(minutes)-1 {
			next = toTick(move(rng, next, minuteMove))
		}
		bars[i] = Bar{
			Start:  start,
			Open:   price,
			Close:  next,
			High:   max(price, next) + toTick(wick(rng, price)),
			Low:    min(price, next) - toTick(wick(rng, price)),
			Volume: int64(turnover/price) * (1 + rng.Int64N(10)),
		}
		price = next
	}
	return bars
}

// open is the price at which the symbol opens on a date: a walk of one step each
// weekday, drawn back a little to where it is listed.
func (w Walk) open(l listing, date calendar.Date) money.Amount {
	price := l.price
	for d := firstWalk; d.Before(date); d = d.AddDays(1) {
		if d.Weekday() == time.Saturday || d.Weekday() == time.Sunday {
			continue
		}
		price = move(w.rand(l.symbol, d, "day"), price, dayMove)
		price += (l.price - price) / 40
	}
	return toTick(price)
}

// closing is the price at which the symbol closes on a date: a night's move away
// from the next date's open.
func (w Walk) closing(l listing, date calendar.Date) money.Amount {
	return toTick(move(w.rand(l.symbol, date, "night"), w.open(l, date.AddDays(1)), nightMove))
}

func (w Walk) rand(symbol string, date calendar.Date, use string) *rand.Rand {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %s %s %s", w.Seed, symbol, date, use))
	return rand.New(rand.NewPCG(binary.BigEndian.Uint64(sum[:8]), binary.BigEndian.Uint64(sum[8:16])))
}

// move returns the price after a random move of at most most millionths.
func move(rng *rand.Rand, price money.Amount, most int64) money.Amount {
	return price + price*money.Amount(rng.Int64N(2*most+1)-most)/million
}

func wick(rng *rand.Rand, price money.Amount) money.Amount {
	return price * money.Amount(rng.Int64N(wickMove)) / million
}

func toTick(price money.Amount) money.Amount { return price / tick * tick }
