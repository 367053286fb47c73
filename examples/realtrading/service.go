package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/dashboard"
	"github.com/tradeclock/tradeclock/examples/internal/desk"
	"github.com/tradeclock/tradeclock/examples/internal/report"
	"github.com/tradeclock/tradeclock/examples/realtrading/internal/client"
	"github.com/tradeclock/tradeclock/examples/realtrading/internal/serving"
	"github.com/tradeclock/tradeclock/exchange"
	"github.com/tradeclock/tradeclock/sqlstore"
	"github.com/tradeclock/tradeclock/trading"
	"github.com/tradeclock/tradeclock/view"
)

// schedulerName is part of every run's identity, and of which one replica is active.
const schedulerName = "realtrading"

// brokerLimit names the limit of what the broker takes in a second.
const brokerLimit = "broker"

// nse is where the accounts trade: the National Stock Exchange of India.
var nse = exchange.MustGet("XNSE")

// realClock is that of a live sandbox, and of what needs no other.
var realClock = clockwork.NewRealClock()

// trader is the desk at a broker on the network, to which it logs in: a
// tradeclock.Starter, so that a standby has no login.
type trader struct {
	*desk.Desk
	*client.Client
}

// service is one replica.
type service struct {
	log       *slog.Logger
	store     *sqlstore.Store
	scheduler *tradeclock.UnifiedTaskScheduler
	page      *dashboard.Dashboard
}

// serve runs a replica until ctx ends.
func serve(ctx context.Context, opts options, out io.Writer) error {
	clock, err := waitForClock(ctx, opts)
	if err != nil {
		return err
	}
	db, err := openDatabase(ctx, opts.db)
	if err != nil {
		return err
	}
	defer db.Close()
	log := slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{ReplaceAttr: report.Stamp(clock, nse.Location())}))
	s, err := newService(ctx, opts, db, clock, log)
	if err != nil {
		return err
	}
	return s.run(ctx, opts.listen)
}

// waitForClock asks for the broker's clock until there is an answer, for a while.
func waitForClock(ctx context.Context, opts options) (clock tradeclock.Clock, err error) {
	for range 10 {
		if clock, err = brokersClock(ctx, opts); err == nil {
			return clock, nil
		}
		if err := tradeclock.Sleep(ctx, time.Second); err != nil {
			return nil, err
		}
	}
	return nil, err
}

// brokersClock returns the clock by which the broker trades: the real one, if the sandbox
// is live.
func brokersClock(ctx context.Context, opts options) (tradeclock.Clock, error) {
	fast, err := client.New(opts.broker, opts.secret, realClock, slog.New(slog.DiscardHandler)).Clock(ctx)
	if err != nil {
		return nil, fmt.Errorf("ask the broker for its time: %w", err)
	}
	if fast.Live() {
		return realClock, nil
	}
	return &fast, nil
}

// storeClock has the store go by a clock that is not the real one. Else the database's
// own tells when a term ends.
func storeClock(clock tradeclock.Clock) []sqlstore.Option {
	if clock == realClock {
		return nil
	}
	return []sqlstore.Option{sqlstore.WithClock(clock)}
}

// newService opens the store in db, and makes a scheduler with the accounts.
func newService(ctx context.Context, opts options, db *sql.DB, clock tradeclock.Clock, log *slog.Logger) (*service, error) {
	st, err := sqlstore.Open(ctx, db, storeClock(clock)...)
	if err != nil {
		return nil, err
	}
	if _, err := st.SeedSchedules(ctx, schedules()...); err != nil {
		return nil, err
	}
	picks, err := desk.OpenPicks(ctx, db)
	if err != nil {
		return nil, err
	}
	c := client.New(opts.broker, opts.secret, clock, log)
	scheduler, err := tradeclock.New(tradeclock.Config{
		Name:        schedulerName,
		Schedules:   st,
		Ledger:      st,
		Heartbeats:  st,
		Calendar:    nse,
		Clock:       clock,
		StartLimits: []tradeclock.StartLimit{{Name: brokerLimit, Starts: 10}},
		Logger:      log,
	})
	if err != nil {
		return nil, err
	}
	executor := client.Fence(trading.Executor(trader{desk.New(c, c, picks, nse, clock, log), c}))
	for _, account := range opts.accounts {
		if err := scheduler.Enroll(ctx, account, executor); err != nil {
			return nil, err
		}
	}
	page, err := newPage(opts, st, clock, log)
	if err != nil {
		return nil, err
	}
	return &service{log, st, scheduler, page}, nil
}

// newPage makes the dashboard, for whoever sits at this machine.
func newPage(opts options, st *sqlstore.Store, clock tradeclock.Clock, log *slog.Logger) (*dashboard.Dashboard, error) {
	return dashboard.New(dashboard.Config{
		View:       view.Config{Name: schedulerName, Schedules: st, Ledger: st, Calendar: nse, Calendars: exchange.Lookup, Clock: clock},
		Heartbeats: st,
		Authorize:  dashboard.Loopback(opts.actor),
		Timeout:    20 * time.Second, // of a clock that is twenty times as fast as ours
		Logger:     log,
	})
}

// schedules are those of the desk. Tasks that place orders for all accounts at one
// instant start as many a second as the broker takes.
func schedules() []tradeclock.Schedule {
	rows := desk.Schedules()
	for i, row := range rows {
		if row.Task == trading.TaskPremarketRetry || row.Task == trading.TaskBuyOrders {
			rows[i].StartLimit = brokerLimit
		}
	}
	return rows
}

// run serves HTTP and runs the scheduler until ctx ends.
func (s *service) run(ctx context.Context, address string) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("serve the dashboard and /healthz: %w", err)
	}
	s.log.Info("serving", "address", listener.Addr(), "health", "/healthz", "dashboard", "/tradeclock/")
	err = serving.While(ctx, listener, s.handler(), s.scheduler.Run)
	// What a page still asks of the database is ended by the context of its request.
	return errors.Join(err, s.page.Close(context.WithoutCancel(ctx)))
}

// handler is what the service serves: how this replica is, and the dashboard, which any
// replica serves of all.
func (s *service) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", s.health)
	mux.Handle("/tradeclock/", http.StripPrefix("/tradeclock", s.page))
	return mux
}
