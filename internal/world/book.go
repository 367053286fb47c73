package world

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/store"
)

// book is the world's own account: every execution, and every write that the store
// accepted. It is kept outside of the store, and is a small ledger by itself, made
// from what the interface promises.
type book struct {
	w *World

	term    store.Term
	leading bool
	expires time.Duration
	holder  *process
	began   time.Duration // of the term

	rowsOf map[slotKey]*entry
	ranges map[rowKey][]*entry
	mark   time.Time
	marks  []moved
	// trusted is until when the holder of a term trusts it, as it said.
	trusted map[int64]time.Time

	reported map[string]bool // the starts that were reported as ended, by token

	executions []*execution
	bySlot     map[slotKey][]*execution
	running    []*execution

	halts      map[string]storedHalt    // by account
	lifted     map[string]time.Duration // when a halt was lifted last, by account
	wishes     map[string]*wish         // by actor
	petitions  map[string]*petition     // by actor
	asking     []*petition              // in the order in which they were made
	words      words
	enrolledAt map[string]time.Duration
	askedAt    map[string]time.Duration // when each account was first to be enrolled
	absent     map[string]*spans        // when each account was away, as far as the ledger knows
	left       map[string]time.Duration // since when those are that have not come back

	rows           versions[[]task]
	calendars      versions[map[calendar.Date]session]
	disturbed      spans // not everything was normal
	broken         spans // a call or a process was
	failing        spans // but for hosts that sleep
	calendarFailed spans
	stepped        spans // a clock was wrong
	cache          map[cacheKey][]occurrence

	checked Checked

	holders []string
	named   *strings.Replacer
}

type slotKey struct{ account, task, slot string }

type rowKey struct{ account, task string }

// entry is a row of the ledger as it must be.
type entry struct {
	run   tradeclock.Run
	token string
	term  int64
	// firstTerm is that of its first claim, which it may have had under an older term.
	firstTerm int64
	outcome   tradeclock.Outcome
	at        time.Duration // when it was made
	settled   time.Duration
	finished  time.Time

	settledIn      int64    // the term then
	p              *process // whose claim it is
	first, resumed bool     // as the claim answered
	answered       bool     // and the answer came at once
	late           store.LateOutcome
}

// mayHaveStarted holds a run that was armed, and is interrupted by another term, to saying
// that it may not have started. One of which the terms prove that it never did is free.
func (e *entry) mayHaveStarted(b *book, run *tradeclock.Run) {
	if e.outcome != tradeclock.Armed || run.Outcome != tradeclock.Interrupted || !run.Started.IsZero() {
		return
	}
	if until, known := b.trusted[e.term]; known && !run.Due.Add(run.Offset).Before(until) {
		b.w.violate("at most once", describe(run)+": its term was over before it was due, and its slot is used up")
	}
	if !strings.Contains(run.Reason, "may not have started") {
		b.w.violate("outcomes are true", describe(run)+": it was armed, and the reason does not say so: "+run.Reason)
	}
}

func (e *entry) neverStarted() bool {
	return e.token == "" && e.didNotStart() && e.run.Occurrences() == 1
}

func (e *entry) didNotStart() bool {
	return e.outcome == tradeclock.Missed || e.outcome == tradeclock.Skipped
}

// moved is a step of the watermark.
type moved struct {
	at   time.Duration
	mark time.Time
}

func newBook(w *World) *book {
	return &book{
		w: w, rowsOf: make(map[slotKey]*entry), ranges: make(map[rowKey][]*entry), bySlot: make(map[slotKey][]*execution),
		halts: make(map[string]storedHalt), lifted: make(map[string]time.Duration),
		wishes: make(map[string]*wish), petitions: make(map[string]*petition),
		words:      words{inForce: make(map[wordKey]word), last: make(map[wordKey]string)},
		enrolledAt: make(map[string]time.Duration), askedAt: make(map[string]time.Duration),
		absent:    make(map[string]*spans),
		left:      make(map[string]time.Duration),
		reported:  make(map[string]bool),
		trusted:   make(map[int64]time.Time),
		cache:     make(map[cacheKey][]occurrence),
		rows:      versions[[]task]{w: w, seen: make(map[*process][]sighting)},
		calendars: versions[map[calendar.Date]session]{w: w, seen: make(map[*process][]sighting)},
		named:     strings.NewReplacer(),
	}
}

