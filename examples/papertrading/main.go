// Papertrading is a paper-trading service that embeds tradeclock. It replays a
// trading day of one-minute bars: the scheduler runs the seven tasks of each
// account at their minutes, a paper broker fills the orders, and the ledger shows
// at the end what became of every run.
//
//	go run ./examples/papertrading
//
// The days are those of the National Stock Exchange of India. On one with special
// hours, such as -date 2025-10-21, the tasks move with them; a holiday is refused.
//
// All state is in one SQLite file, papertrading.db unless -db names another. A
// second run replays the next session; one after a crash goes on where it was.
package main

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/examples/internal/broker"
	"github.com/tradeclock/tradeclock/examples/internal/desk"
	"github.com/tradeclock/tradeclock/examples/internal/market"
	"github.com/tradeclock/tradeclock/examples/papertrading/internal/replay"
	"github.com/tradeclock/tradeclock/sqlstore"
	"github.com/tradeclock/tradeclock/trading"
)

// schedulerName is part of every run's identity.
const schedulerName = "papertrading"

// termLength lets the scheduler renew its term less often than the default of 30
// seconds does: in a fast replay those are an instant.
const termLength = 90 * time.Second

func main() {
	opts, err := parseOptions(os.Args[1:], os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err == nil {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		err = run(ctx, opts, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "papertrading:", err)
		os.Exit(1)
	}
}

// service is what a session is replayed with.
type service struct {
	day       day
	accounts  []string
	clock     *clockwork.FakeClock
	screen    *screen
	progress  *replay.Log
	store     *sqlstore.Store
	paper     *broker.Broker
	scheduler *tradeclock.UnifiedTaskScheduler
}

// run replays one session.
func run(ctx context.Context, opts options, out io.Writer) error {
	source, err := opts.source()
	if err != nil {
		return err
	}
	if err := opts.checkDate(source); err != nil {
		return err // before there is a file
	}
	db, err := broker.OpenFile(opts.file)
	if err != nil {
		return err
	}
	defer db.Close()
	progress, err := replay.OpenLog(ctx, db)
	if err != nil {
		return err
	}
	day, err := chooseDay(ctx, opts, source, progress)
	if err != nil {
		return err
	}
	clock := clockwork.NewFakeClockAt(day.begin)
	s := &service{day: day, accounts: opts.accounts, clock: clock, screen: newScreen(out, clock), progress: progress}
	s.screen.begin(day)
	if err := s.open(ctx, db); err != nil {
		return err
	}
	err = s.play(ctx, opts.speed)
	return errors.Join(err, s.finish(context.WithoutCancel(ctx), out))
}

// open opens the store, the broker's books and the desk that trades on them, and
// makes the scheduler.
func (s *service) open(ctx context.Context, db *sql.DB) (err error) {
	s.store, err = sqlstore.Open(ctx, db, sqlstore.WithClock(s.clock))
	if err != nil {
		return err
	}
	if _, err := s.store.SeedSchedules(ctx, desk.Schedules()...); err != nil {
		return err
	}
	s.paper, err = broker.Open(ctx, db, s.clock, nse)
	if err != nil {
		return err
	}
	feed := market.NewFeed(s.day.bars, s.clock)
	picks, err := desk.OpenPicks(ctx, db)
	if err != nil {
		return err
	}
	trader := desk.New(s.paper, feed, picks, nse, s.clock, s.screen.log)
	if err := desk.OpenAccounts(ctx, s.paper, s.accounts, s.day.date, s.day.bars, s.day.yesterday); err != nil {
		return err
	}
	if err := s.paper.BeginSession(ctx, s.day.date, s.day.bars.Opens()); err != nil {
		return err
	}
	return s.schedule(ctx, trading.Executor(trader))
}

// schedule makes the scheduler and enrols the accounts.
func (s *service) schedule(ctx context.Context, executor tradeclock.TaskExecutor) (err error) {
	s.scheduler, err = tradeclock.New(tradeclock.Config{
		Name:       schedulerName,
		Schedules:  s.store,
		Ledger:     s.store,
		Heartbeats: s.store,
		Calendar:   nse,
		Clock:      s.clock,
		TermLength: termLength,
		Logger:     s.screen.schedulerLog(),
		Observers:  []tradeclock.Observer{s.screen},
	})
	if err != nil {
		return err
	}
	for _, account := range s.accounts {
		if err := s.scheduler.Enroll(ctx, account, executor); err != nil {
			return err
		}
	}
	return nil
}

// play runs the scheduler until the day is over, the process crashes as it was
// told to, or ctx ends by an interrupt. What runs then may finish.
func (s *service) play(ctx context.Context, speed float64) error {
	if err := s.catchUpMarket(ctx); err != nil {
		return err
	}
	r := &replay.Replay{
		Clock:     s.clock,
		Scheduler: s.scheduler,
		Speed:     speed,
		Pace:      clockwork.NewRealClock(),
		StopAt:    s.day.crash,
		Minute:    s.trade,
		Stepped:   s.stepped,
	}
	running, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- s.scheduler.Run(running) }()

	err := r.Start(ctx)
	if err == nil {
		err = r.Until(ctx, s.day.end)
	}
	if err == nil && !s.day.crash.IsZero() {
		fmt.Fprintf(os.Stderr, "papertrading: crashed at %s, as asked: run it again without -crash-at to go on\n", s.day.crash.In(kolkata).Format(time.DateTime))
		os.Exit(3)
	}
	if ctx.Err() != nil {
		err = nil // an interrupt is no error
	}
	stop()
	return errors.Join(err, r.Drain(context.WithoutCancel(ctx), done))
}

// catchUpMarket trades the minutes in which the service was down: the market went
// on.
func (s *service) catchUpMarket(ctx context.Context) error {
	for at := s.day.stopped.Truncate(time.Minute).Add(time.Minute); at.Before(s.day.begin); at = at.Add(time.Minute) {
		if err := s.trade(ctx, at); err != nil {
			return err
		}
	}
	return nil
}

// trade lets the market trade for the minute before an instant.
func (s *service) trade(ctx context.Context, at time.Time) error {
	start := at.Add(-time.Minute)
	fills, err := s.paper.Match(ctx, start, s.day.bars.Minute(start))
	s.screen.fills(fills)
	return err
}

// stepped shows and saves each minute how far the replay is.
func (s *service) stepped(ctx context.Context, now time.Time) error {
	if now.Second() != 0 && !now.Equal(s.day.crash) {
		return nil
	}
	s.screen.minute(ctx, s.scheduler, s.paper, s.accounts, s.day.date)
	return s.save(ctx, now)
}

func (s *service) save(ctx context.Context, now time.Time) error {
	return s.progress.Save(ctx, replay.State{Session: s.day.date, At: now, Finished: !now.Before(s.day.end)})
}

// finish writes what became of the day.
func (s *service) finish(ctx context.Context, out io.Writer) error {
	s.screen.clear()
	now := s.clock.Now()
	if now.Before(s.day.end) {
		fmt.Fprintf(out, "\nStopped at %s. Another run goes on from there.\n", now.In(kolkata).Format(time.DateTime))
	}
	return errors.Join(s.save(ctx, now), s.summarise(ctx, out))
}
