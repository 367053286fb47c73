package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tradeclock/tradeclock/internal/said"
	"github.com/tradeclock/tradeclock/rule"
)

// The JSON of the types of this package has the names of their struct tags, texts
// for what has a text form, durations such as 1m30s among them, and leaves out what
// is zero where that reads back the same. Most types are written by their tags
// alone. Those with durations and rules go through a view, which is the same memory
// under types that have texts.

// textName is a name that is left out if it is empty, in a view that refers to it.
type textName string

func (n textName) IsZero() bool { return n == "" }

// textRule is a rule that is its text in JSON, and what reads that.
type textRule struct {
	rule  *rule.Rule
	parse func(text string) (rule.Rule, error)
}

func (t textRule) IsZero() bool { return *t.rule == nil }

func (t textRule) MarshalText() ([]byte, error) { return rule.Marshal(*t.rule) }

func (t textRule) UnmarshalText(text []byte) (err error) {
	*t.rule, err = t.parse(string(text))
	return err
}

// readStrictly reads what a person may have written into a view: it refuses a key
// that the view does not have, so that a misspelled policy is not taken for its
// default. The error has everything that is wrong, each with its key.
func readStrictly(data []byte, view any) error {
	whole := decodeStrictly(data, view)
	if whole == nil {
		return nil
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(data, &fields) != nil {
		return whole // it is no object
	}
	var errs []error
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		field, err := json.Marshal(map[string]json.RawMessage{key: fields[key]})
		if err == nil {
			err = decodeStrictly(field, view)
		}
		errs = append(errs, fieldError(key, err))
	}
	return errors.Join(errs...)
}

func decodeStrictly(data []byte, view any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	return dec.Decode(view)
}

// fieldError names the key of a value that could not be read, unless the error does.
func fieldError(key string, err error) error {
	var mistyped *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &mistyped):
		return fmt.Errorf("%s: a %s is no value for it", key, mistyped.Value)
	case strings.HasPrefix(err.Error(), "json: unknown field"):
		return fmt.Errorf("%s: there is no such key", key)
	case strings.HasPrefix(err.Error(), key+" "):
		return err
	}
	return fmt.Errorf("%s: %w", key, err)
}

type (
	plainSchedule Schedule
	scheduleView  struct {
		Task    *string            `json:"task"`
		Account *textName          `json:"account,omitzero"`
		Rule    textRule           `json:"rule,omitzero"`
		Timeout *said.DurationText `json:"timeout,omitzero"`
		CatchUp *said.DurationText `json:"catch_up,omitzero"`
		Spread  *said.DurationText `json:"spread,omitzero"`
		*plainSchedule
		Prior textRule `json:"prior,omitzero"`
	}
)

func (s *Schedule) view(parse func(string) (rule.Rule, error)) scheduleView {
	return scheduleView{
		Task: &s.Task, Account: (*textName)(&s.Account), Rule: textRule{&s.Rule, parse},
		Timeout: (*said.DurationText)(&s.Timeout), CatchUp: (*said.DurationText)(&s.CatchUp), Spread: (*said.DurationText)(&s.Spread),
		plainSchedule: (*plainSchedule)(s), Prior: textRule{&s.Prior, parse},
	}
}

// MarshalJSON returns the schedule as an object with a key for each field, rules and
// durations as their texts. What is zero is left out.
func (s Schedule) MarshalJSON() ([]byte, error) {
	s.Since = s.Since.UTC()
	return json.Marshal(s.view(nil))
}

// UnmarshalJSON reads what MarshalJSON wrote. A key that it does not know is an error,
// and so is a rule that rule.Parse does not take: see ReadJSON.
func (s *Schedule) UnmarshalJSON(data []byte) error { return s.ReadJSON(data, rule.Parse) }

// ReadJSON is UnmarshalJSON with a parser of the texts of rules, for a service with
// rules of another type: those of the module cron, or its own.
func (s *Schedule) ReadJSON(data []byte, parse func(text string) (rule.Rule, error)) error {
	var read Schedule
	view := read.view(parse)
	if err := readStrictly(data, &view); err != nil {
		return fmt.Errorf("schedule: %w", err)
	}
	read.Since = read.Since.UTC()
	*s = read
	return nil
}

type (
	plainRetry Retry
	retryView  struct {
		*plainRetry
		Backoff    *said.DurationText `json:"backoff,omitzero"`
		MaxBackoff *said.DurationText `json:"max_backoff,omitzero"`
		Within     *said.DurationText `json:"within,omitzero"`
	}
)

func (r *Retry) view() retryView {
	return retryView{
		plainRetry: (*plainRetry)(r), Backoff: (*said.DurationText)(&r.Backoff),
		MaxBackoff: (*said.DurationText)(&r.MaxBackoff), Within: (*said.DurationText)(&r.Within),
	}
}

// MarshalJSON returns the policy as an object, durations as their texts.
func (r Retry) MarshalJSON() ([]byte, error) { return json.Marshal(r.view()) }

// UnmarshalJSON reads what MarshalJSON wrote. A key that it does not know is an error.
func (r *Retry) UnmarshalJSON(data []byte) error {
	var read Retry
	view := read.view()
	if err := readStrictly(data, &view); err != nil {
		return err
	}
	*r = read
	return nil
}

type (
	plainStartLimit StartLimit
	startLimitView  struct {
		*plainStartLimit
		Per *said.DurationText `json:"per,omitzero"`
	}
)

func (l *StartLimit) view() startLimitView {
	return startLimitView{(*plainStartLimit)(l), (*said.DurationText)(&l.Per)}
}

// MarshalJSON returns the limit as an object, with Per as a text.
func (l StartLimit) MarshalJSON() ([]byte, error) { return json.Marshal(l.view()) }

