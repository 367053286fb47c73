package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/store"
)

// slot is what both sides know an occurrence by: the minute at which it is due.
type slot struct {
	task string
	due  int64 // in seconds of Unix
}

func (n note) slot() slot { return slot{n.Task, n.Due.Unix()} }

// compare prints what differs, day by day.
func (w *week) compare(ctx context.Context, out io.Writer) error {
	loop, noted := count(w.loop.journal.ran), count(w.noted)
	late := make(map[slot]time.Duration)
	for _, n := range w.noted {
		late[n.slot()] = n.Ended.Sub(n.Due)
	}
	for date := monday; !date.After(friday); date = date.AddDays(1) {
		both, differ := 0, []difference(nil)
		for s := range union(loop, noted) {
			if s.date() != date {
				continue
			}
			if loop[s] == noted[s] {
				both++
				continue
			}
			why, err := w.why(ctx, s, loop[s], late[s])
			if err != nil {
				return err
			}
			differ = append(differ, difference{s, loop[s], noted[s], why})
		}
		fmt.Fprintf(out, "%s %s: %d runs are the same\n", date.Weekday().String()[:3], date, both)
		list(out, differ)
	}
	return nil
}

func count(notes []note) map[slot]int {
	n := make(map[slot]int)
	for _, one := range notes {
		n[one.slot()]++
	}
	return n
}

func union(a, b map[slot]int) map[slot]bool {
	all := make(map[slot]bool)
	for _, m := range []map[slot]int{a, b} {
		for s := range m {
			all[s] = true
		}
	}
	return all
}

func (s slot) at() time.Time       { return time.Unix(s.due, 0).In(nse.Location()) }
func (s slot) date() calendar.Date { return calendar.DateOf(s.at()) }

// why tells why the two differ about a slot: by the calendar, by the ledger, and by the
// journal of the loop.
func (w *week) why(ctx context.Context, s slot, looped int, late time.Duration) (string, error) {
	session, err := nse.Session(s.date())
	if err != nil {
		return "", err
	}
	runs, err := w.store.Runs(ctx, store.Query{Scheduler: shadowName, Task: s.task, From: s.date(), To: s.date()})
	if err != nil {
		return "", err
	}
	for _, run := range runs {
		if run.Due.Unix() == s.due && run.Outcome != store.Succeeded {
			return run.Outcome.String() + ": " + run.Reason, nil
		}
	}
	switch {
	case !session.Open():
		return session.Describe(), nil
	case looped > 1:
		return "the loop had forgotten at its restart that it ran", nil
	case looped == 0:
		return w.whyNotLooped(s, late), nil
	}
	return "no row is due then", nil
}

// whyNotLooped reads the journal of the loop.
func (w *week) whyNotLooped(s slot, late time.Duration) string {
	if w.loop.journal.looked[s.due] {
		return "the loop took it for done, since no eod_cleanup had emptied its flags"
	}
	for _, ran := range w.loop.journal.ran {
		if ran.Due.Before(s.at()) && ran.Ended.After(s.at()) {
			return "the loop was in " + ran.Task
		}
	}
	return fmt.Sprintf("the loop did not look at that minute; tradeclock caught up, %s late", late)
}

// difference is a slot that one of them ran, or one more often than the other.
type difference struct {
	slot
	loop, noted int
	why         string
}

// list prints differences of one reason in one line.
func list(out io.Writer, all []difference) {
	slices.SortFunc(all, func(a, b difference) int {
		return cmp.Or(cmp.Compare(a.task, b.task), cmp.Compare(a.due, b.due))
	})
	for len(all) > 0 {
		n := 1
		for n < len(all) && all[n].task == all[0].task && all[n].why == all[0].why {
			n++
		}
		when := all[0].at().Format("15:04")
		if n > 1 {
			when = fmt.Sprintf("%s to %s, %d times", when, all[n-1].at().Format("15:04"), n)
		}
		fmt.Fprintf(out, "  %-24s %-25s loop %d, tradeclock %d: %s\n", all[0].task, when, all[0].loop, all[0].noted, all[0].why)
		all = all[n:]
	}
}
