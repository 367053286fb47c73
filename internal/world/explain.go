package world

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/store"
)

// query is what a question is about: a task of an account on a day.
type query struct {
	account, task string
	date          calendar.Date
}

// question asks a process why a task did or did not run on a day around today.
func (w *World) question(in incident) {
	q := query{in.account, w.script.tasks[in.task].Task, calendar.DateOf(w.local(w.now)).AddDays(in.number%3 - 1)}
	w.order(in, "question", func(p *process) error { return p.explain(q) })
}

// questionAll asks the active process about all tasks of the last days.
func (w *World) questionAll() {
	today := calendar.DateOf(w.local(w.now))
	for _, p := range w.processes {
		if p == nil || p.sched.Status().State != tradeclock.StateActive {
			continue
		}
		w.routines.start(p, func() {
			for back := range min(3, w.script.days) {
				for _, account := range w.script.accounts {
					for _, task := range taskNames {
						q := query{account, task, today.AddDays(-back)}
						if err := p.explain(q); err != nil && !p.dead {
							w.violate("explained", fmt.Sprintf("%v: %v", q, err))
						}
					}
				}
			}
		})
	}
}

// explain asks a process, and holds the sentence to what the world knows. Where the
// ledger has runs it is about these, as they were when the ledger was read.
func (p *process) explain(q query) error {
	delete(p.store.read, q)
	text, err := p.sched.Explain(context.Background(), q.account, q.task, q.date)
	if err != nil || p.dead {
		return err
	}
	_, text, _ = strings.Cut(text, ", ")
	why := p.w.book.heldToCounts(p.store.read[q], text)
	if why == "" && len(p.store.read[q]) == 0 {
		why = p.w.book.heldToNone(p, q, text)
	}
	if why != "" {
		p.w.violate("explained", fmt.Sprintf("%v at %s: %q: %s", q, p.name, text, why))
	}
	return nil
}

// outcomesOf counts the outcomes of a day.
func (b *book) outcomesOf(q query) map[string]int {
	found := make(map[string]int)
	for _, row := range b.rowsOf {
		if row.run.Account == q.account && row.run.Task == q.task && row.run.Session == q.date {
			found[row.outcome.String()] += row.run.Occurrences()
		}
	}
	return found
}

// outcomeTold is an outcome in a sentence, with how many there are if there are several.
var outcomeTold = regexp.MustCompile(`(\d+ )?\b(running|succeeded|failed|timed out|skipped|missed|interrupted)\b`)

// reasonTold is what a sentence says in brackets, or after the outcome of a single run.
var reasonTold = regexp.MustCompile(`\([^()]*\)|(and (is |was )?[a-z ]+): .*`)

// heldToCounts: the outcomes that a sentence tells are those that there were, as many.
func (b *book) heldToCounts(has map[string]int, text string) string {
	if strings.Contains(text, "going to be skipped") {
		return ""
	}
	parts := slices.DeleteFunc(strings.Split(text, "; "), func(part string) bool {
		return strings.Contains(part, "the ledger has no record of") || strings.Contains(part, "to come") // with how it will be
	})
	text = strings.Join(parts, "; ")
	for before := ""; before != text; {
		before, text = text, reasonTold.ReplaceAllString(text, "$1")
	}
	told := make(map[string]int)
	for _, found := range outcomeTold.FindAllStringSubmatch(text, -1) {
		n, err := strconv.Atoi(strings.TrimSpace(found[1]))
		if err != nil {
			n = 1
		}
		told[found[2]] += n
	}
	if maps.Equal(has, told) {
		return ""
	}
	return fmt.Sprintf("there were %v", has)
}

// heldToNone: where there is no run, the reason is a true one.
func (b *book) heldToNone(p *process, q query, text string) string {
	is := func(claim string) bool { return strings.Contains(text, claim) }
	switch {
	case is("before the account or the schedule was there"), is("another schedule or calendar held"):
		return b.heldToNoRecord(q)
	case is("has no schedule"), is("quarantined"):
		if b.isUsable(q) {
			return "it has one"
		}
	case is("is not enrolled"):
		if _, withdrawn := p.withdrawn[q.account]; !withdrawn && b.w.enrolled[q.account] {
			return "it is"
		}
	case is("is disabled"):
		for _, r := range b.rows.given(p, b.w.now-beatGap, 1) {
			if t, _ := rowFor(b.rows.all[r-1], q.account, q.task); t.Disabled {
				return ""
			}
		}
		return "it is not"
	}
	return ""
}

// isUsable reports whether a task of an account has a row that can be used, and what it
// comes after has one.
func (b *book) isUsable(q query) bool {
	for {
		t, ok := rowFor(b.w.script.tasks, q.account, q.task)
		if !ok || t.ruleKind() != "after" {
			return ok
		}
		q.task = taskNames[t.base]
	}
}

// heldToNoRecord: that the ledger has nothing of an occurrence of the last days, and that
// its account came later, is not said of one that the account was there for.
func (b *book) heldToNoRecord(q query) string {
	asked, known := b.enrolledAt[q.account] // which may be long after anybody wanted it, as in an outage
	if !known {
		return ""
	}
	for _, o := range b.dueOn(q.account, q.task, q.date) {
		due := o.due.Sub(b.w.script.start)
		unsure := b.rows.uncertain(due-poll, b.w.now) || b.calendars.uncertain(due-poll, b.w.now) || b.disturbed.touch(due-calm, b.w.now)
		if due > asked+near && due <= b.w.now && !b.wasAway(q.account, asked, b.w.now) && !unsure {
			return "its account was enrolled, and nothing was pruned"
		}
	}
	return ""
}

var _ store.History = (*faulty)(nil)

// Runs reads rows of the ledger.
func (st *faulty) Runs(ctx context.Context, q store.Query) ([]tradeclock.Run, error) {
	return ask(ctx, st, "Runs", "", func() ([]tradeclock.Run, error) {
		if q.From == q.To {
			about := query{q.Account, q.Task, q.From}
			st.read[about] = st.p.w.book.outcomesOf(about)
		}
		return st.p.w.database.Runs(whole, q)
	})
}
