package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	_ "modernc.org/sqlite"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/bench/internal/rig"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/memstore"
	"github.com/tradeclock/tradeclock/sqlstore"
	"github.com/tradeclock/tradeclock/store"
)

func memoryLedger(ctx context.Context) (*opened, error) {
	return claimAndSettle(ctx, memstore.New(nil), func() error { return nil })
}

func sqliteLedger(ctx context.Context) (*opened, error) {
	folder, err := os.MkdirTemp("", "guard")
	if err != nil {
		return nil, err
	}
	s, err := sqlstore.OpenFile(ctx, "sqlite", filepath.Join(folder, "tradeclock.db"))
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	return claimAndSettle(ctx, s, func() error { return errors.Join(s.Close(), os.RemoveAll(folder)) })
}

// claimAndSettle claims and settles the daily run of a thousand accounts, day by
// day.
func claimAndSettle(ctx context.Context, ledger tradeclock.Ledger, closeLedger func() error) (*opened, error) {
	const accounts = 1000
	term, err := ledger.Lead(ctx, rig.Name, "guard", time.Hour, time.Time{})
	if err != nil {
		return nil, errors.Join(err, closeLedger())
	}
	runs := make([]tradeclock.Run, accounts)
	for i := range runs {
		runs[i] = tradeclock.Run{Scheduler: rig.Name, Account: rig.Account(i), Task: "open", Token: strconv.Itoa(i), Attempt: 1}
	}
	due := rig.Sunday.UTC()
	step := func() error {
		due = due.AddDate(0, 0, 1)
		session := calendar.DateOf(due)
		slot := session.String()
		for i := range runs {
			r := &runs[i]
			r.Slot, r.Session, r.Due, r.Started, r.Outcome, r.Finished = slot, session, due, due, tradeclock.NoOutcome, time.Time{}
		}
		claims, err := ledger.Claim(ctx, term, runs)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(claims, func(c store.Claim) bool { return !c.Held }) {
			return fmt.Errorf("a claim of %s is not held", slot)
		}
		for i := range runs {
			runs[i].Outcome, runs[i].Finished = tradeclock.Succeeded, due
		}
		results, err := ledger.Settle(ctx, runs)
		if slices.ContainsFunc(results, func(r store.SettleResult) bool { return !r.Accepted }) {
			return errors.Join(err, fmt.Errorf("a settlement of %s is not accepted", slot))
		}
		return err
	}
	return &opened{step: step, operations: accounts, close: closeLedger}, nil
}
