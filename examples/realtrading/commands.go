package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/jonboulle/clockwork"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/examples/realtrading/internal/audit"
	"github.com/tradeclock/tradeclock/examples/realtrading/internal/client"
	"github.com/tradeclock/tradeclock/sqlstore"
)

// halt pulls the kill switch: no replica starts anything new from its next tick or claim
// on, for one account or for all. It needs the database and nothing else, and works
// while neither a replica nor the broker does.
func halt(ctx context.Context, opts options, out io.Writer) error {
	return withStore(ctx, opts, func(store *sqlstore.Store) error {
		err := store.Halt(ctx, haltOf(opts))
		if err == nil {
			fmt.Fprintf(out, "halted %s: %s\n", whom(opts), opts.reason)
		}
		return err
	})
}

// lift ends a halt.
func lift(ctx context.Context, opts options, out io.Writer) error {
	return withStore(ctx, opts, func(store *sqlstore.Store) error {
		err := store.Lift(ctx, haltOf(opts))
		if err == nil {
			fmt.Fprintf(out, "lifted the halt of %s\n", whom(opts))
		}
		return err
	})
}

func haltOf(opts options) tradeclock.Halt {
	return tradeclock.Halt{
		Scheduler: schedulerName, Account: opts.account, Reason: opts.reason, Actor: opts.actor,
		At: clockwork.NewRealClock().Now(),
	}
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
	return withStore(ctx, opts, func(store *sqlstore.Store) error {
		book, err := client.New(opts.broker, opts.secret, clockwork.NewRealClock(), slog.New(slog.DiscardHandler)).Book(ctx)
		if err != nil {
			return err
		}
		runs, err := store.Runs(ctx, tradeclock.Query{Scheduler: schedulerName})
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

// withStore opens the store for a command.
func withStore(ctx context.Context, opts options, do func(*sqlstore.Store) error) error {
	db, err := openDatabase(ctx, opts.db)
	if err != nil {
		return err
	}
	defer db.Close()
	store, err := sqlstore.Open(ctx, db)
	if err != nil {
		return err
	}
	return do(store)
}
