package tradeclock

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
	"github.com/tradeclock/tradeclock/rule"
)

// explanation is what is known of one task, account and date.
type explanation struct {
	question
	*knowledge
	history History
	runs    []Run             // the records of the date
	due     []plan.Occurrence // what the present schedule brings up, and has no record
	asked   int               // of how many slots the ledger was asked who has them
}

func newExplanation(q question, known *knowledge, history History, runs []Run, due []plan.Occurrence) *explanation {
	e := &explanation{question: q, knowledge: known, history: history, runs: runs}
	recorded := accountedBy(runs)
	for _, o := range plan.Runs(due, q.account) {
		if rowOf(o).Task == q.task && rowOf(o).run.HoldsFor(q.account) && !recorded.Has(engine.Key{Task: q.task, Account: q.account}, o.Slot, o.Due) {
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
		parts = append(parts, e.odd...)
	}
	return joined(parts)
}

func (e *explanation) succeeded() bool {
	return slices.ContainsFunc(e.runs, func(r Run) bool { return r.Outcome == Succeeded })
}

// isPast reports whether the date is over.
func (e *explanation) isPast() bool { return !calendar.EndOfDay.On(e.date, e.zone()).After(e.now) }

// coming returns what of the date is not due yet.
func (e *explanation) coming() []plan.Occurrence {
	at := slices.IndexFunc(e.due, func(o plan.Occurrence) bool { return o.Due.After(e.now) })
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
	case begins && len(due) == 1:
		text = fmt.Sprintf("is due at %s (%s)", e.wall(due[0].Due, time.DateTime), e.row.text)
	case begins:
		text = fmt.Sprintf("is due %d times %s (%s)", len(due), e.span(due), e.row.text)
	case len(due) == 1:
		text = fmt.Sprintf("that of %s is to come", e.wall(due[0].Due, time.TimeOnly))
	default:
		text, is, does = fmt.Sprintf("%d are to come, %s", len(due), e.span(due)), "are", "do"
	}
	if due[0].By != "" {
		text += ", " + due[0].By
	}
	switch {
	case !e.served:
		return fmt.Sprintf("%s, and %s not run: %s", text, does, e.unserved)
	case due[0].Skip != "" && begins && len(due) == len(e.due):
		return "is going to be skipped: " + due[0].Skip
	case due[0].Skip != "":
		return fmt.Sprintf("%s, and %s going to be skipped: %s", text, is, due[0].Skip)
	case e.halt != "":
		return fmt.Sprintf("%s, and %s skipped as long as it is %s", text, is, e.halt)
	}
	return text
}

// span tells the due times of several occurrences: "from 09:15:00 to 09:17:00".
func (e *explanation) span(due []plan.Occurrence) string {
	return fmt.Sprintf("from %s to %s", due[0].Due.In(e.zone()).Format(time.TimeOnly), e.wall(due[len(due)-1].Due, time.TimeOnly))
}

