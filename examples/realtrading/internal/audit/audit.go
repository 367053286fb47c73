// Package audit compares what a broker has in its book with what the ledger says ran:
// no order twice, and none missing without a reason. It owns nothing, is told both
// accounts, and answers with what does not agree.
package audit

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/examples/internal/broker"
	"github.com/tradeclock/tradeclock/examples/internal/desk"
	"github.com/tradeclock/tradeclock/examples/realtrading/internal/client"
	"github.com/tradeclock/tradeclock/examples/realtrading/internal/wire"
)

// Report is what the two accounts say.
type Report struct {
	// Started counts the runs of the ledger that began, and Unfinished those of them
	// that did not succeed, or said that there was nothing to do.
	Started, Unfinished int
	// Orders counts those of the book, and Opening those of them that the broker's
	// accounts were opened with: no run asked for them.
	Orders, Opening int
	// Again counts the changes that were made already when they were made again, which
	// changed nothing.
	Again int
	// Fates counts what became of the changes that were asked for.
	Fates map[wire.Fate]int
	// Findings are what does not agree, one sentence each. Empty is as it should be.
	Findings []string
}

// Compare compares the ledger's runs with the broker's book.
func Compare(runs []tradeclock.Run, book wire.Book) Report {
	a := &auditor{
		runs:   make(map[string]tradeclock.Run),
		orders: make(map[string][]broker.Order),
		Report: Report{Fates: make(map[wire.Fate]int)},
	}
	for _, run := range runs {
		a.runs[run.ID] = run
	}
	for _, o := range book.Orders {
		a.checkOrder(o)
	}
	a.checkTwice(book.Orders)
	a.checkChanges(book.Changes)
	for _, run := range runs {
		a.checkRun(run)
	}
	return a.Report
}

// Print writes the report for people.
func (r Report) Print(w io.Writer) error {
	fmt.Fprintf(w, "%d runs started, of which %d did not succeed\n", r.Started, r.Unfinished)
	fmt.Fprintf(w, "%d orders at the broker, of which %d were there before\n", r.Orders, r.Opening)
	fmt.Fprintf(w, "%d changes were asked for again after they had been made, and changed nothing\n", r.Again)
	for _, fate := range slices.Sorted(maps.Keys(r.Fates)) {
		fmt.Fprintf(w, "  %-10s %d\n", fate, r.Fates[fate])
	}
	for _, finding := range r.Findings {
		fmt.Fprintln(w, "WRONG:", finding)
	}
	if len(r.Findings) > 0 {
		_, err := fmt.Fprintf(w, "the broker's book and the ledger do not agree: %d findings\n", len(r.Findings))
		return err
	}
	_, err := fmt.Fprintln(w, "the broker's book and the ledger agree: no order twice, none missing without a reason")
	return err
}

type auditor struct {
	Report
	runs   map[string]tradeclock.Run
	orders map[string][]broker.Order // of the book, by run
	terms  map[string]map[int64]bool // under which a change of an order was made, by key
}

func (a *auditor) find(format string, args ...any) {
	a.Findings = append(a.Findings, fmt.Sprintf(format, args...))
}

// split takes apart an order ID that a run gave.
func split(key string) (run, symbol string) {
	run, symbol, _ = strings.Cut(key, "-")
	return run, symbol
}

// checkOrder finds the run that asked for an order.
func (a *auditor) checkOrder(o broker.Order) {
	a.Orders++
	if strings.HasPrefix(o.Key, desk.OpeningKey) {
		a.Opening++
		return
	}
	id, _ := split(o.Key)
	run, known := a.runs[id]
	switch {
	case !known:
		a.find("the order %s of %s is of no run in the ledger", o.Key, o.Account)
	case run.Account != o.Account:
		a.find("the order %s of %s is of a run for %s", o.Key, o.Account, run.Account)
	case run.Started.IsZero():
		a.find("the order %s of %s is of a run that never started: %s, %s", o.Key, o.Account, run.Outcome, run.Reason)
	}
	a.orders[id] = append(a.orders[id], o)
}

// once are the orders of which the strategy has one of a symbol in a session.
var once = []string{desk.NoteEvening, desk.NoteRetry, desk.NoteTarget, desk.NoteReentry}

