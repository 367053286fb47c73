package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/bench/internal/rig"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/sqlstore"
	"github.com/tradeclock/tradeclock/store"
)

// ledgerSubject is a ledger on a database with more and more rows, into which
// monitors of a thousand accounts are claimed and settled, minute after minute.
func ledgerSubject() subject {
	s := subject{
		name: "ledger", counts: "ledger rows",
		sizes:   []int{0, 10_000, 100_000, 1_000_000, 10_000_000},
		measure: measureLedgers,
	}
	alone := plotted{file: "ledger-rates", title: "Ledger rows: runs claimed and settled in a second", unit: perSecond}
	beside := plotted{file: "ledger-prune", title: "The same, while Prune removes rows", unit: perSecond}
	for _, database := range []string{"SQLite", "PostgreSQL"} {
		claims, settles := "claims, "+database, "settlements, "+database
		alone.lines = append(alone.lines, claims, settles)
		claimsBeside, settlesBeside, pruned := claims+", while Prune runs", settles+", while Prune runs", "rows pruned meanwhile, "+database
		beside.lines = append(beside.lines, claimsBeside, settlesBeside, pruned)
		s.figures = append(s.figures, claims, settles, claimsBeside, settlesBeside, pruned, "slowest batch while Prune runs (s), "+database)
	}
	s.plots = []plotted{alone, beside}
	return s
}

// measureLedgers grows one ledger after the other, so that the disk need not hold
// both.
func measureLedgers(ctx context.Context, sizes []int, add func(int, []float64)) error {
	figures := make([][]float64, len(sizes))
	for _, open := range []func() (grown, error){openSQLite, openPostgres} {
		g, err := open()
		if err != nil {
			return err
		}
		err = growLedger(ctx, g, sizes, func(i int, measured []float64) { figures[i] = append(figures[i], measured...) })
		if err := errors.Join(err, g.remove()); err != nil {
			return err
		}
	}
	for i, n := range sizes {
		add(n, figures[i])
	}
	return nil
}

// growLedger fills a ledger to each of the sizes, and measures it there.
func growLedger(ctx context.Context, g grown, sizes []int, add func(i int, figures []float64)) error {
	last := sizes[len(sizes)-1]
	f := filler{first: bell.AddDate(0, 0, -20).Add(-time.Duration(last/accounts) * time.Minute)}
	m := monitors{due: bell, rounds: 6}
	for i, n := range sizes {
		if err := g.fill(ctx, &f, n-f.filled); err != nil {
			return fmt.Errorf("fill: %w", err)
		}
		s, closeStore, err := g.open(ctx)
		if err != nil {
			return err
		}
		figures, err := m.measure(ctx, s, f.rows)
		if err := errors.Join(err, closeStore()); err != nil {
			return err
		}
		add(i, figures)
	}
	return nil
}

// bell is when the first monitor that is measured is due. The rows that fill the
// ledger end twenty days earlier, so that Prune may remove them.
var bell = time.Date(2026, time.November, 23, 3, 45, 0, 0, time.UTC)

// accounts are how many have a monitor: the size of a batch.
const accounts = 1000

const holder = "growth"

// monitors claims and settles the monitors of all accounts, a minute at a time.
type monitors struct {
	due    time.Time
	rounds int // how often the rates are taken, the first time to warm up
	term   store.Term
	past   int // how many minutes have gone by
}

// measure returns the figures of a ledger: the rates, and if rows can be pruned
// for long enough, the rates beside that.
func (m *monitors) measure(ctx context.Context, s *sqlstore.Store, rows int) ([]float64, error) {
	var err error
	if m.term, err = s.Lead(ctx, rig.Name, holder, time.Hour, time.Time{}); err != nil {
		return nil, err
	}
	if err := s.Record(ctx, m.term, nil, m.due.Add(-time.Second)); err != nil {
		return nil, err
	}
	alone, err := m.rates(ctx, s)
	if err != nil {
		return nil, err
	}
	none := math.NaN()
	figures := []float64{alone.claims, alone.settlements, none, none, none, none}
	if rows < 500*accounts {
		return figures, nil // they would be gone before the rates are known
	}
	beside, pruned, err := m.besidePrune(ctx, s)
	if err != nil {
		return nil, err
	}
	return append(figures[:2], beside.claims, beside.settlements, pruned, beside.slowest), nil
}

