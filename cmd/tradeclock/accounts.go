package main

import (
	"context"
	"fmt"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/tradeclock/tradeclock/internal/faces"
	"github.com/tradeclock/tradeclock/store"
)

// served is an account, and whether anybody serves it.
type served struct {
	store.EnrolledAccount
	State  string `json:"state"`
	Halted string `json:"halted,omitzero"`
}

func (a *app) accountsCommand() *cli.Command {
	return &cli.Command{
		Name: "accounts", Usage: "the accounts, and whether anybody serves them",
		Description: "Example: tradeclock accounts --prefix 42",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "prefix", Usage: "those whose names begin with this `TEXT`"},
			limitFlag(100), &cli.StringFlag{Name: "after", Usage: "go on after the `ACCOUNT` that the page before ended with"},
		},
		Action: a.accounts,
	}
}

func (a *app) accounts(ctx context.Context, cmd *cli.Command) error {
	s, err := open(ctx, cmd, reads)
	if err != nil {
		return err
	}
	defer s.close()
	limit := cmd.Int("limit")
	found, err := s.store.Enrolments(ctx, store.EnrolmentQuery{Scheduler: s.name, Prefix: cmd.String("prefix"), After: cmd.String("after"), Limit: limit})
	if err != nil {
		return err
	}
	term, err := faces.TermOf(ctx, s.store, s.name)
	if err != nil {
		return err
	}
	halted, err := s.halted(ctx)
	if err != nil {
		return err
	}
	accounts := make([]served, len(found))
	for i, e := range found {
		accounts[i] = served{e, faces.StateOf(e, term), halted(e.Account)}
	}
	err = list(a, cmd, listing[served]{
		items:  accounts,
		header: []string{"ACCOUNT", "STATE", "ACCOUNTED FROM", "WITHDRAWN", "HALTED"},
		line: func(e served) []string {
			return []string{e.Account, e.State, s.dateTime(e.From), s.dateTime(e.Withdrawn), e.Halted}
		},
		paint: func(e served, _ int) string {
			if e.State != faces.Served {
				return dim
			}
			return ""
		},
		none: "No account was ever enrolled.",
	})
	if len(found) == limit {
		fmt.Fprintf(a.err, "there is more: --after %q\n", found[limit-1].Account)
	}
	return err
}

func (s *service) dateTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(s.loc).Format(time.DateTime)
}

// halted returns what says why an account is halted, which is empty if it is not.
func (s *service) halted(ctx context.Context) (func(account string) string, error) {
	halts, err := s.store.Halts(ctx, s.name)
	if err != nil {
		return nil, err
	}
	return func(account string) string {
		if h, halted := faces.HaltOf(halts, account); halted {
			return fmt.Sprintf("by %s: %s", h.Actor, h.Reason)
		}
		return ""
	}, nil
}
