package dashboard

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/faces"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/store"
)

// field is one of a row's in the form.
type field struct {
	Name, Label, Hint, Value string
	Choices                  []choice
	Long                     bool
}

// setter is how the text of a field becomes a part of an edit.
type setter struct {
	name, label, hint string
	choices           []string
	set               func(e *store.ScheduleEdit, row *store.Schedule, text string) error
}

var setters = []setter{
	{"rule", "Rule", "as in daily 09:01, or every 1m open-close", nil, func(e *store.ScheduleEdit, _ *store.Schedule, text string) (err error) {
		e.Rule, err = rule.Parse(text)
		return err
	}},
	{"disabled", "State", "disabled starts nothing new", []string{"enabled", "disabled"}, func(e *store.ScheduleEdit, _ *store.Schedule, text string) error {
		disabled := text == "disabled"
		e.Disabled = &disabled
		return nil
	}},
	{"sessions", "Sessions", "the kinds; empty is regular,shortened", nil, func(e *store.ScheduleEdit, _ *store.Schedule, text string) error {
		return parsed(&e.Sessions, text, calendar.ParseSessionSet)
	}},
	{"calendar", "Calendar", "empty for the service's", nil, func(e *store.ScheduleEdit, _ *store.Schedule, text string) error {
		e.Calendar = &text
		return nil
	}},
	{"priority", "Priority", "lower first, at one instant", nil, func(e *store.ScheduleEdit, _ *store.Schedule, text string) error {
		return parsed(&e.Priority, zeroIfEmpty(text), strconv.Atoi)
	}},
	{"timeout", "Timeout", "of each attempt, as in 4m; 0s is none", nil, func(e *store.ScheduleEdit, _ *store.Schedule, text string) error {
		return parsed(&e.Timeout, zeroIfEmpty(text), time.ParseDuration)
	}},
	{"catch_up", "Catch-up", "how long after its due time a run may start; 0s means 2m", nil, func(e *store.ScheduleEdit, _ *store.Schedule, text string) error {
		return parsed(&e.CatchUp, zeroIfEmpty(text), time.ParseDuration)
	}},
	{"catch_up_until", "Catch-up until", "a moment that ends it, as in close-5m", nil, func(e *store.ScheduleEdit, _ *store.Schedule, text string) error {
		if e.NoCatchUpUntil = text == ""; e.NoCatchUpUntil {
			return nil
		}
		return parsed(&e.CatchUpUntil, text, rule.ParseMoment)
	}},
	{"overlap", "Overlap", "when a run goes on as the next is due", []string{"skip", "queue", "cancel", "allow"}, func(e *store.ScheduleEdit, _ *store.Schedule, text string) error {
		return parsed(&e.Overlap, text, store.ParseOverlap)
	}},
	{"exclusive", "Exclusive group", "whose runs wait for each other", nil, func(e *store.ScheduleEdit, _ *store.Schedule, text string) error {
		e.Exclusive = &text
		return nil
	}},
	{"spread", "Spread", "over how long the accounts start", nil, func(e *store.ScheduleEdit, _ *store.Schedule, text string) error {
		return parsed(&e.Spread, zeroIfEmpty(text), time.ParseDuration)
	}},
	{"start_limit", "Start limit", "that starts count against", nil, func(e *store.ScheduleEdit, _ *store.Schedule, text string) error {
		e.StartLimit = &text
		return nil
	}},
	{"delivery", "Delivery", "orders are at most once", []string{"at-most-once", "at-least-once"}, func(e *store.ScheduleEdit, _ *store.Schedule, text string) error {
		return parsed(&e.Delivery, text, store.ParseDelivery)
	}},
	{"retry.attempts", "Attempts", "in all; 0 and 1 mean no retry", nil, func(e *store.ScheduleEdit, row *store.Schedule, text string) error {
		return retry(e, row, zeroIfEmpty(text), strconv.Atoi, func(r *store.Retry) *int { return &r.Attempts })
	}},
	{"retry.backoff", "Backoff", "before the second attempt", nil, func(e *store.ScheduleEdit, row *store.Schedule, text string) error {
		return retry(e, row, zeroIfEmpty(text), time.ParseDuration, func(r *store.Retry) *time.Duration { return &r.Backoff })
	}},
	{"retry.max_backoff", "Longest backoff", "before any attempt", nil, func(e *store.ScheduleEdit, row *store.Schedule, text string) error {
		return retry(e, row, zeroIfEmpty(text), time.ParseDuration, func(r *store.Retry) *time.Duration { return &r.MaxBackoff })
	}},
	{"retry.within", "Retry within", "of the due time", nil, func(e *store.ScheduleEdit, row *store.Schedule, text string) error {
		return retry(e, row, zeroIfEmpty(text), time.ParseDuration, func(r *store.Retry) *time.Duration { return &r.Within })
	}},
	{"description", "Description", "for people", nil, func(e *store.ScheduleEdit, _ *store.Schedule, text string) error {
		e.Description = &text
		return nil
	}},
}

