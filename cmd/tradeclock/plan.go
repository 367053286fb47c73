package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/faces"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/view"
)

const pageSize = 1000

func (a *app) planCommand() *cli.Command {
	return &cli.Command{
		Name: "plan", Usage: "the plan of a day, and what became of it", ArgsUsage: "[DATE]",
		Description: "Example: tradeclock plan tomorrow --account 42\n\n" +
			"On a terminal the day is a picture as well. What became of each occurrence that is due again and again " +
			"is told together; --each tells of each, and so do json, jsonl and csv.",
		Flags: []cli.Flag{
			accountFlag(), taskFlag(),
			&cli.BoolFlag{Name: "each", Usage: "a line for each occurrence"},
			&cli.BoolFlag{Name: "timeline", Usage: "the day as a picture, also where the output is no terminal"},
			limitFlag(pageSize), afterFlag(),
		},
		Action: a.plan,
	}
}

func accountFlag() cli.Flag {
	return &cli.StringFlag{Name: "account", Aliases: []string{"a"}, Usage: "of one `ACCOUNT`"}
}

func taskFlag() cli.Flag {
	return &cli.StringFlag{Name: "task", Aliases: []string{"t"}, Usage: "of one `TASK`"}
}

func limitFlag(n int) cli.Flag {
	return &cli.IntFlag{Name: "limit", Value: n, Usage: "how many at most", Validator: positive}
}

func positive(n int) error {
	if n < 1 {
		return errors.New("want a number from 1 on")
	}
	return nil
}

func afterFlag() cli.Flag {
	return &cli.StringFlag{Name: "after", Usage: "go on after the `PLACE` that the page before ended with"}
}

func (a *app) plan(ctx context.Context, cmd *cli.Command) error {
	s, err := open(ctx, cmd, reads)
	if err != nil {
		return err
	}
	defer s.close()
	date, err := s.dateArg(cmd, 0)
	if err != nil {
		return err
	}
	q := view.PlanQuery{Account: cmd.String("account"), Task: cmd.String("task")}
	if err := q.After.UnmarshalText([]byte(cmd.String("after"))); err != nil {
		return fmt.Errorf("--after: %w", err)
	}
	items, more, err := s.planOf(ctx, date, q, cmd.Int("limit"))
	if err != nil {
		return err
	}
	if cmd.String("output") == "table" {
		fmt.Fprintln(a.out, plain(s.headline(date)))
		if cmd.Bool("timeline") || a.terminal {
			a.timeline(cmd, s, items)
		}
		fmt.Fprintln(a.out)
	}
	err = a.listPlan(cmd, s, date, items)
	if more && len(items) > 0 {
		a.tellMore(items[len(items)-1].Cursor())
	}
	return err
}

// tellMore says how the next page is asked for.
func (a *app) tellMore(after store.Cursor) {
	fmt.Fprintf(a.err, "there is more: --after %s\n", after)
}

// planOf reads a plan up to a limit, and reports whether there may be more.
func (s *service) planOf(ctx context.Context, date calendar.Date, q view.PlanQuery, limit int) (items []store.AgendaItem, more bool, err error) {
	for {
		q.Limit = min(pageSize, limit-len(items))
		if q.Limit <= 0 {
			return items, true, nil
		}
		page, err := s.view.Plan(ctx, date, q)
		if err != nil {
			return nil, false, err
		}
		items = append(items, page...)
		if len(page) < q.Limit {
			return items, false, nil
		}
		q.After = page[len(page)-1].Cursor()
	}
}

// headline says what the date is.
func (s *service) headline(date calendar.Date) string {
	text := fmt.Sprintf("%v, %v, %s", date, date.Weekday(), s.loc)
	session, err := s.calendar.Session(date)
	switch {
	case err != nil:
		return fmt.Sprintf("%s: %v", text, err)
	case session.HoursUnknown:
		return fmt.Sprintf("%s: %s by %s, whose hours are not known", text, session.Describe(), s.calendar.Name())
	}
	text += fmt.Sprintf(": %s by %s", session.Describe(), s.calendar.Name())
	if from, to, ok := session.Bounds(calendar.PhaseRegular); ok {
		text += fmt.Sprintf(", %s to %s", s.clockTime(from), s.clockTime(to))
	}
	return text
}

// clockTime is a wall time of the service, without seconds if there are none.
func (s *service) clockTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	t = t.In(s.loc)
	if t.Second() != 0 {
		return t.Format(time.TimeOnly)
	}
	return t.Format("15:04")
}

func (a *app) listPlan(cmd *cli.Command, s *service, date calendar.Date, items []store.AgendaItem) error {
	if cmd.String("output") != "table" {
		return list(a, cmd, listing[store.AgendaItem]{
			items: items,
			sheet: sheet[store.AgendaItem]{runHeader, func(item store.AgendaItem) []string { return s.itemRecord(date, item) }},
		})
	}
	return list(a, cmd, listing[faces.Stretch]{
		items:  faces.Stretches(items, cmd.Bool("each")),
		header: []string{"DUE", "TO", "ACCOUNT", "TASK", "N", "OUTCOME", "STARTED", "LATE", "WHY"},
		line: func(st faces.Stretch) []string {
			started, late := "", ""
			if st.Count == 1 && !st.Run.Started.IsZero() {
				started, late = st.Run.Started.In(s.loc).Format(time.TimeOnly), lateness(st.Run)
			}
			to := ""
			if st.Last.After(st.Due) {
				to = s.clockTime(st.Last)
			}
			return []string{s.clockTime(st.Due), to, st.Account, st.Task, strconv.Itoa(st.Count), s.outcomeOf(st.AgendaItem), started, late, firstLine(faces.Why(st.AgendaItem))}
		},
		paint: func(st faces.Stretch, column int) string {
			if column != 5 {
				return ""
			}
			return colourOf(faces.MarkOf(st.AgendaItem, s.now()))
		},
		none: "Nothing is due.",
	})
}

// outcomeOf says what became of an item, with its sign, or what is to.
func (s *service) outcomeOf(item store.AgendaItem) string {
	m := faces.MarkOf(item, s.now())
	return m.Sign + " " + m.Word
}

func lateness(run store.Run) string {
	if late := run.Lateness(); late >= time.Second {
		return late.Round(time.Second).String()
	}
	return ""
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}
