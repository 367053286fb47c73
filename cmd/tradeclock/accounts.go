package main

import (
	"context"
	"fmt"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/tradeclock/tradeclock"
)

// served is an account, and whether anybody serves it.
type served struct {
	tradeclock.EnrolledAccount
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
	found, err := s.store.Enrolments(ctx, tradeclock.EnrolmentQuery{Scheduler: s.name, Prefix: cmd.String("prefix"), After: cmd.String("after"), Limit: limit})
	if err != nil {
		return err
	}
	term, err := s.term(ctx)
	if err != nil {
		return err
	}
	halted, err := s.halted(ctx)
	if err != nil {
		return err
	}
	accounts := make([]served, len(found))
	for i, e := range found {
		accounts[i] = served{e, stateOf(e, term), halted(e.Account)}
	}
	err = list(a, cmd, listing[served]{
		items:  accounts,
		header: []string{"ACCOUNT", "STATE", "ACCOUNTED FROM", "WITHDRAWN", "HALTED"},
		line: func(e served) []string {
			return []string{e.Account, e.State, s.dateTime(e.From), s.dateTime(e.Withdrawn), e.Halted}
		},
		paint: func(e served, _ int) string {
			if e.State != "served" {
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

// stateOf says whether an account is served, under the term as it stands.
func stateOf(e tradeclock.EnrolledAccount, term tradeclock.TermState) string {
	switch {
	case !e.Withdrawn.IsZero() && e.Returned.IsZero():
		return "withdrawn"
	case !term.Held():
		return "nobody is active"
	case e.Term < term.Term.Number:
		return "left out"
	}
	return "served"
}

func (s *service) dateTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(s.loc).Format(time.DateTime)
}

// term is how the scheduler's term stands, or zero if it never had one.
func (s *service) term(ctx context.Context) (tradeclock.TermState, error) {
	states, err := s.store.Schedulers(ctx)
	if err != nil {
		return tradeclock.TermState{}, err
	}
	for _, state := range states {
		if state.Term.Scheduler == s.name {
			return state, nil
		}
	}
	return tradeclock.TermState{}, nil
}

// halted returns what says why an account is halted, which is empty if it is not.
func (s *service) halted(ctx context.Context) (func(account string) string, error) {
	halts, err := s.store.Halts(ctx, s.name)
	if err != nil {
		return nil, err
	}
	return func(account string) string {
		for _, h := range halts {
			if h.Account == "" || h.Account == account {
				return fmt.Sprintf("by %s: %s", h.Actor, h.Reason)
			}
		}
		return ""
	}, nil
}
