package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/cron"
	"github.com/tradeclock/tradeclock/internal/faces"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/view"
)

func (a *app) setCommand() *cli.Command {
	text := func(name, usage string) cli.Flag { return &cli.StringFlag{Name: name, Usage: usage} }
	length := func(name, usage string) cli.Flag { return &cli.DurationFlag{Name: name, Usage: usage} }
	return &cli.Command{
		Name: "set", Usage: "change named fields of one row, and no other", ArgsUsage: "TASK",
		Description: "Example: tradeclock schedules set sell_monitor --timeout 3m\n\n" +
			"It shows what the edit would change in the next sessions, and asks. It ends with 5, and writes nothing, " +
			"if somebody else has edited the row meanwhile.",
		ShellComplete: completeTasks,
		Flags: append([]cli.Flag{
			accountFlag(),
			text("rule", "when it is due, as in \"daily 09:01\""),
			text("on-calendar", "the calendar by which the rule is read; empty for the service's"),
			&cli.BoolFlag{Name: "disable", Usage: "start nothing new"},
			&cli.BoolFlag{Name: "enable", Usage: "start again, from now on"},
			text("sessions", "the kinds of session, as in regular,shortened"),
			&cli.IntFlag{Name: "priority", Usage: "what is due at one instant starts in this order"},
			length("timeout", "of each attempt"),
			length("catch-up", "how long after its due time a run may start"),
			text("catch-up-until", "a moment that ends the catch-up, as in close-5m; empty for none"),
			text("overlap", "skip, queue, cancel or allow"),
			text("exclusive", "the group; empty for none"),
			length("spread", "over how long the accounts start"),
			text("start-limit", "the limit that starts count against; empty for none"),
			text("delivery", "at-most-once or at-least-once"),
			&cli.IntFlag{Name: "retry-attempts", Usage: "in all"},
			length("retry-backoff", "before the second attempt"),
			length("retry-max-backoff", "before any attempt"),
			length("retry-within", "how long after the due time an attempt may start"),
			text("description", "for people"),
			&cli.Int64Flag{Name: "if-version", Usage: "only if the row has this `VERSION`"},
		}, editFlags()...),
		Action: a.set,
	}
}

func editFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "reason", Usage: "why, for those who read it later"},
		&cli.StringFlag{Name: "actor", Usage: "who edits", Sources: cli.EnvVars("TRADECLOCK_ACTOR")},
		&cli.BoolFlag{Name: "dry-run", Usage: "write nothing, and end with 2 if anything would change"},
		&cli.BoolFlag{Name: "yes", Aliases: []string{"y"}, Usage: "do not ask"},
		&cli.IntFlag{Name: "sessions-ahead", Value: 3, Usage: "how many sessions are shown", Validator: positive},
	}
}

// editOf returns the edit that the flags name, of a row.
func editOf(cmd *cli.Command, row store.Schedule) (edit store.ScheduleEdit, err error) {
	f := flags{cmd: cmd}
	edit = store.ScheduleEdit{
		Calendar: f.text("on-calendar"), Priority: f.number("priority"), Timeout: f.length("timeout"), CatchUp: f.length("catch-up"),
		Exclusive: f.text("exclusive"), Spread: f.length("spread"), StartLimit: f.text("start-limit"), Description: f.text("description"),
		Sessions: parsed(&f, "sessions", calendar.ParseSessionSet), Overlap: parsed(&f, "overlap", store.ParseOverlap),
		Delivery: parsed(&f, "delivery", store.ParseDelivery),
	}
	if r := parsed(&f, "rule", cron.ParseRule); r != nil {
		edit.Rule = *r
	}
	if cmd.Bool("disable") || cmd.Bool("enable") {
		disabled := cmd.Bool("disable")
		edit.Disabled = &disabled
		if cmd.Bool("enable") && disabled {
			f.errs = append(f.errs, errors.New("--enable and --disable contradict each other"))
		}
	}
	if cmd.IsSet("catch-up-until") {
		if edit.NoCatchUpUntil = cmd.String("catch-up-until") == ""; !edit.NoCatchUpUntil {
			edit.CatchUpUntil = parsed(&f, "catch-up-until", rule.ParseMoment)
		}
	}
	retry := row.Retry
	assign(&retry.Attempts, f.number("retry-attempts"))
	assign(&retry.Backoff, f.length("retry-backoff"))
	assign(&retry.MaxBackoff, f.length("retry-max-backoff"))
	assign(&retry.Within, f.length("retry-within"))
	if retry != row.Retry {
		edit.Retry = &retry
	}
	return edit, errors.Join(f.errs...)
}

