package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver of PostgreSQL
	"github.com/jonboulle/clockwork"
	"github.com/urfave/cli/v3"
	"modernc.org/sqlite"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/cron"
	"github.com/tradeclock/tradeclock/exchange"
	"github.com/tradeclock/tradeclock/sqlstore"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/view"
)

// service is a trading service as its database has it.
type service struct {
	db       *sql.DB
	store    *sqlstore.Store
	name     string
	calendar calendar.Calendar
	loc      *time.Location
	lookup   func(string) (calendar.Calendar, error) // finds further calendars
	clock    clockwork.Clock
	view     *view.View
}

// mode is what a command does with the database.
type mode bool

const (
	reads  mode = false
	writes mode = true
)

// open opens the service that the flags name. The caller closes it.
func open(ctx context.Context, cmd *cli.Command, m mode) (*service, error) {
	s := new(service)
	var err error
	if s.calendar, s.loc, s.lookup, err = calendarsOf(cmd); err != nil {
		return nil, err
	}
	if s.clock, err = clockOf(cmd.String("at"), s.loc); err != nil {
		return nil, err
	}
	opts := []sqlstore.Option{sqlstore.WithoutMigration(), sqlstore.WithRuleParser(cron.ParseRule)}
	if cmd.String("at") != "" {
		opts = append(opts, sqlstore.WithClock(s.clock))
		if m == writes && !cmd.Bool("dry-run") {
			return nil, errors.New("--at is for questions: what is written is written now")
		}
	}
	if m == writes && cmd.Bool("dry-run") {
		m = reads
	}
	if s.db, err = openDB(cmd.String("db"), m); err != nil {
		return nil, err
	}
	if s.store, err = sqlstore.Open(ctx, s.db, opts...); err != nil {
		s.close()
		return nil, hinted(err)
	}
	if s.name, err = s.schedulerName(ctx, cmd.String("scheduler")); err != nil {
		s.close()
		return nil, err
	}
	s.view, err = view.New(view.Config{
		Name: s.name, Schedules: s.store, Ledger: s.store, Calendar: s.calendar, Calendars: s.lookup, Location: s.loc, Clock: s.clock,
	})
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *service) close() { _ = s.db.Close() }

// now is the instant that the answers are about.
func (s *service) now() time.Time { return s.clock.Now() }

// today is its date where the service is.
func (s *service) today() calendar.Date { return calendar.DateOf(s.now().In(s.loc)) }

// isOfDatabase reports whether an error is one of the database, and not what the store says
// of an edit.
func isOfDatabase(err error) bool {
	var lite *sqlite.Error
	var pg *pgconn.PgError
	var unreached *pgconn.ConnectError
	return errors.Is(err, sqlstore.ErrReadOnly) || errors.As(err, &lite) || errors.As(err, &pg) || errors.As(err, &unreached)
}

func hinted(err error) error {
	if errors.Is(err, sqlstore.ErrOlderSchema) {
		return fmt.Errorf("%w: the service brings it up to date when it starts, and so does tradeclock db migrate", err)
	}
	return err
}

// openDB opens a database by its address. No error repeats the address, which may have a
// password in it.
func openDB(address string, m mode) (*sql.DB, error) {
	kind, rest, _ := strings.Cut(address, ":")
	switch {
	case address == "":
		return nil, errors.New("which database? Name it by --db or TRADECLOCK_DB: sqlite:FILE, or postgres://…")
	case kind == "sqlite" && rest != "":
		return openFile(rest, m)
	case kind == "postgres" || kind == "postgresql":
		parsed, err := url.Parse(address)
		if err != nil {
			return nil, errors.New("the address of the database is no URL")
		}
		query := parsed.Query()
		if !query.Has("connect_timeout") {
			query.Set("connect_timeout", "5")
			parsed.RawQuery = query.Encode()
		}
		return sql.Open("pgx", parsed.String())
	}
	return nil, errors.New("the database is neither sqlite:FILE nor postgres://…")
}

func openFile(path string, m mode) (*sql.DB, error) {
	path = strings.TrimPrefix(path, "//")
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	access := "ro"
	if m == writes {
		access = "rw"
	}
	return sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?mode="+access)
}

