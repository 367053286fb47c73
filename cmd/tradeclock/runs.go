package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/tradeclock/tradeclock/internal/faces"
	"github.com/tradeclock/tradeclock/store"
)

func (a *app) runsCommand() *cli.Command {
	return &cli.Command{
		Name: "runs", Usage: "the history of runs, the newest first",
		Description: "Example: tradeclock runs --outcome missed,failed --since 2026-11-20",
		Flags: []cli.Flag{
			accountFlag(), taskFlag(),
			&cli.StringFlag{Name: "slot", Usage: "of one `SLOT`"},
			&cli.StringSliceFlag{Name: "outcome", Usage: "of these outcomes, as in missed,failed"},
			&cli.StringFlag{Name: "since", Usage: "of sessions from a `DATE` on"},
			&cli.StringFlag{Name: "until", Usage: "of sessions up to a `DATE`"},
			&cli.BoolFlag{Name: "oldest-first", Usage: "the other way round"},
			limitFlag(100), afterFlag(),
		},
		Action: a.runs,
	}
}

func (a *app) runs(ctx context.Context, cmd *cli.Command) error {
	s, err := open(ctx, cmd, reads)
	if err != nil {
		return err
	}
	defer s.close()
	q, err := s.runsQuery(cmd)
	if err != nil {
		return err
	}
	var runs []store.Run
	more := true
	for limit := cmd.Int("limit"); more && len(runs) < limit; {
		q.Limit = min(pageSize, limit-len(runs))
		page, err := s.view.Runs(ctx, q)
		if err != nil {
			return err
		}
		runs = append(runs, page...)
		if more = len(page) == q.Limit; more {
			q.After = page[len(page)-1].Cursor()
		}
	}
	err = list(a, cmd, s.runsListing(runs))
	if more {
		a.tellMore(q.After)
	}
	return err
}

func (s *service) runsQuery(cmd *cli.Command) (q store.Query, err error) {
	q = store.Query{
		Account: cmd.String("account"), Task: cmd.String("task"), Slot: cmd.String("slot"), NewestFirst: !cmd.Bool("oldest-first"),
	}
	for _, text := range cmd.StringSlice("outcome") {
		o, err := store.ParseOutcome(strings.TrimSpace(text))
		if err != nil {
			return q, fmt.Errorf("--outcome: %w", err)
		}
		q.Outcomes = append(q.Outcomes, o)
	}
	if text := cmd.String("since"); text != "" {
		if q.From, err = s.date(text); err != nil {
			return q, fmt.Errorf("--since: %w", err)
		}
	}
	if text := cmd.String("until"); text != "" {
		if q.To, err = s.date(text); err != nil {
			return q, fmt.Errorf("--until: %w", err)
		}
	}
	if err := q.After.UnmarshalText([]byte(cmd.String("after"))); err != nil {
		return q, fmt.Errorf("--after: %w", err)
	}
	return q, nil
}

func (s *service) runsListing(runs []store.Run) listing[store.Run] {
	return listing[store.Run]{
		items:  runs,
		header: []string{"SESSION", "DUE", "ACCOUNT", "TASK", "N", "OUTCOME", "STARTED", "LATE", "TOOK", "BY", "WHY"},
		line: func(r store.Run) []string {
			m := faces.MarkOfOutcome(r.Outcome)
			started, took := "", ""
			if !r.Started.IsZero() {
				started = r.Started.In(s.loc).Format(time.TimeOnly)
			}
			if !r.Started.IsZero() && !r.Finished.IsZero() {
				took = r.Finished.Sub(r.Started).Round(time.Millisecond).String()
			}
			return []string{
				r.Session.String(), s.clockTime(r.Due), r.Account, r.Task, strconv.Itoa(r.Occurrences()), m.Sign + " " + m.Word,
				started, lateness(r), took, r.Actor, firstLine(r.Reason),
			}
		},
		paint: func(r store.Run, column int) string {
			if column != 5 {
				return ""
			}
			return colourOf(faces.MarkOfOutcome(r.Outcome))
		},
		none:  "There are no such runs.",
		sheet: sheet[store.Run]{runHeader, func(r store.Run) []string { return s.runRecord(r, r.Outcome.String()) }},
	}
}

func (a *app) explainCommand() *cli.Command {
	return &cli.Command{
		Name: "explain", Usage: "why a task did or did not run, in one sentence", ArgsUsage: "TASK [DATE]",
		Description:   "Example: tradeclock explain buy_orders yesterday --account 42",
		Flags:         []cli.Flag{accountFlag()},
		ShellComplete: completeTasks,
		Action: func(ctx context.Context, cmd *cli.Command) error {
			task := cmd.Args().First()
			if task == "" {
				return errors.New("which task? As in: tradeclock explain buy_orders")
			}
			s, err := open(ctx, cmd, reads)
			if err != nil {
				return err
			}
			defer s.close()
			date, err := s.dateArg(cmd, 1)
			if err != nil {
				return err
			}
			account, err := s.account(ctx, cmd)
			if err != nil {
				return err
			}
			sentence, err := s.view.Explain(ctx, account, task, date)
			if err != nil {
				return err
			}
			if cmd.String("output") == "json" {
				return a.json(map[string]string{"account": account, "task": task, "date": date.String(), "explanation": sentence})
			}
			_, err = fmt.Fprintln(a.out, sentence)
			return err
		},
	}
}

// completeTasks offers the tasks that have schedules, and the flags.
func completeTasks(ctx context.Context, cmd *cli.Command) {
	cli.DefaultCompleteWithFlags(ctx, cmd)
	s, err := open(ctx, cmd, reads)
	if err != nil {
		return // a completion says nothing of what is wrong
	}
	defer s.close()
	rows, _ := s.store.Schedules(ctx)
	seen := make(map[string]bool)
	for _, row := range rows {
		if !seen[row.Task] {
			seen[row.Task] = true
			fmt.Fprintln(cmd.Root().Writer, row.Task)
		}
	}
}
