package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/vet"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/store"
)

// scheduleColumns are in the order of scheduleValues and readSchedule.
var scheduleColumns = []string{
	"task", "account", "rule", "calendar", "enabled", "sessions", "priority", "timeout", "catch_up", "catch_up_until",
	"overlap", "exclusive", "spread", "start_limit", "delivery", "retry_attempts", "retry_backoff", "retry_max_backoff", "retry_within",
	"description", "since", "prior", "version",
}

var upsertSchedule = func() string {
	var places, sets []string
	for i, column := range scheduleColumns {
		places = append(places, "$"+strconv.Itoa(i+1))
		sets = append(sets, column+" = excluded."+column)
	}
	return "INSERT INTO tradeclock_schedules (" + strings.Join(scheduleColumns, ", ") + ") VALUES (" +
		strings.Join(places, ", ") + ") ON CONFLICT (task, account) DO UPDATE SET " + strings.Join(sets, ", ")
}()

func scheduleValues(s store.Schedule) []any {
	var until, prior, sessions string
	if s.CatchUpUntil != nil {
		until = s.CatchUpUntil.String()
	}
	if s.Prior != nil {
		prior = s.Prior.String()
	}
	if s.Sessions != 0 {
		sessions = s.Sessions.String()
	}
	return []any{
		s.Task, s.Account, s.Rule.String(), s.Calendar, bit(!s.Disabled), sessions, s.Priority,
		durationText(s.Timeout), durationText(s.CatchUp), until,
		s.Overlap.String(), s.Exclusive, durationText(s.Spread), s.StartLimit, s.Delivery.String(),
		s.Retry.Attempts, durationText(s.Retry.Backoff), durationText(s.Retry.MaxBackoff), durationText(s.Retry.Within),
		s.Description, instantText(s.Since), prior, s.Version,
	}
}

// readSchedule makes a schedule of the texts of its columns, each error naming
// the column. What can be read is returned with the error.
func (s *Store) readSchedule(text []string) (store.Schedule, error) {
	r := scheduleReader{text: text, parseRule: s.parseRule}
	row := store.Schedule{Task: text[0], Account: text[1]}
	r.rule("rule", &row.Rule)
	row.Calendar = r.column("calendar")
	row.Disabled = r.int("enabled") == 0
	row.Sessions = read(&r, "sessions", calendar.ParseSessionSet)
	row.Priority = r.int("priority")
	row.Timeout = read(&r, "timeout", parseDuration)
	row.CatchUp = read(&r, "catch_up", parseDuration)
	if r.column("catch_up_until") != "" {
		until := read(&r, "catch_up_until", rule.ParseMoment)
		row.CatchUpUntil = &until
	}
	row.Overlap = read(&r, "overlap", store.ParseOverlap)
	row.Exclusive = r.column("exclusive")
	row.Spread = read(&r, "spread", parseDuration)
	row.StartLimit = r.column("start_limit")
	row.Delivery = read(&r, "delivery", store.ParseDelivery)
	row.Retry = store.Retry{
		Attempts:   r.int("retry_attempts"),
		Backoff:    read(&r, "retry_backoff", parseDuration),
		MaxBackoff: read(&r, "retry_max_backoff", parseDuration),
		Within:     read(&r, "retry_within", parseDuration),
	}
	row.Description = r.column("description")
	row.Since = read(&r, "since", parseInstant)
	if r.column("prior") != "" {
		r.rule("prior", &row.Prior)
	}
	row.Version = int64(r.int("version"))
	return row, errors.Join(r.errs...)
}

// scheduleReader reads the columns of one row. They are texts, since SQLite lets
// a person write anything into a column of numbers.
type scheduleReader struct {
	text      []string
	parseRule func(string) (rule.Rule, error)
	errs      []error
}

func (r *scheduleReader) column(name string) string {
	return r.text[slices.Index(scheduleColumns, name)]
}

func (r *scheduleReader) keep(name string, err error) {
	if err != nil {
		r.errs = append(r.errs, fmt.Errorf("%s: %w", name, err))
	}
}

func (r *scheduleReader) int(name string) int {
	return read(r, name, strconv.Atoi)
}

