package main

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
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
	return &cli.IntFlag{Name: "limit", Value: n, Usage: "how many at most"}
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
	q := tradeclock.PlanQuery{Account: cmd.String("account"), Task: cmd.String("task")}
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
	err = a.listPlan(cmd, s, items)
	if more && len(items) > 0 {
		a.tellMore(items[len(items)-1].Cursor())
	}
	return err
}

// tellMore says how the next page is asked for.
func (a *app) tellMore(after tradeclock.Cursor) {
	fmt.Fprintf(a.err, "there is more: --after %s\n", after)
}

// planOf reads a plan up to a limit, and reports whether there may be more.
func (s *service) planOf(ctx context.Context, date calendar.Date, q tradeclock.PlanQuery, limit int) (items []tradeclock.AgendaItem, more bool, err error) {
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

// stretch is a number of items of one task that became the same, one after the other.
type stretch struct {
	tradeclock.AgendaItem
	last  time.Time
	count int
}

// stretches puts together what is due again and again and became the same, in the order of
// the first of each.
func stretches(items []tradeclock.AgendaItem, each bool) []stretch {
	var all []stretch
	open := make(map[string]int) // of each account and task
	for _, item := range items {
		key := item.Account + "\x00" + item.Task
		at, known := open[key]
		if known && !each && became(all[at].AgendaItem) == became(item) {
			all[at].count += item.Run.Occurrences()
			all[at].last = through(item)
			continue
		}
		open[key] = len(all)
		all = append(all, stretch{item, through(item), item.Run.Occurrences()})
	}
	return all
}

func through(item tradeclock.AgendaItem) time.Time {
	if item.Run.Outcome == tradeclock.NoOutcome {
		return item.Due
	}
	return item.Run.Through()
}

// became is what became of an item, as far as it is told of many together.
func became(item tradeclock.AgendaItem) string {
	return item.Run.Outcome.String() + "\x00" + why(item)
}

func why(item tradeclock.AgendaItem) string {
	if item.Run.Outcome == tradeclock.NoOutcome {
		return cmp.Or(item.Skip, item.Moved)
	}
	return item.Run.Reason
}

func (a *app) listPlan(cmd *cli.Command, s *service, items []tradeclock.AgendaItem) error {
	if form := cmd.String("output"); form == "json" || form == "jsonl" {
		return list(a, cmd, listing[tradeclock.AgendaItem]{items: items})
	}
	each := cmd.Bool("each") || cmd.String("output") == "csv"
	return list(a, cmd, listing[stretch]{
		items:  stretches(items, each),
		header: []string{"DUE", "TO", "ACCOUNT", "TASK", "N", "OUTCOME", "STARTED", "LATE", "WHY"},
		line: func(st stretch) []string {
			started, late := "", ""
			if st.count == 1 && !st.Run.Started.IsZero() {
				started, late = st.Run.Started.In(s.loc).Format(time.TimeOnly), lateness(st.Run)
			}
			to := ""
			if st.last.After(st.Due) {
				to = s.clockTime(st.last)
			}
			return []string{s.clockTime(st.Due), to, st.Account, st.Task, strconv.Itoa(st.count), s.outcomeOf(st.AgendaItem), started, late, firstLine(why(st.AgendaItem))}
		},
		paint: func(st stretch, column int) string {
			if column != 5 {
				return ""
			}
			return colourOf(markOf(st.AgendaItem, s.now()))
		},
		none: "Nothing is due.",
	})
}

// outcomeOf says what became of an item, with its sign, or what is to.
func (s *service) outcomeOf(item tradeclock.AgendaItem) string {
	m := markOf(item, s.now())
	return m.sign + " " + m.word
}

func lateness(run tradeclock.Run) string {
	if late := run.Lateness(); late >= time.Second {
		return late.Round(time.Second).String()
	}
	return ""
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}