// whyNone says why an occurrence that was due has no record. What cannot be told is
// not guessed.
func (e *explanation) whyNone(ctx context.Context, o plan.Occurrence) none {
	waits, known := e.waits[o.Slot]
	switch {
	case known:
		return none{why: waits}
	case !e.served:
		return none{why: e.unserved}
	case o.Due.After(e.planned):
		return none{why: e.behind}
	case !o.Due.After(e.enrolled.From):
		return none{why: fmt.Sprintf("before the account or the schedule was there, or while it was withdrawn, or pruned (the account is accounted for from %s on)",
			e.wall(e.enrolled.From, time.DateTime))}
	case !e.enrolled.Owns(&rowOf(o).run, o.Due):
		return none{why: fmt.Sprintf("the account was withdrawn at %s and came back at %s, later than its catch-up of %v",
			e.wall(e.enrolled.Left, time.DateTime), e.wall(e.enrolled.Returned, time.DateTime), rowOf(o).EffectiveCatchUp())}
	}
	if e.asked++; e.asked > slotsAsked {
		return none{why: otherwisePlanned}
	}
	taken, err := e.history.Runs(ctx, Query{Scheduler: e.scheduler, Account: e.account, Task: e.task, Slot: o.Slot, Limit: 1})
	switch {
	case err != nil:
		return none{why: "nothing more can be read: " + err.Error()}
	case len(taken) == 1 && taken[0].Session != o.Session:
		return none{recurs(o.Slot, taken[0].Session), true}
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
	r, loc := e.row, e.zone()
	over := r != nil && !calendar.EndOfDay.On(e.date, loc).After(r.HoldsFrom())
	switch {
	case r == nil && more && e.isPast():
		return "" // what held then is not known
	case r == nil && !e.served && !more:
		return e.why(more, e.unserved)
	case r == nil && e.rejected != nil:
		return e.why(more, fmt.Sprintf("its schedule is quarantined: %v", e.rejected))
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
	case r.isEarly(e.now):
		return e.why(more, fmt.Sprintf("its schedule holds only from %s, the future of this clock", e.wall(r.HoldsFrom(), time.DateTime)))
	case !e.isPast() && e.waitsForSession(ctx):
		return e.why(more, fmt.Sprintf("its rule %s takes effect at the next session, and until then %s holds", r.text, r.Prior))
	case more:
		return ""
	case !e.served:
		return e.why(more, e.unserved)
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
	session, err := e.ask(ctx, e.view(), e.date).Session(e.date)
	does := "does not run"
	if e.isPast() {
		does = "did not run"
	}
	switch {
	case err != nil:
		return fmt.Sprintf("%s, as %s", does, plan.NotKnown(e.view().name, e.date, err))
	case !e.row.Sessions.Has(session.Kind):
		return fmt.Sprintf("%s: %s", does, session.Describe())
	}
	return fmt.Sprintf("has no occurrence: its rule is %s%s", e.row.text, inForceSince(e.row.HoldsFrom(), e.zone()))
}

// nextRun tells when the task runs next, if the date is today and has nothing more to
// come.
func (e *explanation) nextRun(ctx context.Context) string {
	today := calendar.DateOf(e.now.In(e.zone()))
	if e.date != today || len(e.coming()) > 0 {
		return ""
	}
	due, found := e.next(ctx, e.account)
	if !found {
		return ""
	}
	text := "the next is due at " + e.wall(due, time.DateTime)
	if e.halt != "" {
		text += ", and is skipped as long as it is " + e.halt
	}
	return text
}

// silence tells since when a task that repeats has had no run that went well, and what
// became of the newest.
func (e *explanation) silence() string {
	if len(e.runs) == 1 && e.runs[0].Occurrences() == 1 || e.row == nil || rule.StepOf(e.row.Root().Policy.Timing.Rule) == 0 {
		return ""
	}
	var well, newest *Run
	for i := range e.runs {
		r := &e.runs[i]
		if r.Manual {
			continue
		}
		newest = r
		if r.Outcome == Succeeded || r.Outcome.Open() || r.Outcome == Skipped && !r.Started.IsZero() {
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
	byOutcome := make(map[Outcome]*became)
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
	outcome Outcome
	total   int
	counts  map[string]int
	reasons []string // in the order in which they came up
}

func (b *became) add(r Run) {
	reason := ""
	if r.Outcome != Succeeded && r.Outcome != Running && r.Reason != "" {
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

func (e *explanation) explainRun(r Run) string {
	loc := e.own.loc
	if v, err := e.viewOf(r.Calendar); err == nil {
		loc = v.loc
	}
	due := "due at " + e.wallIn(r.Due, loc, time.TimeOnly)
	if r.Manual {
		due = "triggered by " + r.Actor
	}
	if r.Offset > 0 {
		due += fmt.Sprintf(", spread by %v,", r.Offset)
	}
	if r.Outcome == Armed && r.Due.After(e.now) {
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

func outcomeVerb(o Outcome) string {
	switch o {
	case Armed:
		return "is armed"
	case Running:
		return "is running"
	case Succeeded, Failed, TimedOut:
		return o.String()
	case Skipped, Missed, Interrupted:
		return "was " + o.String()
	}
	return "has no outcome"
}
