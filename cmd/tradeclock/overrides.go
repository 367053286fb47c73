package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/urfave/cli/v3"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/faces"
	"github.com/tradeclock/tradeclock/request"
	"github.com/tradeclock/tradeclock/store"
)

func (a *app) skipCommand() *cli.Command {
	return &cli.Command{
		Name: "skip", Usage: "have one occurrence skipped, and the schedule stay as it is", ArgsUsage: "TASK [DATE]",
		Description: "Example: tradeclock skip analysis tomorrow --account 42 --reason \"no data\" --actor ana\n\n" +
			"It gets its row when it is due, with your name and reason. restore takes it back.",
		Flags: overrideFlags(),
		Action: func(ctx context.Context, cmd *cli.Command) error {
			return a.override(ctx, cmd, request.Skip, cmd.Args().Get(1), "Skip %s on %v, for %s?")
		},
	}
}

func (a *app) moveCommand() *cli.Command {
	return &cli.Command{
		Name: "move", Usage: "have one occurrence run at another time of its day", ArgsUsage: "TASK TIME [DATE]",
		Description: "Example: tradeclock move analysis 17:30 tomorrow --account 42 --reason \"late data\" --actor ana\n\n" +
			"The schedule stays as it is, and so does what comes after the task. restore takes it back.",
		Flags: overrideFlags(),
		Action: func(ctx context.Context, cmd *cli.Command) error {
			return a.override(ctx, cmd, request.Move, cmd.Args().Get(2), "Move %s on %v to "+cmd.Args().Get(1)+", for %s?")
		},
	}
}

func (a *app) restoreCommand() *cli.Command {
	return &cli.Command{
		Name: "restore", Usage: "take back that an occurrence is skipped or moved", ArgsUsage: "TASK [DATE]",
		Description: "Example: tradeclock restore analysis tomorrow --account 42 --reason \"the data came\" --actor ana",
		Flags:       overrideFlags(),
		Action: func(ctx context.Context, cmd *cli.Command) error {
			return a.override(ctx, cmd, request.Restore, cmd.Args().Get(1), "Let %s run on %v as scheduled, for %s?")
		},
	}
}

func overrideFlags() []cli.Flag {
	return append(askFlags(),
		&cli.StringFlag{Name: "account", Usage: "for this `ACCOUNT`"},
		&cli.BoolFlag{Name: "all", Usage: "for all accounts that have no word of their own"},
		&cli.StringFlag{Name: "slot", Usage: "the `SLOT` of a task that is due more than once on the day, as plan --each has it"},
	)
}

// override asks for what is to become of one occurrence.
func (a *app) override(ctx context.Context, cmd *cli.Command, kind request.Kind, date, question string) error {
	r := request.Request{Kind: kind, Task: cmd.Args().First(), Account: cmd.String("account"), Slot: cmd.String("slot")}
	of := "account " + r.Account
	switch {
	case r.Task == "":
		return errors.New("which task? Name one")
	case r.Account == "" && !cmd.Bool("all"):
		return errors.New("for whom? Name an account by --account, or say --all")
	case r.Account != "" && cmd.Bool("all"):
		return errors.New("for an account, or for all?")
	case cmd.String("reason") == "" || cmd.String("actor") == "":
		return errors.New("it says why, and by whom: --reason and --actor are required")
	case r.Account == "":
		of = "all accounts"
	}
	s, err := open(ctx, cmd, writes)
	if err != nil {
		return err
	}
	defer s.close()
	if r.Session, err = s.date(date); err != nil {
		return err
	}
	if kind == request.Move {
		wall, err := calendar.ParseWallTime(cmd.Args().Get(1))
		if err != nil {
			return fmt.Errorf("to when? %w", err)
		}
		rows, err := a.schedules(ctx, s)
		if err != nil {
			return err
		}
		loc, err := faces.ZoneOf(rows, r.Account, r.Task, s.calendar.Name(), s.loc, s.lookup)
		if err != nil {
			return err
		}
		r.MoveTo = wall.On(r.Session, loc)
	}
	return a.request(ctx, cmd, s, r, fmt.Sprintf(question, r.Task, r.Session, of))
}

func (a *app) overridesCommand() *cli.Command {
	return &cli.Command{
		Name: "overrides", Usage: "which occurrences are skipped or moved, by whom and why", ArgsUsage: "[FROM [TO]]",
		Description: "Example: tradeclock overrides",
		Action: func(ctx context.Context, cmd *cli.Command) error {
			s, err := open(ctx, cmd, reads)
			if err != nil {
				return err
			}
			defer s.close()
			q := store.OverrideQuery{Scheduler: s.name}
			if q.From, err = s.dateArg(cmd, 0); err != nil {
				return err
			}
			if cmd.Args().Len() > 1 {
				if q.To, err = s.dateArg(cmd, 1); err != nil {
					return err
				}
			}
			found, err := s.store.Overrides(ctx, q)
			if err != nil {
				return err
			}
			return list(a, cmd, listing[store.Override]{
				items:  found,
				header: []string{"SESSION", "TASK", "ACCOUNT", "SLOT", "DUE", "INSTEAD", "BY", "REASON"},
				line: func(o store.Override) []string {
					account, instead := o.Account, "skipped"
					if account == "" {
						account = "(all)"
					}
					if !o.Skips() {
						instead = s.dateTime(o.At)
					}
					return []string{o.Session.String(), o.Task, account, o.Slot, s.dateTime(o.Due), instead, o.Actor, o.Reason}
				},
				none: "Nothing is skipped or moved.",
			})
		},
	}
}
