package answer

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/engine"
	"github.com/tradeclock/tradeclock/internal/plan"
	"github.com/tradeclock/tradeclock/internal/said"
	"github.com/tradeclock/tradeclock/internal/vet"
	"github.com/tradeclock/tradeclock/internal/why"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/store"
)

// explanation is what is known of one task, account and date.
type explanation struct {
	Question
	*Knowledge
	history store.History
	runs    []store.Run       // the records of the date
	due     []plan.Occurrence // what the present schedule brings up, and has no record
	asked   int               // of how many slots the ledger was asked who has them
}

func newExplanation(q Question, known *Knowledge, history store.History, runs []store.Run, due []plan.Occurrence) *explanation {
	e := &explanation{Question: q, Knowledge: known, history: history, runs: runs}
	recorded := AccountedBy(runs)
	for _, o := range plan.Runs(due, q.Account) {
		if vet.RowOf(o).Task == q.Task && vet.RowOf(o).Run.HoldsFor(q.Account) && !recorded.Has(engine.Key{Task: q.Task, Account: q.Account}, o.Slot, o.Due) {
			e.due = append(e.due, o)
		}
	}
	return e
}

// sentence puts the parts together: what became of the date, and what holds of the
// rest of it.
func (e *explanation) sentence(ctx context.Context) string {
	var parts []string
	if len(e.runs) > 0 {
		parts = append(parts, e.explainRuns(), e.silence())
	}
	parts = append(parts, e.unrecorded(ctx)...)
	parts = append(parts, e.standing(ctx, len(parts) > 0), e.nextRun(ctx))
	if !e.succeeded() {
		parts = append(parts, e.Odd...)
	}
	return joined(parts)
}

func (e *explanation) succeeded() bool {
	return slices.ContainsFunc(e.runs, func(r store.Run) bool { return r.Outcome == store.Succeeded })
}

// isPast reports whether the date is over.
func (e *explanation) isPast() bool { return !calendar.EndOfDay.On(e.Date, e.Zone()).After(e.Now) }

// coming returns what of the date is not due yet.
func (e *explanation) coming() []plan.Occurrence {
	at := slices.IndexFunc(e.due, func(o plan.Occurrence) bool { return o.Due.After(e.Now) })
	if at < 0 {
		return nil
	}
	return e.due[at:]
}

// unrecorded says why occurrences of the present schedule have no record: those that
// were due, and those that are to come.
func (e *explanation) unrecorded(ctx context.Context) []string {
	var parts []string
	coming := e.coming()
	for past := e.due[:len(e.due)-len(coming)]; len(past) > 0; {
		why, n := e.whyNone(ctx, past[0]), 1
		for n < len(past) && e.whyNone(ctx, past[n]) == why {
			n++
		}
		parts = append(parts, e.past(past[:n], why, len(e.runs)+len(parts) == 0))
		past = past[n:]
	}
	for len(coming) > 0 {
		n := 1
		for n < len(coming) && coming[n].Skip == coming[0].Skip && coming[n].By == coming[0].By {
			n++
		}
		parts = append(parts, e.toCome(coming[:n], len(e.runs)+len(parts) == 0))
		coming = coming[n:]
	}
	return parts
}

// none is why an occurrence that was due has no record, or, if it did not run for certain,
// why not.
type none struct {
	why    string
	didNot bool
	waits  bool // it is not due yet, and waits for another
}

// past tells of occurrences that were due, at the beginning of the sentence or after it.
func (e *explanation) past(due []plan.Occurrence, none none, begins bool) string {
	what := "the ledger has no record of it: "
	if len(due) > 1 {
		what = "the ledger has no record of them: "
	}
	if none.didNot {
		what = "did not run: "
	}
	switch {
	case none.waits:
		return e.waits(due[0], begins)
	case len(due) > 1 && begins:
		return fmt.Sprintf("was due %d times %s, and %s%s", len(due), e.span(due), what, none.why)
	case len(due) > 1:
		return fmt.Sprintf("%d were due %s, and %s%s", len(due), e.span(due), what, none.why)
	case !begins:
		return fmt.Sprintf("that of %s was due, and %s%s", e.wall(due[0].Due, time.TimeOnly), what, none.why)
	case none.didNot:
		return what + none.why
	}
	return fmt.Sprintf("was due at %s, and %s%s", e.wall(due[0].Due, time.DateTime), what, none.why)
}