// checkTwice finds orders of different IDs that were meant once.
func (a *auditor) checkTwice(orders []broker.Order) {
	type meant struct {
		account, symbol, note string
		session               calendar.Date
	}
	first := make(map[meant]broker.Order)
	for _, o := range orders {
		if o.Status == broker.StatusRejected || !slices.Contains(once, o.Note) {
			continue
		}
		m := meant{o.Account, o.Symbol, o.Note, o.Session}
		if other, twice := first[m]; twice {
			a.find("%s has two orders %q of %s for %s: %s and %s", o.Account, o.Note, o.Symbol, o.Session, other.Key, o.Key)
			continue
		}
		first[m] = o
	}
}

// checkChanges finds changes that a deposed holder made, and counts the repeated ones.
func (a *auditor) checkChanges(changes []wire.Change) {
	made := make(map[string]bool)
	a.terms = make(map[string]map[int64]bool)
	var highest int64
	for _, c := range changes {
		a.Fates[c.Fate]++
		if !c.Fate.Happened() {
			continue
		}
		if c.Term < highest {
			a.find("the change %q of %s was made under term %d, after one under term %d", c.What, cmp.Or(c.Key, c.Account), c.Term, highest)
		}
		highest = max(highest, c.Term)
		if c.Key == "" {
			continue // closing a day once more changes what it finds then
		}
		request := fmt.Sprint(c.Account, " ", c.What, " ", c.Key)
		if made[request] {
			a.Again++
		}
		made[request] = true
		if a.terms[c.Key] == nil {
			a.terms[c.Key] = make(map[int64]bool)
		}
		a.terms[c.Key][c.Term] = true
	}
}

// checkRun compares what a run says of its orders with the book.
func (a *auditor) checkRun(run tradeclock.Run) {
	name := fmt.Sprintf("%s of %s, %s", run.Task, run.Account, run.Slot)
	if !run.Outcome.Final() {
		a.find("%s is not settled", name)
		return
	}
	if run.Outcome != tradeclock.Succeeded && run.Reason == "" {
		a.find("%s is %s without a reason", name, run.Outcome)
	}
	if run.Started.IsZero() {
		return
	}
	a.Started++
	if run.Outcome != tradeclock.Succeeded && run.Outcome != tradeclock.Skipped {
		a.Unfinished++
	}
	asked, _ := run.Details[client.DetailOrders].(map[string]any)
	a.checkAsked(name, run, asked)
	a.checkPlaced(name, run, asked)
}

// checkAsked finds orders that the broker confirmed and does not have.
func (a *auditor) checkAsked(name string, run tradeclock.Run, asked map[string]any) {
	for _, symbol := range slices.Sorted(maps.Keys(asked)) {
		has := slices.ContainsFunc(a.orders[run.ID], func(o broker.Order) bool {
			_, other := split(o.Key)
			return other == symbol
		})
		switch said := asked[symbol]; {
		case said == client.Unanswered && run.Outcome == tradeclock.Succeeded:
			a.find("%s succeeded, and does not know what became of its order of %s", name, symbol)
		case said == client.Refused && has:
			a.find("%s has an order of %s that the broker refused", name, symbol)
		case said != client.Refused && said != client.Unanswered && !has:
			a.find("%s has no order of %s, which the broker confirmed as %v", name, symbol, said)
		}
	}
}

// checkPlaced finds orders of the book that the run does not know of. What was cut off
// could not tell what it had asked for: that is the reason.
func (a *auditor) checkPlaced(name string, run tradeclock.Run, asked map[string]any) {
	if run.Outcome == tradeclock.Interrupted || run.Outcome == tradeclock.TimedOut {
		return
	}
	for _, o := range a.orders[run.ID] {
		_, symbol := split(o.Key)
		// An order of a run that is run again may be from the time before.
		if _, known := asked[symbol]; !known && a.terms[o.Key][run.Term] {
			a.find("%s does not know of its order of %s", name, symbol)
		}
	}
	if placed, counted := run.Details["placed"]; counted && fmt.Sprint(placed) != fmt.Sprint(len(a.orders[run.ID])) {
		a.find("%s says that it placed %v orders, and the broker has %d", name, placed, len(a.orders[run.ID]))
	}
}
