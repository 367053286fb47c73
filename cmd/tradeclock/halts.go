package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/tradeclock/tradeclock/request"
	"github.com/tradeclock/tradeclock/store"
)

func (a *app) haltCommand() *cli.Command {
	return &cli.Command{
		Name: "halt", Usage: "start nothing new, for one account or for all", ArgsUsage: "ACCOUNT | --all",
		Description: "Example: tradeclock halt 42 --reason \"loss limit\" --actor ana\n\n" +
			"The service reads it before each start. What runs goes on, unless --cancel ends it; what comes due meanwhile is skipped with the reason.",
		Flags: append(orderFlags(),
			&cli.BoolFlag{Name: "cancel", Usage: "end what runs, too: the service answers when it does"},
			&cli.DurationFlag{Name: "wait", Value: 30 * time.Second, Usage: "how long to wait for the answer"},
		), Action: a.halt,
	}
}

func (a *app) liftCommand() *cli.Command {
	return &cli.Command{
		Name: "lift", Usage: "end a halt, of one account or the one of all", ArgsUsage: "ACCOUNT | --all",
		Description: "Example: tradeclock lift 42 --actor ana --reason \"checked\"",
		Flags:       orderFlags(), Action: a.lift,
	}
}

func orderFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "all", Usage: "of all accounts"},
		&cli.StringFlag{Name: "reason", Usage: "why, for those who read it later"},
		&cli.StringFlag{Name: "actor", Usage: "who orders it", Sources: cli.EnvVars("TRADECLOCK_ACTOR")},
		&cli.BoolFlag{Name: "yes", Aliases: []string{"y"}, Usage: "do not ask"},
	}
}

// whom returns the account that an order is for, and its name in a sentence. No account
// is an order for all, and has to be said.
func whom(cmd *cli.Command) (account, name string, err error) {
	account = cmd.Args().First()
	switch {
	case account == "" && !cmd.Bool("all"):
		return "", "", errors.New("for whom? Name an account, or say --all")
	case account != "" && cmd.Bool("all"):
		return "", "", errors.New("for an account, or for all?")
	case account == "":
		return "", "all accounts", nil
	}
	return account, "account " + account, nil
}

func (a *app) halt(ctx context.Context, cmd *cli.Command) error {
	account, name, err := whom(cmd)
	if err != nil {
		return err
	}
	if cmd.String("reason") == "" || cmd.String("actor") == "" {
		return errors.New("a halt says why, and by whom: --reason and --actor are required")
	}
	s, err := open(ctx, cmd, writes)
	if err != nil {
		return err
	}
	defer s.close()
	if yes, err := a.ask(cmd, fmt.Sprintf("Halt %s of %s?", name, s.name)); err != nil || !yes {
		return err
	}
	h := store.Halt{Scheduler: s.name, Account: account, Reason: cmd.String("reason"), Actor: cmd.String("actor"), At: s.now().UTC()}
	if err := s.store.Halt(ctx, h); err != nil {
		return ordered(err)
	}
	fmt.Fprintf(a.out, "Halted: %s of %s. The service starts nothing new of it from now on.\n", name, s.name)
	if cmd.Bool("cancel") {
		return a.answered(ctx, cmd, s, request.Request{Kind: request.Halt, Account: account, AndCancel: true})
	}
	return nil
}

func (a *app) lift(ctx context.Context, cmd *cli.Command) error {
	account, name, err := whom(cmd)
	if err != nil {
		return err
	}
	if cmd.String("actor") == "" {
		return errors.New("a lift says by whom: --actor is required")
	}
	s, err := open(ctx, cmd, writes)
	if err != nil {
		return err
	}
	defer s.close()
	halts, err := s.store.Halts(ctx, s.name)
	if err != nil {
		return err
	}
	inForce := false
	for _, h := range halts {
		inForce = inForce || h.Account == account
	}
	h := store.Halt{Scheduler: s.name, Account: account, Reason: cmd.String("reason"), Actor: cmd.String("actor"), At: s.now().UTC()}
	if !inForce {
		if err := s.store.Lift(ctx, h); err != nil { // which says that nobody has the name
			return ordered(err)
		}
		return exit(exitFailed, "there is no halt of %s to lift", name)
	}
	if yes, err := a.ask(cmd, fmt.Sprintf("Lift the halt of %s of %s?", name, s.name)); err != nil || !yes {
		return err
	}
	if err := s.store.Lift(ctx, h); err != nil {
		return ordered(err)
	}
	fmt.Fprintf(a.out, "Lifted: %s of %s.\n", name, s.name)
	return nil
}

// ordered is the error of an order.
func ordered(err error) error {
	if errors.Is(err, store.ErrUnknownAccount) {
		return exit(exitFailed, "nothing was done: %w (tradeclock accounts lists them)", err)
	}
	return err
}

func (a *app) haltsCommand() *cli.Command {
	return &cli.Command{
		Name: "halts", Usage: "what is halted, by whom and why", Description: "Example: tradeclock halts",
		Action: func(ctx context.Context, cmd *cli.Command) error {
			s, err := open(ctx, cmd, reads)
			if err != nil {
				return err
			}
			defer s.close()
			halts, err := s.store.Halts(ctx, s.name)
			if err != nil {
				return err
			}
			return list(a, cmd, listing[store.Halt]{
				items:  halts,
				header: []string{"ACCOUNT", "SINCE", "BY", "REASON"},
				line: func(h store.Halt) []string {
					account := h.Account
					if account == "" {
						account = "(all)"
					}
					return []string{account, s.dateTime(h.At), h.Actor, h.Reason}
				},
				none: "Nothing is halted.",
			})
		},
	}
}
