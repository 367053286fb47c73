// Package service is a trading service as small as it can be: a scheduler on a
// database, whose executor writes what it does to a file of its own. It is there
// to be killed.
package service

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/jonboulle/clockwork"
	prom "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/scaled"
	"github.com/tradeclock/tradeclock/prometheus"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/sqlstore"
)

// Name is the name of the scheduler in all processes.
const Name = "paper"

// Config is what a process is told.
type Config struct {
	// Driver and DSN say where the database is.
	Driver, DSN string
	// Journal is the file to which the executor appends, and Log that of the
	// scheduler's messages.
	Journal, Log string
	// Clock is the clock of the service and its store. With none, they have the real
	// clock and that of the database.
	Clock *scaled.Clock
	// Rows are the schedules of a database that has none.
	Rows []Row
	// Accounts are those that the process serves.
	Accounts []string
	// TermLength is that of the scheduler.
	TermLength time.Duration
	// Metrics is the address at which the process is scraped. Empty means nowhere.
	Metrics string
}

// Row is a schedule in a form that one process can tell another.
type Row struct {
	Task, Rule string
	CatchUp    time.Duration
}

// Main runs the service until it is sent SIGTERM, and stops it then. It ends the
// process when its standard input ends, which is when the one that started it has
// died.
func Main(cfg Config) error {
	go func() {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(2)
	}()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	return run(ctx, cfg)
}

// service is the executor of all accounts: a tradeclock.Starter.
type service struct {
	clock   tradeclock.Clock
	journal *Journal
	tasks   map[string]Task
	log     *slog.Logger
}

func run(ctx context.Context, cfg Config) error {
	messages, err := os.OpenFile(cfg.Log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	journal, err := OpenJournal(cfg.Journal)
	if err != nil {
		return err
	}
	s := &service{
		clock:   clockwork.NewRealClock(),
		journal: journal,
		tasks:   make(map[string]Task),
	}
	var opts []sqlstore.Option
	if cfg.Clock != nil {
		s.clock = cfg.Clock
		opts = append(opts, sqlstore.WithClock(cfg.Clock))
	}
	s.log = slog.New(slog.NewTextHandler(messages, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: s.stamp}))
	for _, t := range Tasks() {
		s.tasks[t.Task] = t
	}
	st, err := openStore(ctx, cfg, opts)
	if err != nil {
		return err
	}
	defer st.Close()
	scheduler, err := s.schedule(ctx, cfg, st)
	if err != nil {
		return err
	}
	return scheduler.Run(ctx)
}

// stamp gives the messages the time of the service.
func (s *service) stamp(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.TimeKey {
		a.Value = slog.TimeValue(s.clock.Now())
	}
	return a
}

// openStore opens the store, which it tries as long as the database is out of
// reach, as a service would that an operator has started.
func openStore(ctx context.Context, cfg Config, opts []sqlstore.Option) (*sqlstore.Store, error) {
	db, err := sql.Open(cfg.Driver, cfg.DSN)
	if err != nil {
		return nil, err
	}
	rows, err := cfg.schedules()
	if err != nil {
		return nil, err
	}
	for {
		st, err := sqlstore.Open(ctx, db, opts...)
		if err == nil {
			_, err = st.SeedSchedules(ctx, rows...)
		}
		if err == nil {
			return st, nil
		}
		fmt.Fprintln(os.Stderr, err)
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return nil, err
		}
	}
}

func (cfg Config) schedules() ([]tradeclock.Schedule, error) {
	if len(cfg.Rows) == 0 {
		return Schedules(), nil
	}
	var rows []tradeclock.Schedule
	for _, r := range cfg.Rows {
		rule, err := rule.Parse(r.Rule)
		if err != nil {
			return nil, err
		}
		rows = append(rows, tradeclock.Schedule{Task: r.Task, Rule: rule, CatchUp: r.CatchUp})
	}
	return rows, nil
}

func (s *service) schedule(ctx context.Context, cfg Config, st *sqlstore.Store) (*tradeclock.UnifiedTaskScheduler, error) {
	metrics := prometheus.New()
	scheduler, err := tradeclock.New(tradeclock.Config{
		Name:       Name,
		Schedules:  st,
		Ledger:     st,
		Heartbeats: st,
		Calendar:   calendar.AlwaysOpen(Kolkata),
		Clock:      s.clock,
		TermLength: cfg.TermLength,
		Logger:     s.log,
		Observers:  []tradeclock.Observer{tradeclock.ObserverFunc(s.observe), metrics},
	})
	if err != nil {
		return nil, err
	}
	metrics.Watch(scheduler)
	if cfg.Metrics != "" {
		go serveMetrics(cfg.Metrics, metrics)
	}
	for _, account := range cfg.Accounts {
		if err := scheduler.Enroll(ctx, account, s); err != nil {
			return nil, err
		}
	}
	return scheduler, nil
}

// serveMetrics lets the process be scraped until it ends.
func serveMetrics(address string, metrics prom.Collector) {
	registry := prom.NewRegistry()
	registry.MustRegister(metrics)
	handler := promhttp.HandlerFor(registry, promhttp.HandlerOpts{EnableOpenMetrics: true})
	fmt.Fprintln(os.Stderr, "metrics:", http.ListenAndServe(address, handler))
}

// Start logs in to the broker, as it were.
func (s *service) Start(_ context.Context, account string) error {
	s.write(Entry{What: Started, Account: account})
	return nil
}

// Stop logs out.
func (s *service) Stop(_ context.Context, account string) error {
	s.write(Entry{What: Stopped, Account: account})
	return nil
}

// Execute begins no work before the journal has it, and reports no outcome before
// the journal has that.
func (s *service) Execute(ctx context.Context, run tradeclock.Run) error {
	e := Entry{What: Began, Term: run.Term, Run: run.ID, Account: run.Account,
		Task: run.Task, Slot: run.Slot, Due: run.Due, Attempt: run.Attempt}
	s.write(e)
	err := s.tasks[run.Task].work(ctx, run)
	e.What, e.Result = Ended, OK
	switch {
	case errors.Is(err, errOutOfLuck):
		e.Result = Fail
	case err != nil:
		e.Result = err.Error()
	}
	s.write(e)
	return err
}

func (s *service) observe(e tradeclock.Event) {
	if changed, ok := e.(tradeclock.TermChanged); ok {
		s.write(Entry{What: Term, Term: changed.Number})
	}
}

// write writes an entry to the journal. A process that cannot ends: it would prove
// nothing.
func (s *service) write(e Entry) {
	e.Process, e.At = os.Getpid(), s.clock.Now().Round(0).UTC()
	if err := s.journal.Write(e); err != nil {
		fmt.Fprintln(os.Stderr, "journal:", err)
		os.Exit(3)
	}
}