// toCome tells of occurrences that are not due yet, and are skipped for one reason if they
// are.
func (e *explanation) toCome(due []plan.Occurrence, begins bool) string {
	text, is, does := "", "is", "does"
	switch {
	case begins && len(due) == 1 && due[0].Awaits != nil && due[0].Skip == "":
		text = e.isToWait(due[0])
	case begins && len(due) == 1:
		text = fmt.Sprintf("is due at %s (%s)", e.wall(due[0].Due, time.DateTime), e.Row.Text)
	case begins:
		text = fmt.Sprintf("is due %d times %s (%s)", len(due), e.span(due), e.Row.Text)
	case len(due) == 1:
		text = fmt.Sprintf("that of %s is to come", e.wall(due[0].Due, time.TimeOnly))
	default:
		text, is, does = fmt.Sprintf("%d are to come, %s", len(due), e.span(due)), "are", "do"
	}
	if due[0].By != "" {
		text += ", " + due[0].By
	}
	switch {
	case !e.Served:
		return fmt.Sprintf("%s, and %s not run: %s", text, does, e.Unserved)
	case due[0].Skip != "" && begins && len(due) == len(e.due):
		return "is going to be skipped: " + due[0].Skip
	case due[0].Skip != "":
		return fmt.Sprintf("%s, and %s going to be skipped: %s", text, is, due[0].Skip)
	case e.Halt != "":
		return fmt.Sprintf("%s, and %s skipped as long as it is %s", text, is, e.Halt)
	}
	return text
}

// span tells the due times of several occurrences: "from 09:15:00 to 09:17:00".
func (e *explanation) span(due []plan.Occurrence) string {
	return fmt.Sprintf("from %s to %s", due[0].Due.In(e.Zone()).Format(time.TimeOnly), e.wall(due[len(due)-1].Due, time.TimeOnly))
}

// whyNone says why an occurrence that was due has no record. What cannot be told is
// not guessed.
func (e *explanation) whyNone(ctx context.Context, o plan.Occurrence) none {
	waits, known := e.Waits[o.Slot]
	switch {
	case e.isWaiting(o):
		return none{why: o.Slot, waits: true} // each is told of by itself
	case known:
		return none{why: waits}
	case !e.Served:
		return none{why: e.Unserved}
	case o.Due.After(e.Planned):
		return none{why: e.Behind}
	case !o.Due.After(e.Since.From):
		return none{why: fmt.Sprintf("before the account or the schedule was there, or while it was withdrawn, or pruned (the account is accounted for from %s on)",
			e.wall(e.Since.From, time.DateTime))}
	case !e.Since.Owns(&vet.RowOf(o).Run, o.Due):
		return none{why: fmt.Sprintf("the account was withdrawn at %s and came back at %s, later than its catch-up of %v",
			e.wall(e.Since.Left, time.DateTime), e.wall(e.Since.Returned, time.DateTime), vet.RowOf(o).EffectiveCatchUp())}
	}
	if e.asked++; e.asked > slotsAsked {
		return none{why: otherwisePlanned}
	}
	taken, err := e.history.Runs(ctx, store.Query{Scheduler: e.Scheduler, Account: e.Account, Task: e.Task, Slot: o.Slot, Limit: 1})
	switch {
	case err != nil:
		return none{why: "nothing more can be read: " + err.Error()}
	case len(taken) == 1 && taken[0].Session != o.Session:
		return none{why: why.Recurs(o.Slot, taken[0].Session.String()), didNot: true}
	}
	return none{why: otherwisePlanned}
}