// zeroIfEmpty is a number or a length of which nothing was said.
func zeroIfEmpty(text string) string {
	if text == "" {
		return "0"
	}
	return text
}

func parsed[T any](to **T, text string, parse func(string) (T, error)) error {
	value, err := parse(text)
	if err == nil {
		*to = &value
	}
	return err
}

// retry sets one value of the row's retry and leaves the others.
func retry[T any](e *store.ScheduleEdit, row *store.Schedule, text string, parse func(string) (T, error), of func(*store.Retry) *T) error {
	value, err := parse(text)
	if err != nil {
		return err
	}
	if e.Retry == nil {
		kept := row.Retry
		e.Retry = &kept
	}
	*of(e.Retry) = value
	return nil
}

// textOf is the value of a field of a row as the form has it.
func (s setter) textOf(texts map[string]string) string {
	text := texts[s.name]
	switch {
	case s.name == "disabled" && text == "true":
		return "disabled"
	case text == "" && s.choices != nil:
		return s.choices[0]
	}
	return text
}

// fieldsOf are the fields of the form with the values of a row.
func fieldsOf(row store.Schedule) []field {
	texts, err := faces.FieldsOf(row)
	if err != nil {
		texts = nil // a row that a store gave has texts
	}
	fields := make([]field, len(setters))
	for i, s := range setters {
		fields[i] = s.field(s.textOf(texts))
	}
	return fields
}

func (s setter) field(value string) field {
	f := field{Name: s.name, Label: s.label, Hint: s.hint, Value: value, Long: s.name == "description" || s.name == "rule"}
	for _, c := range s.choices {
		f.Choices = append(f.Choices, choice{c, c, c == value})
	}
	return f
}

// editOf returns the edit that the form makes of a row: of the fields alone that say something
// else than the row does. Problems says what is wrong with the form.
func (v *visit) editOf(row store.Schedule) (edit store.ScheduleEdit, fields []field, problems []string) {
	texts, err := faces.FieldsOf(row)
	if err != nil {
		problems = append(problems, err.Error())
	}
	for _, s := range setters {
		was := s.textOf(texts)
		text := was
		if v.form.Has(s.name) {
			text = strings.TrimSpace(v.form.Get(s.name))
		}
		fields = append(fields, s.field(text))
		if text == was {
			continue
		}
		if err := s.set(&edit, &row, text); err != nil {
			problems = append(problems, fmt.Sprintf("%s: %v", s.label, err))
		}
	}
	return edit, fields, problems
}

