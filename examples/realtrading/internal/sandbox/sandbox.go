// Package sandbox is a broker to practise on, behind HTTP: the paper broker's books,
// with what makes a broker on the network hard. Logins expire, ten changes a second are
// taken, answers are lost or late, and who comes with an older term than was seen is
// refused. It owns its books, its clock and its prices, is told what package wire has,
// and knows nothing of tradeclock's stores.
package sandbox

import (
	"context"
	"database/sql"
	"log/slog"
	"sync"
	"time"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/examples/internal/broker"
	"github.com/tradeclock/tradeclock/examples/internal/desk"
	"github.com/tradeclock/tradeclock/examples/internal/market"
	"github.com/tradeclock/tradeclock/exchange"
)

// beforeOpen is how long before the open the broker takes the after-market orders.
const beforeOpen = 20 * time.Minute

// Config says what a sandbox is like.
type Config struct {
	DB       *sql.DB // of broker.OpenFile
	Clock    tradeclock.Clock
	Calendar *exchange.Sessions
	Source   market.Source
	Accounts []string // opened with cash, positions and orders if they are new
	Secret   string   // with which all of them log in
	Rules    Rules
	Faults   Faults
	Log      *slog.Logger
}

// Rules are what the broker wants of its clients.
type Rules struct {
	// Login is how long a login lasts.
	Login time.Duration
	// ChangesPerSecond are taken of all clients together.
	ChangesPerSecond int
}

// DefaultRules are those of the sandbox's command.
var DefaultRules = Rules{Login: 30 * time.Minute, ChangesPerSecond: 10}

// Sandbox is the broker. Make one with Open. It is safe for concurrent use.
type Sandbox struct {
	cfg     Config
	paper   *broker.Broker
	journal *journal
	logins  logins
	pace    pace
	late    late

	// changing is held while something is changed, so that the fence is looked at and
	// the change made in one piece.
	changing sync.Mutex
	asked    map[string]int // how often each change was asked for
	today    calendar.Date  // the session that has begun, or zero

	pricing sync.Mutex
	prices  map[calendar.Date]market.Day
}

// Open opens the books, and the accounts that they do not have. Close it after use.
func Open(ctx context.Context, cfg Config) (*Sandbox, error) {
	paper, err := broker.Open(ctx, cfg.DB, cfg.Clock, cfg.Calendar)
	if err != nil {
		return nil, err
	}
	s := &Sandbox{
		cfg: cfg, paper: paper, asked: make(map[string]int), prices: make(map[calendar.Date]market.Day),
		logins: logins{clock: cfg.Clock, lifetime: cfg.Rules.Login, tokens: make(map[string]login)},
		pace:   pace{clock: cfg.Clock, most: cfg.Rules.ChangesPerSecond},
		late:   late{clock: cfg.Clock},
	}
	if s.journal, err = openJournal(ctx, cfg.DB); err != nil {
		return nil, err
	}
	return s, s.openAccounts(ctx)
}

// Close gives up the changes that were to be made late, and waits for those that are
// being made.
func (s *Sandbox) Close() { s.late.close() }

// openAccounts opens the accounts for the session that goes on, or comes next. Before
// its open they have orders from the evening before.
func (s *Sandbox) openAccounts(ctx context.Context) error {
	now := s.cfg.Clock.Now()
	session, err := s.sessionAt(now)
	if err != nil {
		return err
	}
	var yesterday market.Day
	if opening, _, known := session.Bounds(calendar.PhaseRegular); !known || now.Before(opening) {
		before, err := s.cfg.Calendar.Previous(session.Date)
		if err != nil {
			return err
		}
		yesterday = s.day(before.Date)
	}
	return desk.OpenAccounts(ctx, s.paper, s.cfg.Accounts, session.Date, s.day(session.Date), yesterday)
}

// sessionAt is the session that has not closed yet.
func (s *Sandbox) sessionAt(now time.Time) (calendar.Session, error) {
	date := s.cfg.Calendar.DateAt(now)
	if _, closing, err := s.cfg.Calendar.OpenClose(date); err == nil && now.Before(closing) {
		return s.cfg.Calendar.Session(date)
	}
	return s.cfg.Calendar.Next(date)
}

// day returns the bars of a date.
func (s *Sandbox) day(date calendar.Date) market.Day {
	s.pricing.Lock()
	defer s.pricing.Unlock()
	if _, known := s.prices[date]; !known {
		s.prices[date] = s.cfg.Source.Day(date)
	}
	return s.prices[date]
}

// Run lets the market trade until ctx ends, minute by minute. It begins with the
// minutes of today in which the sandbox was not there: the market went on.
func (s *Sandbox) Run(ctx context.Context) error {
	now := s.cfg.Clock.Now()
	at := calendar.Wall(0, 0).On(s.cfg.Calendar.DateAt(now), s.cfg.Calendar.Location())
	for {
		for ; !at.After(s.cfg.Clock.Now()); at = at.Add(time.Minute) {
			if err := s.Minute(ctx, at); err != nil {
				return err
			}
		}
		timer := s.cfg.Clock.NewTimer(at.Sub(s.cfg.Clock.Now()))
		select {
		case <-timer.Chan():
		case <-ctx.Done():
			timer.Stop()
			return nil
		}
	}
}

// Minute does what a whole minute brings: the session begins before its open, and the
// orders meet the bars of the minute before. A second call for a minute changes
// nothing.
func (s *Sandbox) Minute(ctx context.Context, at time.Time) error {
	date := s.cfg.Calendar.DateAt(at)
	opening, _, err := s.cfg.Calendar.OpenClose(date)
	if err != nil || at.Before(opening.Add(-beforeOpen)) {
		return nil // nothing trades on a day without a session, or whose hours are unknown
	}
	day := s.day(date)
	s.changing.Lock()
	defer s.changing.Unlock()
	if s.today != date {
		if err := s.paper.BeginSession(ctx, date, day.Opens()); err != nil {
			return err
		}
		s.today = date
	}
	start := at.Add(-time.Minute)
	fills, err := s.paper.Match(ctx, start, day.Minute(start))
	for _, o := range fills {
		s.cfg.Log.Info(string(o.Status), "account", o.Account, "side", o.Side, "symbol", o.Symbol,
			"quantity", o.Quantity, "price", o.FillPrice, "for", o.Note)
	}
	return err
}

// quotes are those of now.
func (s *Sandbox) quotes() map[string]market.Quote {
	now := s.cfg.Clock.Now()
	return s.day(s.cfg.Calendar.DateAt(now)).Quotes(now)
}
