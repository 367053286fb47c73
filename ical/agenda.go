package ical

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	ics "github.com/arran4/golang-ical"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
)

// Source lists the occurrences of a session's date, with what became of them. A
// tradeclock.UnifiedTaskScheduler is one.
type Source interface {
	Agenda(ctx context.Context, date calendar.Date) ([]tradeclock.AgendaItem, error)
}

// Options say what a feed has.
type Options struct {
	// Scheduler is the name of the scheduler whose agenda it is. Required: the identity of
	// each event follows from it.
	Scheduler string
	// Account leaves the occurrences of one account. Without it, those of all accounts at
	// one slot are one event.
	Account string
	// Name is the feed's name, which programs show. Empty is that of the scheduler, with
	// the account.
	Name string
	// Stamp is the DTSTAMP of all events. Zero leaves each its own: when the last run that
	// it tells of was finished, or else when it is due.
	Stamp time.Time
}

// mostDays bounds a feed, since all its occurrences are in memory at once.
const mostDays = 366

// Agenda returns the iCalendar feed of the sessions from one date to another, both
// included, which are a year at most. An occurrence of a daily rule is one event, and those
// that repeat on a session are one event together, from the first to the end of the last
// step: "sell_monitor, 375 runs". Times are in UTC, and programs show them in their own
// zone.
//
// The UID of an event follows from the scheduler, the account, the task and the slot: it
// stays the same event when it is moved and when it has run. In the feed of one account it
// begins with the ID of the run. SEQUENCE is the version of the schedule's row. What is
// skipped, or will be, is CANCELLED. No event blocks the time of anybody.
//
// Who serves a feed asks for the credentials of who reads it: it names tasks, accounts and
// reasons.
func Agenda(ctx context.Context, source Source, from, to calendar.Date, o Options) ([]byte, error) {
	if err := o.check(from, to); err != nil {
		return nil, fmt.Errorf("agenda feed: %w", err)
	}
	var events []event
	for date := from; !date.After(to); date = date.AddDays(1) {
		items, err := source.Agenda(ctx, date)
		if err != nil {
			return nil, fmt.Errorf("agenda feed: %w", err)
		}
		events = append(events, o.events(date, items)...)
	}
	feed := ics.NewCalendar()
	feed.SetProductId("-//tradeclock//agenda//EN")
	feed.SetMethod(ics.MethodPublish)
	feed.SetXWRCalName(legible(o.name()))
	for _, e := range events {
		feed.AddVEvent(o.vevent(e))
	}
	var out bytes.Buffer
	if err := feed.SerializeTo(&out, ics.WithNewLineWindows); err != nil {
		return nil, fmt.Errorf("agenda feed: %w", err)
	}
	return out.Bytes(), nil
}

func (o Options) check(from, to calendar.Date) error {
	var errs []error
	if o.Scheduler == "" {
		errs = append(errs, errors.New("the Scheduler of the options is required"))
	}
	if err := errors.Join(from.Validate(), to.Validate()); err != nil {
		return errors.Join(append(errs, err)...)
	}
	switch {
	case to.Before(from):
		errs = append(errs, fmt.Errorf("%v is before %v", to, from))
	case !to.Before(from.AddDays(mostDays)):
		errs = append(errs, fmt.Errorf("%v to %v is more than %d days", from, to, mostDays))
	}
	return errors.Join(errs...)
}

func (o Options) name() string {
	return cmp.Or(o.Name, strings.TrimSpace(o.Scheduler+" "+o.Account))
}

// event is one occurrence, or all of a task that repeat on a session.
type event struct {
	task, slot string
	items      []tradeclock.AgendaItem
	repeats    bool
}

// events groups the items of a session's date, in the order of their instants.
func (o Options) events(date calendar.Date, items []tradeclock.AgendaItem) []event {
	type key struct{ task, slot string }
	var events []event
	index := make(map[key]int)
	for _, item := range items {
		if o.Account != "" && item.Account != o.Account {
			continue
		}
		e := event{task: item.Task, slot: item.Slot}
		if repeats(item, date) {
			e.slot, e.repeats = date.String()+" all", true // which no slot is called
		}
		i, known := index[key{e.task, e.slot}]
		if !known {
			i = len(events)
			index[key{e.task, e.slot}] = i
			events = append(events, e)
		}
		events[i].items = append(events[i].items, item)
	}
	slices.SortStableFunc(events, func(a, b event) int {
		return cmp.Or(a.first().Compare(b.first()), cmp.Compare(a.task, b.task), cmp.Compare(a.slot, b.slot))
	})
	return events
}

// repeats reports whether an occurrence is one of many of its session: the slots of daily
// rules are its date, or that with the number of a window, and a run by hand stands alone.
func repeats(item tradeclock.AgendaItem, date calendar.Date) bool {
	return !item.Run.Manual && item.Slot != date.String() && !strings.HasPrefix(item.Slot, date.String()+"#")
}

// first is when the event begins.
func (e event) first() time.Time {
	first := e.items[0].Due
	for _, item := range e.items {
		if item.Due.Before(first) {
			first = item.Due
		}
	}
	return first
}

// legible replaces what cannot be in a text of a file: controls, and what is not UTF-8.
func legible(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' || r == 0x7f {
			return ' '
		}
		return r
	}, text)
}