const (
	otherwisePlanned = "another schedule or calendar held then, or it was pruned"
	slotsAsked       = 5 // of how many slots a sentence asks who has them
)

// standing says what holds of the task besides its occurrences: why it has none, or
// no more.
func (e *explanation) standing(ctx context.Context, more bool) string {
	r, loc := e.Row, e.Zone()
	over := r != nil && !calendar.EndOfDay.On(e.Date, loc).After(r.HoldsFrom())
	switch {
	case r == nil && more && e.isPast():
		return "" // what held then is not known
	case r == nil && !e.Served && !more:
		return e.why(more, e.Unserved)
	case r == nil && e.Rejected != nil:
		return e.why(more, fmt.Sprintf("its schedule is quarantined: %v", e.Rejected))
	case r == nil:
		return e.why(more, "it has no schedule")
	case r.Disabled && over && more:
		return ""
	case r.Disabled && over:
		return fmt.Sprintf("has no record: what held then is not known, as its schedule is disabled only since %s", e.wall(r.Since, time.DateTime))
	case r.Disabled && !r.Since.IsZero():
		return e.why(more, "its schedule is disabled since "+e.wall(r.Since, time.DateTime))
	case r.Disabled:
		return e.why(more, "its schedule is disabled")
	case r.IsEarly(e.Now):
		return e.why(more, fmt.Sprintf("its schedule holds only from %s, the future of this clock", e.wall(r.HoldsFrom(), time.DateTime)))
	case !e.isPast() && e.waitsForSession(ctx):
		return e.why(more, fmt.Sprintf("its rule %s takes effect at the next session, and until then %s holds", r.Text, r.Prior))
	case more:
		return ""
	case !e.Served:
		return e.why(more, e.Unserved)
	}
	return e.noOccurrence(ctx)
}

func (e *explanation) why(more bool, text string) string {
	switch {
	case more:
		return text
	case e.isPast():
		return "did not run, as " + text
	}
	return "does not run, as " + text
}

// noOccurrence says why the present schedule has nothing on the date.
func (e *explanation) noOccurrence(ctx context.Context) string {
	session, err := e.Ask(ctx, e.view(), e.Date).Session(e.Date)
	does := "does not run"
	if e.isPast() {
		does = "did not run"
	}
	switch {
	case err != nil:
		return fmt.Sprintf("%s, as %s", does, plan.NotKnown(e.view().Name(), e.Date, err))
	case !e.Row.Sessions.Has(session.Kind):
		return fmt.Sprintf("%s: %s", does, session.Describe())
	}
	return fmt.Sprintf("has no occurrence: its rule is %s%s", e.Row.Text, inForceSince(e.Row.HoldsFrom(), e.Zone()))
}

// nextRun tells when the task runs next, if the date is today and has nothing more to
// come.
func (e *explanation) nextRun(ctx context.Context) string {
	today := calendar.DateOf(e.Now.In(e.Zone()))
	if e.Date != today || len(e.coming()) > 0 {
		return ""
	}
	due, found := e.next(ctx, e.Account)
	if !found {
		return ""
	}
	text := "the next is due at " + e.wall(due, time.DateTime)
	if of, awaits := rule.Awaits(e.Row.Rule); awaits {
		text = fmt.Sprintf("the next waits for the success of %s from %s on", of.Task, e.wall(due, time.DateTime))
	}
	if e.Halt != "" {
		text += ", and is skipped as long as it is " + e.Halt
	}
	return text
}

