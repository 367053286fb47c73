package ical

import (
	"fmt"
	"slices"
	"strings"
	"time"

	ics "github.com/arran4/golang-ical"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/store"
)

// vevent writes an event.
func (o Options) vevent(e event) *ics.VEvent {
	v := ics.NewEvent(legible(store.RunID(o.Scheduler, o.Account, e.task, e.slot) + "@" + o.Scheduler))
	v.SetDtStampTime(o.stamp(e))
	v.SetStartAt(e.first())
	if e.repeats {
		v.SetEndAt(e.end())
	}
	v.SetSequence(e.version())
	v.SetSummary(legible(e.summary()))
	v.SetDescription(legible(e.description()))
	v.SetStatus(ics.ObjectStatusConfirmed)
	if e.cancelled() {
		v.SetStatus(ics.ObjectStatusCancelled)
	}
	v.SetTimeTransparency(ics.TransparencyTransparent)
	return v
}

// stamp is when the event was made, as far as that can be told without a clock.
func (o Options) stamp(e event) time.Time {
	if !o.Stamp.IsZero() {
		return o.Stamp
	}
	var last time.Time
	for _, item := range e.items {
		if item.Run.Finished.After(last) {
			last = item.Run.Finished
		}
	}
	if last.IsZero() {
		return e.first()
	}
	return last
}

// version is that of the schedule's row, the newest if accounts have rows of their own.
func (e event) version() int {
	newest := slices.MaxFunc(e.items, func(a, b tradeclock.AgendaItem) int { return int(a.Version - b.Version) })
	return int(newest.Version)
}

// end is a step after the last occurrence, as far as the items tell of one.
func (e event) end() time.Time {
	last := slices.MaxFunc(e.items, func(a, b tradeclock.AgendaItem) int { return through(a).Compare(through(b)) })
	if n := last.Run.Occurrences(); n > 1 {
		return through(last).Add(through(last).Sub(last.Due) / time.Duration(n-1))
	}
	var before time.Time
	for _, item := range e.items {
		if at := through(item); at.After(before) && at.Before(last.Due) {
			before = at
		}
	}
	if before.IsZero() {
		return last.Due.Add(time.Minute)
	}
	return last.Due.Add(last.Due.Sub(before))
}

// through is when the last occurrence of an item is due.
func through(item tradeclock.AgendaItem) time.Time {
	if item.Run.LastDue.IsZero() {
		return item.Due
	}
	return item.Run.LastDue
}

func (e event) summary() string {
	var about []string
	if e.repeats {
		about = append(about, counted(e.occurrences(), "run"))
	}
	if n := e.accounts(); n > 1 {
		about = append(about, counted(n, "account"))
	}
	if e.items[0].Run.Manual {
		about = append(about, "by "+e.items[0].Run.Actor)
	}
	return strings.Join(append([]string{e.task}, about...), ", ")
}

// occurrences is how many slots the event stands for.
func (e event) occurrences() (n int) {
	ofAccount := make(map[string]int)
	for _, item := range e.items {
		ofAccount[item.Account] += item.Run.Occurrences()
		n = max(n, ofAccount[item.Account])
	}
	return n
}

func (e event) accounts() int {
	names := make(map[string]bool)
	for _, item := range e.items {
		names[item.Account] = true
	}
	return len(names)
}

// description tells what became of the occurrences: how many have each outcome, with the
// reasons, each said once.
func (e event) description() string {
	counts := make(map[string]int)
	var order []string
	for _, item := range e.items {
		what := became(item)
		if counts[what] == 0 {
			order = append(order, what)
		}
		counts[what] += item.Run.Occurrences()
	}
	if len(order) == 1 && counts[order[0]] == 1 {
		return order[0]
	}
	const most = 20 // reasons may differ from run to run
	for i, what := range order {
		if i == most {
			order[i] = fmt.Sprintf("and %d more", len(order)-most)
			order = order[:most+1]
			break
		}
		order[i] = fmt.Sprintf("%d %s", counts[what], what)
	}
	return strings.Join(order, "\n")
}

// became says what became of an item, or what will.
func became(item tradeclock.AgendaItem) string {
	switch {
	case item.Run.Outcome == tradeclock.NoOutcome && item.Skip != "":
		return "will not run: " + item.Skip
	case item.Run.Outcome == tradeclock.NoOutcome && item.Awaits != "":
		return "to come, waits for " + item.Awaits
	case item.Run.Outcome == tradeclock.NoOutcome:
		return "to come"
	case item.Run.Reason != "":
		return item.Run.Outcome.String() + ": " + item.Run.Reason
	}
	return item.Run.Outcome.String()
}

// cancelled reports whether all of the event was skipped, or will be.
func (e event) cancelled() bool {
	return !slices.ContainsFunc(e.items, func(item tradeclock.AgendaItem) bool {
		return item.Run.Outcome != tradeclock.Skipped && (item.Run.Outcome != tradeclock.NoOutcome || item.Skip == "")
	})
}

func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