func slotOf(r *tradeclock.Run) slotKey { return slotKey{r.Account, r.Task, r.Slot} }

// plain is a run's slot without what is random in it.
func (b *book) plain(r *tradeclock.Run) string {
	if !r.Manual {
		return r.Slot
	}
	return b.named.Replace(r.Slot)
}

// fenced holds the store to its fence: a write is accepted under the current term,
// and under no other.
func (b *book) fenced(op string, t store.Term, err error) bool {
	current := b.leading && b.term == t
	deposed := errors.Is(err, store.ErrDeposed)
	switch {
	case err == nil && !current:
		b.w.violate("fencing", fmt.Sprintf("%s under term %d was accepted, the term is %d", op, t.Number, b.term.Number))
	case deposed && current:
		b.w.violate("fencing", fmt.Sprintf("%s under term %d was refused, which is the current one", op, t.Number))
	}
	return err == nil
}

// led notes an answer of Lead.
func (b *book) led(p *process, holder string, term store.Term, ttl time.Duration, trusted time.Time, err error) {
	now := b.w.now
	expired := !b.leading || now >= b.expires
	if err != nil {
		if expired || b.term.Holder == holder {
			b.w.violate("fencing", fmt.Sprintf("the term was refused to %s, and is free: %v", p.name, err))
		}
		return
	}
	switch {
	case b.leading && term == b.term && term.Holder == holder:
	case expired && term.Number == b.term.Number+1 && term.Holder == holder:
		b.w.note(p, "gets term %d", term.Number)
		b.heldToTakeover()
		b.term, b.leading, b.holder, b.began = term, true, p, now
	default:
		b.w.violate("fencing", fmt.Sprintf("%s was given term %d while term %d of %s lasts", p.name, term.Number, b.term.Number, b.term.Holder))
	}
	b.expires = now + ttl
	if trusted.After(b.trusted[term.Number]) {
		b.trusted[term.Number] = trusted
	}
}

// takeoverWithin is how long after the end of a term a standby takes over, and a
// little for the way to the store.
const takeoverWithin = 5*time.Second + 500*time.Millisecond

// heldToTakeover is called when a term follows one that was not resigned.
func (b *book) heldToTakeover() {
	late := b.w.now - b.expires
	if !b.leading || late <= takeoverWithin || b.broken.touch(b.expires-b.w.script.term, b.w.now) {
		return
	}
	for _, p := range b.w.processes {
		if p != nil && p.born < b.expires-b.w.script.term && !p.frozen(b.expires-b.w.script.term) && !p.stopping {
			b.w.violate("alive", fmt.Sprintf("%s stood by, and the term was taken over %v after it ended", p.name, late))
		}
	}
}

func (b *book) resigned(t store.Term, err error) {
	if err == nil && b.leading && b.term == t {
		b.leading = false
	}
}

func (b *book) enrolled(t store.Term, accounts []store.Enrolment, err error) {
	if !b.fenced("Enroll", t, err) {
		return
	}
	for _, a := range accounts {
		if _, known := b.enrolledAt[a.Account]; !known {
			b.enrolledAt[a.Account] = b.w.now
		}
		if since, away := b.left[a.Account]; away && b.w.enrolled[a.Account] {
			b.absent[a.Account].add(since, b.w.now)
			delete(b.left, a.Account)
		}
	}
}

// asked notes that an account is to be enrolled.
func (b *book) asked(account string) {
	if b.absent[account] == nil {
		b.absent[account] = new(spans)
	}
	if _, known := b.askedAt[account]; !known {
		b.askedAt[account] = b.w.now
	}
}

// heldToEnrolment holds a row to coming after its account. A process whose clock is
// wrong takes another instant for it.
func (b *book) heldToEnrolment(p *process, run *tradeclock.Run) {
	asked := b.askedAt[run.Account]
	if from := b.w.wallAt(asked + p.offset); !run.Manual && run.Due.Before(from) && !b.broken.touch(asked, b.w.now) {
		b.w.violate("enrolment", fmt.Sprintf("%s was due before its account was enrolled", describe(run)))
	}
}

