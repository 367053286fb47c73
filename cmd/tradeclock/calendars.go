package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/exchange"
	"github.com/tradeclock/tradeclock/internal/faces"
)

func (a *app) calendarCommand() *cli.Command {
	return &cli.Command{
		Name: "calendar", Usage: "the trading days: list, show",
		Description: "No database is needed.",
		Commands: []*cli.Command{
			{Name: "list", Usage: "the calendars that there are, and what they cover", Description: "Example: tradeclock calendar list", Action: a.listCalendars},
			{
				Name: "show", Usage: "dates as a calendar has them", ArgsUsage: "[NAME] [FROM [TO]]",
				Description: "Example: tradeclock calendar show XNSE 2026-11-01 2026-11-30\n\nWithout dates it shows two weeks from today on.", Action: a.showCalendar,
			},
		},
	}
}

func (a *app) listCalendars(_ context.Context, cmd *cli.Command) error {
	_, loc, lookup, err := calendarsOf(cmd)
	if err != nil {
		return err
	}
	clock, err := clockOf(cmd.String("at"), loc)
	if err != nil {
		return err
	}
	names := exchange.Names()
	if folder := cmd.String("calendars"); folder != "" {
		set, err := exchange.LoadDir(folder)
		if err != nil {
			return err
		}
		names = set.Names()
	}
	var all []faces.Coverage
	for _, name := range names {
		cal, err := lookup(name)
		if err != nil {
			return err
		}
		all = append(all, faces.CoverageOf(cal, calendar.DateOf(clock.Now().In(cal.Location()))))
	}
	return list(a, cmd, listing[faces.Coverage]{
		items:  all,
		header: []string{"NAME", "ZONE", "FIRST", "LAST", "DAYS LEFT", "VERSION"},
		line: func(c faces.Coverage) []string {
			return []string{c.Name, c.Zone, c.First.String(), c.Last.String(), fmt.Sprint(c.Left), c.Version}
		},
		none: "There are no calendars.",
	})
}

// shownDay is a date as a calendar has it, or why it does not know it.
type shownDay struct {
	calendar.Session
	Unknown string `json:"unknown,omitzero"`
}

func (a *app) showCalendar(_ context.Context, cmd *cli.Command) error {
	cal, loc, lookup, err := calendarsOf(cmd)
	if err != nil {
		return err
	}
	args := cmd.Args().Slice()
	if len(args) > 0 && !isDate(args[0]) {
		if cal, err = lookup(args[0]); err != nil {
			return err
		}
		loc, args = cal.Location(), args[1:]
	} else if cmd.String("calendar") == "" {
		return errors.New("which calendar? As in: tradeclock calendar show XNSE")
	}
	s := &service{calendar: cal, loc: loc}
	if s.clock, err = clockOf(cmd.String("at"), loc); err != nil {
		return err
	}
	first, err := s.date(strings.Join(args[:min(1, len(args))], ""))
	if err != nil {
		return err
	}
	last := first.AddDays(13)
	if len(args) > 1 {
		if last, err = s.date(args[1]); err != nil {
			return err
		}
	}
	switch {
	case last.Before(first):
		return fmt.Errorf("%v is before %v", last, first)
	case faces.DaysTo(first, last) > 1000:
		return errors.New("that is more than a thousand dates")
	}
	var days []shownDay
	for d := first; !d.After(last); d = d.AddDays(1) {
		session, err := cal.Session(d)
		if err != nil {
			days = append(days, shownDay{calendar.Session{Date: d}, err.Error()})
			continue
		}
		days = append(days, shownDay{Session: session})
	}
	return list(a, cmd, s.daysListing(days))
}

// isDate reports whether an argument is a date, and not the name of a calendar.
func isDate(arg string) bool {
	return slices.Contains([]string{"today", "tomorrow", "yesterday"}, arg) || arg != "" && arg[0] >= '0' && arg[0] <= '9'
}

func (s *service) daysListing(days []shownDay) listing[shownDay] {
	return listing[shownDay]{
		items:  days,
		header: []string{"DATE", "DAY", "SESSION", "OPEN", "CLOSE", "PHASES"},
		line: func(d shownDay) []string {
			opens, closes := "", ""
			if from, to, ok := d.Bounds(calendar.PhaseRegular); ok {
				opens, closes = s.clockTime(from), s.clockTime(to)
			}
			var phases []string
			for _, p := range d.Phases {
				phases = append(phases, fmt.Sprintf("%s %s-%s", p.Name, s.clockTime(p.Start), s.clockTime(p.End)))
			}
			what := d.Describe()
			if d.Unknown != "" {
				what = "unknown: " + d.Unknown
			}
			return []string{d.Date.String(), d.Date.Weekday().String()[:3], what, opens, closes, strings.Join(phases, ", ")}
		},
		paint: func(d shownDay, _ int) string {
			if !d.Open() {
				return dim
			}
			return ""
		},
	}
}