// flags reads those flags that are set.
type flags struct {
	cmd  *cli.Command
	errs []error
}

func (f *flags) text(name string) *string {
	if !f.cmd.IsSet(name) {
		return nil
	}
	text := f.cmd.String(name)
	return &text
}

func (f *flags) number(name string) *int {
	if !f.cmd.IsSet(name) {
		return nil
	}
	n := f.cmd.Int(name)
	return &n
}

func (f *flags) length(name string) *time.Duration {
	if !f.cmd.IsSet(name) {
		return nil
	}
	d := f.cmd.Duration(name)
	return &d
}

func parsed[T any](f *flags, name string, parse func(string) (T, error)) *T {
	text := f.text(name)
	if text == nil {
		return nil
	}
	value, err := parse(*text)
	if err != nil {
		f.errs = append(f.errs, fmt.Errorf("--%s: %w", name, err))
		return nil
	}
	return &value
}

func assign[T any](field *T, value *T) {
	if value != nil {
		*field = *value
	}
}

// editor is by whom an edit is made. Where nothing is written it need not be said.
func editor(cmd *cli.Command) (store.By, error) {
	by := store.By{Actor: cmd.String("actor"), Reason: cmd.String("reason")}
	if by.Validate() != nil && !cmd.Bool("dry-run") {
		return by, errors.New("an edit says why, and by whom: --reason and --actor are required")
	}
	return by, nil
}

func (a *app) set(ctx context.Context, cmd *cli.Command) error {
	task, account := cmd.Args().First(), cmd.String("account")
	if task == "" {
		return errors.New("which task? As in: tradeclock schedules set sell_monitor --timeout 3m")
	}
	by, err := editor(cmd)
	if err != nil {
		return err
	}
	s, err := open(ctx, cmd, writes)
	if err != nil {
		return err
	}
	defer s.close()
	row, err := a.find(ctx, s, account, task)
	if err != nil {
		return err
	}
	edit, err := editOf(cmd, row)
	if err != nil {
		return err
	}
	version := row.Version
	if cmd.IsSet("if-version") {
		version = cmd.Int64("if-version")
	}
	if version != row.Version {
		return &store.ConflictError{Task: task, Account: account, Have: row.Version, Want: version}
	}
	after := row
	edit.Apply(&after)
	agreed, err := a.agree(ctx, cmd, s, []store.Schedule{row}, store.ScheduleChanges{Rows: []store.Schedule{after}})
	if err != nil || !agreed {
		return err
	}
	stored, err := s.store.UpdateSchedule(ctx, by, account, task, version, edit)
	if err != nil {
		return refused(err)
	}
	fmt.Fprintf(a.out, "Done: %s has version %d, and holds from the next poll of the service on, within a minute.\n", stored.Key(), stored.Version)
	return nil
}

func (a *app) removeCommand() *cli.Command {
	return &cli.Command{
		Name: "remove", Usage: "remove one row: the task does not run any more", ArgsUsage: "TASK",
		Description:   "Example: tradeclock schedules remove analysis --account 42 --reason \"closed\" --actor ana",
		ShellComplete: completeTasks,
		Flags:         append([]cli.Flag{accountFlag()}, editFlags()...),
		Action: func(ctx context.Context, cmd *cli.Command) error {
			by, err := editor(cmd)
			if err != nil {
				return err
			}
			s, err := open(ctx, cmd, writes)
			if err != nil {
				return err
			}
			defer s.close()
			row, err := a.find(ctx, s, cmd.String("account"), cmd.Args().First())
			if err != nil {
				return err
			}
			changes := store.ScheduleChanges{Removed: []store.ScheduleKey{row.Key()}}
			if changes.Revision, err = s.store.Revision(ctx); err != nil {
				return err
			}
			agreed, err := a.agree(ctx, cmd, s, []store.Schedule{row}, changes)
			if err != nil || !agreed {
				return err
			}
			if err := s.store.ChangeSchedules(ctx, by, changes); err != nil {
				return refused(err)
			}
			fmt.Fprintf(a.out, "Done: %s is removed.\n", row.Key())
			return nil
		},
	}
}

