package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/examples/realtrading/internal/audit"
	"github.com/tradeclock/tradeclock/examples/realtrading/internal/client"
	"github.com/tradeclock/tradeclock/request"
	"github.com/tradeclock/tradeclock/sqlstore"
	"github.com/tradeclock/tradeclock/store"
)

// halt pulls the kill switch: no replica starts anything new from its next tick or claim
// on, for one account or for all, and with -cancel what runs ends too. It needs the
// database and nothing else, and works while neither a replica nor the broker does.
func halt(ctx context.Context, opts options, out io.Writer) error {
	return withStore(ctx, opts, func(st *sqlstore.Store, clock tradeclock.Clock) error {
		if err := st.Halt(ctx, haltOf(opts, clock)); err != nil {
			return err
		}
		fmt.Fprintf(out, "halted %s: %s\n", whom(opts), opts.reason)
		if !opts.cancel {
			return nil
		}
		_, err := st.Ask(ctx, request.Request{
			Scheduler: schedulerName, Kind: request.Cancel, Account: opts.account, Actor: opts.actor, Reason: opts.reason,
		})
		if err == nil {
			fmt.Fprintln(out, "the active replica is asked to end what runs")
		}
		return err
	})
}

// lift ends a halt.
func lift(ctx context.Context, opts options, out io.Writer) error {
	return withStore(ctx, opts, func(st *sqlstore.Store, clock tradeclock.Clock) error {
		err := st.Lift(ctx, haltOf(opts, clock))
		if err == nil {
			fmt.Fprintf(out, "lifted the halt of %s\n", whom(opts))
		}
		return err
	})
}

func haltOf(opts options, clock tradeclock.Clock) store.Halt {
	return store.Halt{Scheduler: schedulerName, Account: opts.account, Reason: opts.reason, Actor: opts.actor, At: clock.Now()}
}

func whom(opts options) string {
	if opts.account == "" {
		return "all accounts"
	}
	return opts.account
}

// errDisagree is that of an audit with findings.
var errDisagree = errors.New("the broker's book and the ledger do not agree")

// compare audits all sessions.
func compare(ctx context.Context, opts options, out io.Writer) error {
	return withStore(ctx, opts, func(st *sqlstore.Store, _ tradeclock.Clock) error {
		book, err := client.New(opts.broker, opts.secret, realClock, slog.New(slog.DiscardHandler)).Book(ctx)
		if err != nil {
			return err
		}
		runs, err := st.Runs(ctx, store.Query{Scheduler: schedulerName})
		if err != nil {
			return err
		}
		result := audit.Compare(runs, book)
		if err := result.Print(out); err != nil || len(result.Findings) == 0 {
			return err
		}
		return errDisagree
	})
}

// withStore opens the store for a command, with the broker's clock. If the broker does not
// answer, the time is the host's.
func withStore(ctx context.Context, opts options, do func(*sqlstore.Store, tradeclock.Clock) error) error {
	db, err := openDatabase(ctx, opts.db)
	if err != nil {
		return err
	}
	defer db.Close()
	clock, err := brokersClock(ctx, opts)
	if err != nil {
		clock = realClock
	}
	st, err := sqlstore.Open(ctx, db, storeClock(clock)...)
	if err != nil {
		return err
	}
	return do(st, clock)
}