// editSchedule tries an edit out, or makes it.
func (v *visit) editSchedule() (answer, error) {
	account, task := v.form.Get("account"), v.form.Get("task")
	if v.editor == nil {
		return answer{}, &failure{http.StatusMethodNotAllowed, "The schedules of this service cannot be edited here."}
	}
	actor, err := v.may(Action{Edit, account, task})
	if err != nil {
		return answer{}, err
	}
	version, err := strconv.ParseInt(v.form.Get("version"), 10, 64)
	if err != nil {
		return answer{}, refuse("The version of the row is missing.")
	}
	row, err := v.find(account, task)
	if err != nil {
		return answer{}, err
	}
	p := v.newSchedulePage(row)
	edit, fields, problems := v.editOf(row)
	p.Fields = fields
	after := row
	edit.Apply(&after)
	if row.Version != version {
		return v.conflict(p, row, after, version)
	}
	p.Reason = strings.TrimSpace(v.form.Get("reason"))
	if v.form.Get("step") == "save" && p.Reason == "" {
		problems = append(problems, "Reason: an edit says why")
	}
	if len(problems) > 0 {
		p.Problems = problems
		return answer{page: p, status: http.StatusUnprocessableEntity}, nil
	}
	if v.form.Get("step") == "save" {
		return v.save(p, row, after, edit, actor)
	}
	if p.Trial, err = v.try(row, after); err != nil {
		return invalid(p, err)
	}
	return answer{page: p}, nil
}

// invalid shows the form again, if the row that would result is refused.
func invalid(p *schedulePage, err error) (answer, error) {
	var quarantine *store.QuarantineError
	if !errors.As(err, &quarantine) {
		return answer{}, err
	}
	for _, row := range quarantine.Rows {
		p.Problems = append(p.Problems, row.Error())
	}
	return answer{page: p, status: http.StatusUnprocessableEntity}, nil
}

// conflict shows what somebody else made of the row, with the form as it was sent: it may be
// tried again, from the row as it is now.
func (v *visit) conflict(p *schedulePage, row, after store.Schedule, version int64) (answer, error) {
	changes, err := faces.FieldChanges(after, row)
	if err != nil {
		return answer{}, err
	}
	p.Conflict, p.Was = changes, version
	return answer{page: p, status: http.StatusConflict}, nil
}

func (v *visit) save(p *schedulePage, row, after store.Schedule, edit store.ScheduleEdit, actor string) (answer, error) {
	stored, err := v.editor.UpdateSchedule(v.ctx, store.By{Actor: actor, Reason: p.Reason}, row.Account, row.Task, row.Version, edit)
	var conflict *store.ConflictError
	if errors.As(err, &conflict) {
		now, findErr := v.find(row.Account, row.Task)
		if findErr != nil {
			return answer{}, findErr
		}
		p.Row = now
		return v.conflict(p, now, after, row.Version)
	}
	var quarantine *store.QuarantineError
	switch {
	case errors.As(err, &quarantine):
		return invalid(p, err)
	case err != nil: // of the store, or of its EditGuard
		return answer{}, &failure{http.StatusServiceUnavailable, "It was not saved: " + err.Error()}
	}
	v.log.Info("a schedule was edited", "actor", actor, "task", row.Task, "account", row.Account, "version", stored.Version, "rule", stored.Rule)
	return answer{to: address("schedule", "task", row.Task, "account", row.Account, "saved", "1")}, nil
}

const sessionsTried = 5

// try tells what an edit would do, and writes nothing.
func (v *visit) try(row, after store.Schedule) (*trial, error) {
	t := new(trial)
	var err error
	if t.Changes, err = faces.FieldChanges(row, after); err != nil {
		return nil, err
	}
	changes := store.ScheduleChanges{Rows: []store.Schedule{after}}
	preview, err := v.view.Preview(v.ctx, changes, sessionsTried)
	if err != nil {
		return nil, err
	}
	t.Through, t.Collisions, t.Notes = preview.Through, preview.Collisions, preview.Notes
	for _, a := range faces.AlikeIn(preview) {
		t.Alike = append(t.Alike, v.tell(a))
	}
	found, err := v.view.Lint(v.ctx, changes)
	if err != nil {
		return nil, err
	}
	for _, f := range found {
		if faces.Concerns(changes, f) {
			t.Findings = append(t.Findings, f)
		}
	}
	return t, nil
}

func plural(n int, what string) string { return fmt.Sprintf("%d %s", n, what) }
