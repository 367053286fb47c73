package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/tradeclock/tradeclock/internal/faces"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/view"
)

func (a *app) schedulesCommand() *cli.Command {
	return &cli.Command{
		Name: "schedules", Usage: "what runs when: list, show, lint, export, set, import",
		Commands: []*cli.Command{
			{
				Name: "list", Usage: "all rows", Description: "Example: tradeclock schedules list -o csv",
				Flags: []cli.Flag{accountFlag(), taskFlag()}, Action: a.listSchedules,
			},
			{
				Name: "show", Usage: "one row, and when it is due next", ArgsUsage: "TASK", Description: "Example: tradeclock schedules show buy_orders",
				Flags: []cli.Flag{accountFlag()}, ShellComplete: completeTasks, Action: a.showSchedule,
			},
			{
				Name: "lint", Usage: "what is wrong with rows, or hardly meant", Description: "Example: tradeclock schedules lint\n\nIt ends with 1 if it finds anything.",
				Action: a.lint,
			},
			{
				Name: "export", Usage: "all rows in a form that import reads: json, or csv by -o csv", Description: "Example: tradeclock schedules export >schedules.json",
				Action: a.export,
			},
			a.setCommand(), a.removeCommand(),
			a.importCommand(),
		},
	}
}

// schedules reads the rows, and says on the side which cannot be read.
func (a *app) schedules(ctx context.Context, s *service) ([]store.Schedule, error) {
	rows, err := s.store.Schedules(ctx)
	var quarantine *store.QuarantineError
	if errors.As(err, &quarantine) {
		fmt.Fprintln(a.err, "tradeclock:", plain(strings.ReplaceAll(quarantine.Error(), "\n", "; ")))
		err = nil
	}
	return rows, err
}

func (a *app) listSchedules(ctx context.Context, cmd *cli.Command) error {
	s, err := open(ctx, cmd, reads)
	if err != nil {
		return err
	}
	defer s.close()
	rows, err := a.schedules(ctx, s)
	if err != nil {
		return err
	}
	rows = slices.DeleteFunc(rows, func(r store.Schedule) bool {
		return cmd.IsSet("account") && r.Account != cmd.String("account") || cmd.IsSet("task") && r.Task != cmd.String("task")
	})
	return list(a, cmd, listing[store.Schedule]{
		items:  rows,
		header: []string{"TASK", "ACCOUNT", "RULE", "SESSIONS", "STATE", "DELIVERY", "NEXT", "DESCRIPTION"},
		line: func(r store.Schedule) []string {
			return []string{r.Task, r.Account, r.Rule.String(), r.Sessions.String(), state(r), r.Delivery.String(), s.nextOf(ctx, r), r.Description}
		},
		paint: func(r store.Schedule, _ int) string {
			if r.Disabled {
				return dim
			}
			return ""
		},
		none: "There are no schedules.",
	})
}

func state(r store.Schedule) string {
	if r.Disabled {
		return "disabled"
	}
	return "enabled"
}

// nextOf says when a row is due next, or why it is not.
func (s *service) nextOf(ctx context.Context, r store.Schedule) string {
	timetable, err := s.view.Timetable(ctx, r.Account, r.Task)
	if err != nil {
		return ""
	}
	next, err := timetable.Next(s.now())
	if err != nil {
		return ""
	}
	return next.In(s.loc).Format("2006-01-02 15:04")
}

// find returns a row, as it is stored.
func (a *app) find(ctx context.Context, s *service, account, task string) (store.Schedule, error) {
	rows, err := a.schedules(ctx, s)
	if err != nil {
		return store.Schedule{}, err
	}
	key := store.ScheduleKey{Task: task, Account: account}
	shared := false
	for _, r := range rows {
		if r.Key() == key {
			return r, nil
		}
		shared = shared || r.Key() == store.ScheduleKey{Task: task}
	}
	if shared {
		return store.Schedule{}, exit(exitFailed, "%s has no row of its own: the one of all accounts holds for it (schedules import adds rows)", key)
	}
	return store.Schedule{}, exit(exitFailed, "%s: %w", key, store.ErrNoSchedule)
}

func (a *app) showSchedule(ctx context.Context, cmd *cli.Command) error {
	s, err := open(ctx, cmd, reads)
	if err != nil {
		return err
	}
	defer s.close()
	if cmd.Args().First() == "" {
		return errors.New("which task? As in: tradeclock schedules show buy_orders")
	}
	row, err := a.find(ctx, s, cmd.String("account"), cmd.Args().First())
	if err != nil {
		return err
	}
	if cmd.String("output") != "table" {
		return a.json(row)
	}
	fields, err := faces.FieldsOf(row)
	if err != nil {
		return err
	}
	for _, name := range faces.ScheduleFields {
		if fields[name] != "" {
			fmt.Fprintf(a.out, "%-16s %s\n", name, plain(fields[name]))
		}
	}
	if timetable, err := s.view.Timetable(ctx, row.Account, row.Task); err == nil {
		at := s.now()
		for range 5 {
			if at, err = timetable.Next(at); err != nil {
				break
			}
			fmt.Fprintf(a.out, "%-16s %s\n", "next", at.In(s.loc).Format("Mon 2006-01-02 15:04:05"))
		}
	}
	return nil
}

func (a *app) lint(ctx context.Context, cmd *cli.Command) error {
	s, err := open(ctx, cmd, reads)
	if err != nil {
		return err
	}
	defer s.close()
	found, err := s.view.Lint(ctx, store.ScheduleChanges{})
	if err != nil {
		return err
	}
	err = list(a, cmd, listing[view.Finding]{
		items:  found,
		header: []string{"TASK", "ACCOUNT", "KIND", "FINDING"},
		line:   func(f view.Finding) []string { return []string{f.Task, f.Account, kindOf(f), f.Text} },
		none:   "Nothing is odd.",
	})
	if err == nil && len(found) > 0 {
		err = &exitError{code: exitFailed}
	}
	return err
}

func kindOf(f view.Finding) string {
	if f.Unusable {
		return "unusable"
	}
	return "odd"
}

func (a *app) export(ctx context.Context, cmd *cli.Command) error {
	s, err := open(ctx, cmd, reads)
	if err != nil {
		return err
	}
	defer s.close()
	rows, err := s.store.Schedules(ctx)
	if err != nil {
		return exit(exitFailed, "an export leaves nothing out, and a row cannot be read: %w", err)
	}
	for i := range rows { // what the store gives a row, and no import sets
		rows[i].Since, rows[i].Prior, rows[i].Version = time.Time{}, nil, 0
	}
	if cmd.String("output") == "csv" {
		return a.writeCSV(rows)
	}
	if rows == nil {
		rows = []store.Schedule{}
	}
	return a.json(rows)
}
