package faces

import (
	"encoding/json"
	"fmt"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/view"
)

// ScheduleFields are the fields of a row as files and people have them. The last three are
// those that a store gives it.
var ScheduleFields = []string{
	"task", "account", "rule", "calendar", "disabled", "sessions", "priority", "timeout", "catch_up", "catch_up_until", "overlap",
	"exclusive", "spread", "start_limit", "delivery", "retry.attempts", "retry.backoff", "retry.max_backoff", "retry.within", "description",
	"since", "prior", "version",
}

// FieldsOf returns the fields of a row that are not zero, as texts.
func FieldsOf(row store.Schedule) (map[string]string, error) {
	text, err := json.Marshal(row)
	if err != nil {
		return nil, err
	}
	var values map[string]any
	if err := json.Unmarshal(text, &values); err != nil {
		return nil, err
	}
	fields := make(map[string]string)
	flatten(fields, "", values)
	return fields, nil
}

func flatten(fields map[string]string, prefix string, values map[string]any) {
	for name, value := range values {
		if inner, ok := value.(map[string]any); ok {
			flatten(fields, prefix+name+".", inner)
			continue
		}
		fields[prefix+name] = fmt.Sprint(value)
	}
}

// FieldChange is a field of which two rows have different values.
type FieldChange struct{ Name, Was, Is string }

// FieldChanges returns the fields that people set and of which two rows have different values.
func FieldChanges(was, is store.Schedule) (changes []FieldChange, err error) {
	then, err := FieldsOf(was)
	if err != nil {
		return nil, err
	}
	now, err := FieldsOf(is)
	if err != nil {
		return nil, err
	}
	for _, name := range ScheduleFields[:len(ScheduleFields)-3] {
		if then[name] != now[name] {
			changes = append(changes, FieldChange{name, then[name], now[name]})
		}
	}
	return changes, nil
}

// Concerns reports whether a finding is about a row that is put.
func Concerns(changes store.ScheduleChanges, f view.Finding) bool {
	for _, row := range changes.Rows {
		if row.Key() == (store.ScheduleKey{Task: f.Task, Account: f.Account}) {
			return true
		}
	}
	return false
}

// Alike is a number of changes of a preview that are told together: those of one row on one
// date that are of one kind.
type Alike struct {
	Key         store.ScheduleKey
	Session     calendar.Date
	What        string // added, dropped, moved or told otherwise
	First, Last view.PlanChange
	Count       int
}

// AlikeIn puts the changes of a preview together, in the order of the first of each.
func AlikeIn(p view.Preview) []Alike {
	type kind struct {
		key  store.ScheduleKey
		day  calendar.Date
		what string
	}
	var all []Alike
	known := make(map[kind]int)
	for _, c := range p.Changes {
		k := kind{store.ScheduleKey{Task: c.Task, Account: c.Account}, c.Session, kindOfChange(c)}
		at, ok := known[k]
		if !ok {
			at, known[k] = len(all), len(all)
			all = append(all, Alike{Key: k.key, Session: k.day, What: k.what, First: c})
		}
		all[at].Last = c
		all[at].Count++
	}
	return all
}

func kindOfChange(c view.PlanChange) string {
	switch {
	case c.Before.IsZero():
		return "added"
	case c.After.IsZero():
		return "dropped"
	case !c.Before.Equal(c.After):
		return "moved"
	}
	return "told otherwise"
}