// besidePrune returns the rates while Prune runs, which is ended before it has
// removed all, and the rows that it removed in a second.
func (m *monitors) besidePrune(ctx context.Context, s *sqlstore.Store) (r rates, pruned float64, err error) {
	pruning, stop := context.WithCancel(ctx)
	defer stop()
	before := m.due.AddDate(0, 0, -11)
	removed := make(chan int, 1)
	ended := make(chan error, 1)
	go func() {
		n, err := s.Prune(pruning, rig.Name, before)
		removed <- n
		ended <- err
	}()
	took, err := timed(func() (err error) {
		r, err = m.rates(ctx, s)
		return err
	})
	stop()
	n := <-removed
	if pruneErr := <-ended; pruneErr == nil {
		return rates{math.NaN(), math.NaN(), math.NaN()}, math.NaN(), err // it was done before
	} else if !errors.Is(pruneErr, context.Canceled) {
		return r, 0, errors.Join(err, pruneErr)
	}
	return r, float64(n) / took, err
}

// rates are how many runs are claimed, and settled, in a second, and the seconds
// of the slowest batch.
type rates struct{ claims, settlements, slowest float64 }

// rates measures rounds, the first of which is to warm up, and returns the medians.
func (m *monitors) rates(ctx context.Context, s *sqlstore.Store) (r rates, err error) {
	const minutes = 5 // of a round
	var claims, settlements []float64
	for range m.rounds {
		var claiming, settling float64
		for range minutes {
			claim, settle, err := m.minute(ctx, s)
			if err != nil {
				return r, err
			}
			claiming, settling = claiming+claim, settling+settle
			r.slowest = max(r.slowest, claim, settle)
		}
		claims = append(claims, minutes*accounts/claiming)
		settlements = append(settlements, minutes*accounts/settling)
	}
	r.claims, r.settlements = median(claims[1:]), median(settlements[1:])
	return r, nil
}

// minute claims and settles the monitors of one minute, and returns the seconds of
// both.
func (m *monitors) minute(ctx context.Context, s *sqlstore.Store) (claim, settle float64, err error) {
	runs := make([]tradeclock.Run, accounts)
	for i := range runs {
		runs[i] = monitorOf(ledgerAccount(i), m.due, fmt.Sprintf("%d-%d", m.past, i))
	}
	m.due = m.due.Add(time.Minute)
	m.past++
	claim, err = timed(func() error {
		claims, err := s.Claim(ctx, m.term, runs)
		if slices.ContainsFunc(claims, func(c store.Claim) bool { return !c.Held }) {
			return errors.New("a claim is not held")
		}
		return err
	})
	if err != nil {
		return 0, 0, err
	}
	for i := range runs {
		runs[i].Outcome, runs[i].Finished = tradeclock.Succeeded, runs[i].Due.Add(time.Second)
	}
	settle, err = timed(func() error {
		results, err := s.Settle(ctx, runs)
		if slices.ContainsFunc(results, func(r store.SettleResult) bool { return !r.Accepted }) {
			return errors.New("a settlement is not accepted")
		}
		return err
	})
	return claim, settle, err
}

func monitorOf(account string, due time.Time, token string) tradeclock.Run {
	return tradeclock.Run{
		Scheduler: rig.Name, Account: account, Task: "monitor", Slot: due.Format(time.RFC3339),
		Session: calendar.DateOf(due), Due: due, Started: due, Attempt: 1, Repeating: true, Token: token,
	}
}

func ledgerAccount(i int) string { return fmt.Sprintf("account-%d", 1_000_000+i) }