// refused is an error of an edit that the store did not make, or a request that it did not
// take.
func refused(err error) error {
	var conflict *store.ConflictError
	if errors.As(err, &conflict) || errors.Is(err, store.ErrSchedulesChanged) || isOfDatabase(err) {
		return err
	}
	return &exitError{exitFailed, err}
}

// agree shows what changes of rows would do and asks. It reports whether they are to be
// made: not if there are none, nor in a dry run, which ends with an exit code then.
func (a *app) agree(ctx context.Context, cmd *cli.Command, s *service, before []store.Schedule, changes store.ScheduleChanges) (bool, error) {
	lines, err := difference(before, changes)
	if err != nil {
		return false, err
	}
	if len(lines) == 0 {
		fmt.Fprintln(a.out, "No changes.")
		return false, nil
	}
	preview, err := s.view.Preview(ctx, changes, cmd.Int("sessions-ahead"))
	if err != nil {
		return false, refused(err)
	}
	found, err := s.view.Lint(ctx, changes)
	if err != nil {
		return false, err
	}
	for _, line := range lines {
		fmt.Fprintln(a.out, plain(line))
	}
	a.tellPreview(s, preview)
	for _, f := range found {
		if faces.Concerns(changes, f) {
			fmt.Fprintf(a.out, "! %s: %s\n", store.ScheduleKey{Task: f.Task, Account: f.Account}, plain(f.Text))
		}
	}
	if cmd.Bool("dry-run") {
		return false, &exitError{code: exitDiffers}
	}
	yes, err := a.ask(cmd, "Make the change?")
	if err == nil && !yes {
		fmt.Fprintln(a.out, "Nothing was changed.")
	}
	return yes, err
}

// difference tells what changes of rows are: + one that is added, - one that is removed,
// ~ one of which fields are different.
func difference(before []store.Schedule, changes store.ScheduleChanges) (lines []string, err error) {
	old := make(map[store.ScheduleKey]store.Schedule)
	for _, row := range before {
		old[row.Key()] = row
	}
	for _, row := range changes.Rows {
		was, known := old[row.Key()]
		if !known {
			lines = append(lines, fmt.Sprintf("+ %s: %s", row.Key(), row.Rule))
			continue
		}
		changed, err := faces.FieldChanges(was, row)
		if err != nil {
			return nil, err
		}
		var fields []string
		for _, c := range changed {
			fields = append(fields, fmt.Sprintf("%s %q -> %q", c.Name, c.Was, c.Is))
		}
		if len(fields) > 0 {
			lines = append(lines, fmt.Sprintf("~ %s: %s", row.Key(), strings.Join(fields, ", ")))
		}
	}
	for _, key := range changes.Removed {
		lines = append(lines, fmt.Sprintf("- %s", key))
	}
	return lines, nil
}

// tellPreview tells what changes would do, what is alike in one line.
func (a *app) tellPreview(s *service, p view.Preview) {
	fmt.Fprintf(a.out, "\nUp to %v:\n", p.Through)
	if len(p.Changes) == 0 {
		fmt.Fprintln(a.out, "  the same occurrences")
	}
	for _, c := range faces.AlikeIn(p) {
		fmt.Fprintf(a.out, "  %v  %s: %s\n", c.Session, plain(c.Key.String()), s.tellChange(c.What, c.First, c.Last, c.Count))
	}
	for _, c := range p.Collisions {
		fmt.Fprintf(a.out, "! %s at %s: in the minute of %s, for which it waits as both are in group %q\n", plain(c.Task), c.Due.In(s.loc).Format("2006-01-02 15:04"), plain(c.With), c.Exclusive)
	}
	for _, note := range p.Notes {
		fmt.Fprintf(a.out, "! %s\n", plain(note))
	}
}

func (s *service) tellChange(what string, first, last view.PlanChange, n int) string {
	at := func(c view.PlanChange) string {
		switch what {
		case "moved":
			return s.clockTime(c.Before) + " -> " + s.clockTime(c.After)
		case "dropped":
			return s.clockTime(c.Before)
		}
		return s.clockTime(c.After)
	}
	text := fmt.Sprintf("%s %s", what, at(first))
	if n > 1 {
		text = fmt.Sprintf("%d %s, from %s to %s", n, what, at(first), at(last))
	}
	if first.Awaits != "" {
		text += ", to wait for " + plain(first.Awaits)
	}
	if first.Skip != "" {
		text += ", to be skipped: " + plain(first.Skip)
	}
	return text
}