// UnmarshalJSON reads what MarshalJSON wrote. A key that it does not know is an error.
func (l *StartLimit) UnmarshalJSON(data []byte) error {
	var read StartLimit
	view := read.view()
	if err := readStrictly(data, &view); err != nil {
		return fmt.Errorf("start limit: %w", err)
	}
	*l = read
	return nil
}

// A pointer of an edit is left out if it is nil, and not if what it points to is
// zero: that is a policy set back to its default.
type (
	plainEdit ScheduleEdit
	editView  struct {
		Rule textRule `json:"rule,omitzero"`
		*plainEdit
		Timeout *said.DurationText `json:"timeout,omitempty"`
		CatchUp *said.DurationText `json:"catch_up,omitempty"`
		Spread  *said.DurationText `json:"spread,omitempty"`
	}
)

// MarshalJSON returns the edit as an object with a key for each field that it sets.
func (e ScheduleEdit) MarshalJSON() ([]byte, error) {
	return json.Marshal(editView{
		Rule: textRule{rule: &e.Rule}, plainEdit: (*plainEdit)(&e),
		Timeout: (*said.DurationText)(e.Timeout), CatchUp: (*said.DurationText)(e.CatchUp), Spread: (*said.DurationText)(e.Spread),
	})
}

// UnmarshalJSON reads what MarshalJSON wrote. A key that it does not know is an error.
func (e *ScheduleEdit) UnmarshalJSON(data []byte) error { return e.ReadJSON(data, rule.Parse) }

// ReadJSON is UnmarshalJSON with a parser of the texts of rules: see Schedule.ReadJSON.
func (e *ScheduleEdit) ReadJSON(data []byte, parse func(text string) (rule.Rule, error)) error {
	var read ScheduleEdit
	view := editView{Rule: textRule{&read.Rule, parse}, plainEdit: (*plainEdit)(&read)}
	if err := readStrictly(data, &view); err != nil {
		return fmt.Errorf("edit: %w", err)
	}
	read.Timeout = (*time.Duration)(view.Timeout)
	read.CatchUp = (*time.Duration)(view.CatchUp)
	read.Spread = (*time.Duration)(view.Spread)
	*e = read
	return nil
}

type (
	plainRun Run
	runView  struct {
		*plainRun
		Offset *said.DurationText `json:"offset,omitzero"`
	}
)

func (r *Run) view() runView { return runView{(*plainRun)(r), (*said.DurationText)(&r.Offset)} }

// MarshalJSON returns the run as an object with a key for each field. What is zero
// is left out.
func (r Run) MarshalJSON() ([]byte, error) { return json.Marshal(r.view()) }

// UnmarshalJSON reads what MarshalJSON wrote. The Details are as package json reads
// them into a map.
func (r *Run) UnmarshalJSON(data []byte) error {
	*r = Run{}
	view := r.view()
	return json.Unmarshal(data, &view)
}

type (
	plainItem AgendaItem
	itemView  struct {
		*plainItem
		Offset *said.DurationText `json:"offset,omitzero"`
	}
)

func (i *AgendaItem) view() itemView {
	return itemView{(*plainItem)(i), (*said.DurationText)(&i.Offset)}
}

// MarshalJSON returns the item as an object with a key for each field. What is zero
// is left out, as is the run if the ledger has none.
func (i AgendaItem) MarshalJSON() ([]byte, error) { return json.Marshal(i.view()) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (i *AgendaItem) UnmarshalJSON(data []byte) error {
	*i = AgendaItem{}
	view := i.view()
	return json.Unmarshal(data, &view)
}

type (
	plainTask RunningTask
	taskView  struct {
		*plainTask
		Age *said.DurationText `json:"age"`
	}
)

func (t *RunningTask) view() taskView { return taskView{(*plainTask)(t), (*said.DurationText)(&t.Age)} }

// MarshalJSON returns the task as an object, with its age as a text.
func (t RunningTask) MarshalJSON() ([]byte, error) { return json.Marshal(t.view()) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (t *RunningTask) UnmarshalJSON(data []byte) error {
	*t = RunningTask{}
	view := t.view()
	return json.Unmarshal(data, &view)
}

type receivedView struct {
	*Heartbeat
	Age *said.DurationText `json:"age"`
}

func (h *ReceivedHeartbeat) view() receivedView {
	return receivedView{&h.Heartbeat, (*said.DurationText)(&h.Age)}
}

// MarshalJSON returns the heartbeat as an object, with its age as a text.
func (h ReceivedHeartbeat) MarshalJSON() ([]byte, error) { return json.Marshal(h.view()) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (h *ReceivedHeartbeat) UnmarshalJSON(data []byte) error {
	*h = ReceivedHeartbeat{}
	view := h.view()
	return json.Unmarshal(data, &view)
}

// rowErrorView has the reason as its text.
type rowErrorView struct {
	Task    string `json:"task"`
	Account string `json:"account,omitzero"`
	Error   string `json:"error"`
}

// MarshalJSON returns the row and the text of the reason.
func (e RowError) MarshalJSON() ([]byte, error) {
	return json.Marshal(rowErrorView{e.Task, e.Account, said.TextOf(e.Err)})
}

// UnmarshalJSON reads what MarshalJSON wrote. The reason is an error of the same
// text, which wraps no other.
func (e *RowError) UnmarshalJSON(data []byte) error {
	var view rowErrorView
	if err := json.Unmarshal(data, &view); err != nil {
		return err
	}
	*e = RowError{Task: view.Task, Account: view.Account}
	if view.Error != "" {
		e.Err = errors.New(view.Error)
	}
	return nil
}