// claimed notes the answers of Claim.
func (b *book) claimed(p *process, t store.Term, runs []tradeclock.Run, claims []store.Claim, err error) {
	if !b.fenced("Claim", t, err) {
		return
	}
	for i := range runs {
		run := &runs[i]
		row := b.rowsOf[slotOf(run)]
		switch {
		case !claims[i].Held:
		case row != nil && (row.token != run.Token || !row.outcome.Open()):
			b.w.violate("at most once", fmt.Sprintf("%s: a second claim of the slot was accepted", describe(run)))
		case row != nil: // repeated after a lost answer
			if row.outcome == tradeclock.Armed && run.Outcome == tradeclock.Running {
				row.first = row.first && (run.First || !b.factsOf(sessionOf(run)).succeeded)
			}
			if claims[i].First != row.first || claims[i].Resumed != row.resumed {
				b.w.violate("first and resumed", describe(run)+": a claim that is repeated has another answer")
			}
			if run.Outcome == tradeclock.Running {
				row.outcome = run.Outcome
			}
		case b.covered(run):
			b.w.violate("at most once", fmt.Sprintf("%s: a claim within a recorded range was accepted", describe(run)))
		case !run.Manual && !run.Backdated && !run.Due.After(b.mark):
			b.w.violate("fencing", fmt.Sprintf("%s: a claim behind the watermark was accepted", describe(run)))
		default:
			b.heldToEnrolment(p, run)
			b.heldToOrder(p, run)
			row = &entry{run: *run, token: run.Token, term: t.Number, firstTerm: t.Number, outcome: run.Outcome, at: b.w.now, p: p}
			b.heldToFacts(run, row, b.factsOf(sessionOf(run)), claims[i])
			b.rowsOf[slotOf(run)] = row
			b.w.note(p, "claims %s in term %d", describe(run), t.Number)
		}
	}
}

func (b *book) covered(run *tradeclock.Run) bool {
	for _, row := range b.ranges[rowKey{run.Account, run.Task}] {
		if !run.Due.Before(row.run.Due) && !run.Due.After(row.run.Through()) {
			return true
		}
	}
	return false
}

// reclaimed notes the answer of Reclaim.
func (b *book) reclaimed(p *process, t store.Term, old string, run tradeclock.Run, claim store.Claim, err error) {
	if !b.fenced("Reclaim", t, err) || !claim.Held {
		return
	}
	row := b.rowsOf[slotOf(&run)]
	switch {
	case row != nil && row.token == run.Token && row.outcome == tradeclock.Running:
	case row != nil && row.token == old && (row.outcome == tradeclock.Interrupted || run.Manual && row.neverStarted()):
		if row.outcome == tradeclock.Interrupted && b.taskOf(run.Account, run.Task).Delivery == tradeclock.AtMostOnce {
			b.w.violate("at most once", describe(&run)+": it was interrupted, and is claimed again")
		}
		before := b.factsOf(sessionOf(&run))
		if row.token == "" {
			row.firstTerm = t.Number
		}
		row.run, row.p, row.answered = run, p, false
		row.token, row.term, row.outcome = run.Token, t.Number, tradeclock.Running
		b.heldToFacts(&run, row, before, claim)
		b.w.note(p, "claims %s again in term %d", describe(&run), t.Number)
	default:
		b.w.violate("at most once", fmt.Sprintf("%s: it was claimed again, and was not interrupted", describe(&run)))
	}
}

// released notes which claims were given back: none of a run that was executed.
func (b *book) released(p *process, t store.Term, runs []tradeclock.Run, err error) {
	if !b.fenced("Release", t, err) {
		return
	}
	for i := range runs {
		run := &runs[i]
		row := b.rowsOf[slotOf(run)]
		if row == nil || !row.outcome.Open() || run.Token == "" || row.token != run.Token {
			continue
		}
		b.heldToRelease(run, row)
		b.w.note(p, "gives back %s", describe(run))
		switch {
		case !run.Outcome.Final():
			delete(b.rowsOf, slotOf(run))
		case run.Outcome == tradeclock.Interrupted:
			row.outcome = run.Outcome
		default:
			row.outcome, row.token = run.Outcome, ""
			row.run.Reason, row.run.Manual, row.run.Actor = run.Reason, false, ""
		}
	}
}