// calendarsOf returns the calendar and zone that the flags name, and what finds others.
func calendarsOf(cmd *cli.Command) (cal calendar.Calendar, loc *time.Location, lookup func(string) (calendar.Calendar, error), err error) {
	lookup = exchange.Lookup
	if folder := cmd.String("calendars"); folder != "" {
		set, err := exchange.LoadDir(folder)
		if err != nil {
			return nil, nil, nil, err
		}
		lookup = set.Lookup
	}
	if zone := cmd.String("tz"); zone != "" {
		if loc, err = time.LoadLocation(zone); err != nil {
			return nil, nil, nil, fmt.Errorf("--tz: %w", err)
		}
	}
	if name := cmd.String("calendar"); name != "" {
		if cal, err = lookup(name); err != nil {
			return nil, nil, nil, fmt.Errorf("--calendar: %w", err)
		}
		if loc == nil {
			loc = cal.Location()
		}
	}
	if loc == nil {
		loc = time.UTC
	}
	if cal == nil {
		cal = calendar.Weekdays(loc)
	}
	return cal, loc, lookup, nil
}

// clockOf returns a clock that stands at a time, or the real one for none.
func clockOf(text string, loc *time.Location) (clockwork.Clock, error) {
	now := clockwork.NewRealClock()
	if text == "" {
		return now, nil
	}
	if t, err := time.ParseInLocation("15:04", text, loc); err == nil {
		today := now.Now().In(loc)
		return clockwork.NewFakeClockAt(time.Date(today.Year(), today.Month(), today.Day(), t.Hour(), t.Minute(), 0, 0, loc)), nil
	}
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05", "2006-01-02 15:04", time.RFC3339Nano} {
		if t, err := time.ParseInLocation(layout, text, loc); err == nil {
			return clockwork.NewFakeClockAt(t), nil
		}
	}
	return nil, fmt.Errorf("--at: %q is neither 15:04, nor 2006-01-02T15:04, nor an instant such as 2006-01-02T15:04:05Z", text)
}

// schedulerName is the one that is asked for, or the only one that there is.
func (s *service) schedulerName(ctx context.Context, asked string) (string, error) {
	if asked != "" {
		return asked, nil
	}
	states, err := s.store.Schedulers(ctx)
	if err != nil {
		return "", err
	}
	var names []string
	for _, state := range states {
		names = append(names, state.Term.Scheduler)
	}
	switch len(names) {
	case 0:
		return "tradeclock", nil
	case 1:
		return names[0], nil
	}
	return "", fmt.Errorf("which scheduler? Name it by --scheduler: the database has %s", strings.Join(names, ", "))
}

// account is the one that is asked for, or the only one that there is.
func (s *service) account(ctx context.Context, cmd *cli.Command) (string, error) {
	if cmd.IsSet("account") {
		return cmd.String("account"), nil
	}
	found, err := s.store.Enrolments(ctx, store.EnrolmentQuery{Scheduler: s.name, Limit: 2})
	switch {
	case err != nil:
		return "", err
	case len(found) == 0:
		return "", fmt.Errorf("no account was ever enrolled with %s", s.name)
	case len(found) > 1:
		return "", errors.New("which account? Name it by --account: tradeclock accounts lists them")
	}
	return found[0].Account, nil
}

// dateArg returns an argument as a date, or today if there is none. It takes today,
// tomorrow and yesterday too.
func (s *service) dateArg(cmd *cli.Command, i int) (calendar.Date, error) {
	return s.date(cmd.Args().Get(i))
}

func (s *service) date(text string) (calendar.Date, error) {
	switch text {
	case "", "today":
		return s.today(), nil
	case "tomorrow":
		return s.today().AddDays(1), nil
	case "yesterday":
		return s.today().AddDays(-1), nil
	}
	d, err := calendar.ParseDate(text)
	if err != nil {
		return d, fmt.Errorf("%w: want a date such as 2026-11-23, today, tomorrow or yesterday", err)
	}
	return d, nil
}