// silence tells since when a task that repeats has had no run that went well, and what
// became of the newest.
func (e *explanation) silence() string {
	if len(e.runs) == 1 && e.runs[0].Occurrences() == 1 || e.Row == nil || rule.StepOf(e.Row.Root().Policy.Timing.Rule) == 0 {
		return ""
	}
	var well, newest *store.Run
	for i := range e.runs {
		r := &e.runs[i]
		if r.Manual {
			continue
		}
		newest = r
		if r.Outcome == store.Succeeded || r.Outcome.Open() || r.Outcome == store.Skipped && !r.Started.IsZero() {
			well = r
		}
	}
	if newest == nil || newest == well {
		return ""
	}
	became := outcomeVerb(newest.Outcome)
	if newest.Reason != "" {
		became += ": " + said.FirstLine(newest.Reason)
	}
	if well == nil {
		return fmt.Sprintf("silent all day (the newest %s)", became)
	}
	return fmt.Sprintf("silent since %s (the newest %s)", e.wall(well.Started, time.TimeOnly), became)
}

// explainRuns puts what became of a day's runs into words.
func (e *explanation) explainRuns() string {
	if len(e.runs) == 1 && e.runs[0].Occurrences() == 1 {
		return e.explainRun(e.runs[0])
	}
	byOutcome := make(map[store.Outcome]*became)
	var order []*became
	for _, r := range e.runs {
		b := byOutcome[r.Outcome]
		if b == nil {
			b = &became{outcome: r.Outcome, counts: make(map[string]int)}
			byOutcome[r.Outcome], order = b, append(order, b)
		}
		b.add(r)
	}
	var parts []string
	for _, b := range order {
		parts = append(parts, b.tell()...)
	}
	return "was due several times: " + strings.Join(parts, ", ")
}

// became is how many runs have an outcome, and for which reasons.
type became struct {
	outcome store.Outcome
	total   int
	counts  map[string]int
	reasons []string // in the order in which they came up
}

func (b *became) add(r store.Run) {
	reason := ""
	if r.Outcome != store.Succeeded && r.Outcome != store.Running && r.Reason != "" {
		reason = said.FirstLine(r.Reason)
	}
	if b.counts[reason] == 0 {
		b.reasons = append(b.reasons, reason)
	}
	b.counts[reason] += r.Occurrences()
	b.total += r.Occurrences()
}

// tell tells each reason, and the newest alone of so many that the sentence would not end:
// a reason may name a slot.
func (b *became) tell() (parts []string) {
	const toldEach = 3
	if n := len(b.reasons); n > toldEach {
		return []string{fmt.Sprintf("%d %s for %d reasons (the newest: %s)", b.total, b.outcome, n, b.reasons[n-1])}
	}
	for _, reason := range b.reasons {
		part := fmt.Sprintf("%d %s", b.counts[reason], b.outcome)
		if reason != "" {
			part += " (" + reason + ")"
		}
		parts = append(parts, part)
	}
	return parts
}

func (e *explanation) explainRun(r store.Run) string {
	loc := e.Own.Location()
	if v, err := e.ViewOf(r.Calendar); err == nil {
		loc = v.Location()
	}
	due := "due at " + e.wallIn(r.Due, loc, time.TimeOnly)
	if r.Manual {
		due = "triggered by " + r.Actor
	}
	if r.Offset > 0 {
		due += fmt.Sprintf(", spread by %v,", r.Offset)
	}
	if r.Outcome == store.Armed && r.Due.After(e.Now) {
		return "is armed, to start at " + e.wallIn(r.Due, loc, time.TimeOnly)
	}
	started := ""
	if !r.Started.IsZero() {
		started = fmt.Sprintf(" (started at %s)", r.Started.In(loc).Format(time.TimeOnly))
	}
	text := fmt.Sprintf("was %s and %s%s", due, outcomeVerb(r.Outcome), started)
	if r.Reason != "" {
		text += ": " + said.FirstLine(r.Reason)
	}
	return text
}

func outcomeVerb(o store.Outcome) string {
	switch o {
	case store.Armed:
		return "is armed"
	case store.Running:
		return "is running"
	case store.Succeeded, store.Failed, store.TimedOut:
		return o.String()
	case store.Skipped, store.Missed, store.Interrupted:
		return "was " + o.String()
	}
	return "has no outcome"
}