// heldToRelease holds a claim that is given back to never having been used.
// One that was armed may start at least once without the ledger, once its term is over.
func (b *book) heldToRelease(run *tradeclock.Run, row *entry) {
	if row.outcome == tradeclock.Armed && b.taskOf(run.Account, run.Task).Delivery == tradeclock.AtLeastOnce {
		return
	}
	for _, x := range b.bySlot[slotOf(run)] {
		if x.run.Token == run.Token {
			b.w.violate("at most once", fmt.Sprintf("%s: its claim was given back, and it was executed", describe(run)))
		}
	}
}

// recorded notes what Record was given.
func (b *book) recorded(p *process, t store.Term, outcomes []tradeclock.Run, to time.Time, err error) {
	if !b.fenced("Record", t, err) {
		return
	}
	for i := range outcomes {
		run := &outcomes[i]
		row := b.rowsOf[slotOf(run)]
		switch {
		case row == nil && run.Occurrences() == 1 && b.covered(run):
			continue
		case row == nil:
			row = &entry{run: *run, term: t.Number, outcome: run.Outcome, at: b.w.now}
			b.rowsOf[slotOf(run)] = row
			b.heldToEnrolment(p, run)
			b.w.note(p, "records %s, %d in all: %s", describe(run), run.Occurrences(), run.Reason)
		case row.token == "" && row.outcome == run.Outcome && row.run.Reason == run.Reason && run.Occurrences() > row.run.Occurrences():
			row.run = *run
		default:
			continue
		}
		if run.Occurrences() > 1 {
			b.ranges[rowKey{run.Account, run.Task}] = append(b.ranges[rowKey{run.Account, run.Task}], row)
		}
	}
	if to.After(b.mark) {
		b.mark = to
		b.marks = append(b.marks, moved{b.w.now, to})
	}
}

// reset notes that the watermark is set back: what never started and ends later is
// gone, and planned again.
func (b *book) reset(t store.Term, to time.Time, err error) {
	if !b.fenced("ResetWatermark", t, err) {
		return
	}
	goes := func(row *entry) bool { return row.token == "" && row.didNotStart() && row.run.Through().After(to) }
	mark := to
	for _, row := range b.rowsOf {
		if before := row.run.Due.Add(-time.Second); goes(row) && before.Before(mark) {
			mark = before
		}
	}
	maps.DeleteFunc(b.rowsOf, func(_ slotKey, row *entry) bool { return goes(row) })
	for key, rows := range b.ranges {
		b.ranges[key] = slices.DeleteFunc(rows, goes)
	}
	b.mark = mark
	b.marks = append(b.marks, moved{b.w.now, mark})
	b.w.note(nil, "the watermark is set back to %s", b.w.local(mark.Sub(b.w.script.start)).Format("15:04:05.000"))
}

// settled notes the answers of Settle.
func (b *book) settled(p *process, runs []tradeclock.Run, results []store.SettleResult, err error) {
	if err != nil {
		return
	}
	for i := range runs {
		run := &runs[i]
		row := b.rowsOf[slotOf(run)]
		entitled := row != nil && run.Token != "" && row.token == run.Token &&
			(row.outcome.Open() || row.outcome == run.Outcome)
		if results[i].Accepted != entitled {
			b.w.violate("fencing", fmt.Sprintf("%s: settled as %v: accepted: %v, entitled by its token: %v",
				describe(run), run.Outcome, results[i].Accepted, entitled))
			return
		}
		b.reported[run.Token] = true
		b.heldToReport(run)
		b.heldToRerun(p, run)
		if row != nil && !entitled {
			row.late = store.LateOutcome{Outcome: run.Outcome, Reason: run.Reason, Finished: run.Finished}
		}
		if entitled && row.outcome.Open() {
			row.mayHaveStarted(b, run)
			row.outcome, row.settled, row.settledIn, row.finished = run.Outcome, b.w.now, b.term.Number, run.Finished
			b.w.note(p, "settles %s: %s", describe(run), run.Reason)
		}
	}
}

// beat holds a process to a heartbeat a minute.
func (b *book) beat(p *process, hb tradeclock.Heartbeat) {
	gap := b.w.now - p.beat
	if p.beating == 0 && gap > beatGap && !p.frozen(p.beat) && !p.dead {
		b.w.violate("alive", fmt.Sprintf("%s did not beat for %v", p.name, gap))
	}
}

// beatGap is the longest time between two heartbeats: a minute, and what the call
// before may take.
const beatGap = 63 * time.Second