func (r *scheduleReader) rule(name string, rule *rule.Rule) {
	parsed, err := r.parseRule(r.column(name))
	if err != nil {
		r.keep(name, err)
		return
	}
	*rule = parsed
}

func read[T any](r *scheduleReader, name string, parse func(string) (T, error)) T {
	value, err := parse(r.column(name))
	r.keep(name, err)
	return value
}

// scheduleSet is what the table holds: the rows that can be read, and those that
// cannot, with as much of them as can.
type scheduleSet struct {
	rows   []store.Schedule
	bad    []store.RowError
	broken []store.Schedule
}

// quarantine returns the rows that cannot be read as an error, or nil.
func (set scheduleSet) quarantine() error {
	if len(set.bad) == 0 {
		return nil
	}
	return &store.QuarantineError{Rows: set.bad}
}

// scheduleSet reads the rows that a condition selects, which is empty for all.
func (s *Store) scheduleSet(ctx context.Context, conn *sql.Conn, where string, args ...any) (set scheduleSet, err error) {
	text := make([]string, len(scheduleColumns))
	targets := make([]any, len(text))
	for i := range text {
		targets[i] = &text[i]
	}
	scan := func(rows *sql.Rows) error {
		if err := rows.Scan(targets...); err != nil {
			return err
		}
		row, err := s.readSchedule(text)
		if err == nil {
			set.rows = append(set.rows, row)
			return nil
		}
		set.broken = append(set.broken, row)
		set.bad = append(set.bad, store.RowError{Task: row.Task, Account: row.Account, Err: err})
		return nil
	}
	err = s.each(ctx, conn, scan, "SELECT "+strings.Join(scheduleColumns, ", ")+
		" FROM tradeclock_schedules "+where+" ORDER BY task, account", args...)
	return set, err
}

func isRow(account, task string) func(store.Schedule) bool {
	return func(s store.Schedule) bool { return s.Account == account && s.Task == task }
}

// find returns the row, an error that wraps store.ErrNoSchedule, or what
// keeps it from being read.
func (set scheduleSet) find(account, task string) (store.Schedule, error) {
	if i := slices.IndexFunc(set.rows, isRow(account, task)); i >= 0 {
		return set.rows[i], nil
	}
	if i := slices.IndexFunc(set.broken, isRow(account, task)); i >= 0 {
		return store.Schedule{}, set.bad[i]
	}
	return store.Schedule{}, fmt.Errorf("%s of account %q: %w", task, account, store.ErrNoSchedule)
}

func (set scheduleSet) has(account, task string) bool {
	return slices.ContainsFunc(set.rows, isRow(account, task)) || slices.ContainsFunc(set.broken, isRow(account, task))
}

// old returns the row as far as it can be read, or zero if there is none.
func (set scheduleSet) old(account, task string) store.Schedule {
	for _, row := range slices.Concat(set.rows, set.broken) {
		if isRow(account, task)(row) {
			return row
		}
	}
	return store.Schedule{}
}

// without returns the rows but one.
func (set scheduleSet) without(account, task string) []store.Schedule {
	return slices.DeleteFunc(slices.Clone(set.rows), isRow(account, task))
}

// refuse returns what would be wrong with the rows after an edit. What was wrong
// with another row before is not counted: it must not keep people from editing
// this one.
func (set scheduleSet) refuse(after []store.Schedule, edited ...store.Schedule) error {
	wrong := wrongRows(after)
	known := wrongRows(set.rows)
	wrong = slices.DeleteFunc(wrong, func(e store.RowError) bool {
		wasWrong := func(k store.RowError) bool { return k.Account == e.Account && k.Task == e.Task }
		return !slices.ContainsFunc(edited, isRow(e.Account, e.Task)) && slices.ContainsFunc(known, wasWrong)
	})
	if len(wrong) == 0 {
		return nil
	}
	return &store.QuarantineError{Rows: wrong}
}

func wrongRows(rows []store.Schedule) []store.RowError {
	var q *store.QuarantineError
	if errors.As(vet.Validate(rows, nil), &q) {
		return q.Rows
	}
	return nil
}
