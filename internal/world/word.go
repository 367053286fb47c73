package world

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/request"
	"github.com/tradeclock/tradeclock/store"
)

// words are what people have said of single occurrences, as the store has it.
type words struct {
	inForce map[wordKey]word
	// all are those that were ever in force.
	all []word
	// last is who said of an occurrence, or took back, what is so.
	last map[wordKey]string
}

type wordKey struct{ account, task, slot string }

type word struct {
	store.Override
	at time.Duration // when it was stored
}

func keyOf(o store.Override) wordKey { return wordKey{o.Account, o.Task, o.Slot} }

// of returns the word that holds for an account's occurrence: its own, or the one for all.
func (ws *words) of(account, task, slot string) (w word, said bool) {
	for _, whose := range []string{account, ""} {
		if w, said = ws.inForce[wordKey{whose, task, slot}]; said {
			return w, true
		}
	}
	return word{}, false
}

// Overrides reads what people have said.
func (st *faulty) Overrides(ctx context.Context, q store.OverrideQuery) ([]store.Override, error) {
	return ask(ctx, st, "Overrides", "", func() ([]store.Override, error) { return st.p.w.database.Overrides(whole, q) })
}

// Override stores a word.
func (st *faulty) Override(ctx context.Context, t store.Term, o store.Override) error {
	began := st.p.w.now
	return st.tell(ctx, "Override", "", func() error {
		err := st.p.w.database.Override(whole, t, o)
		st.p.w.book.said(st.p, t, o, began, err)
		return err
	})
}

// Revoke takes a word back.
func (st *faulty) Revoke(ctx context.Context, t store.Term, o store.Override) error {
	began := st.p.w.now
	return st.tell(ctx, "Override", "", func() error {
		err := st.p.w.database.Revoke(whole, t, o)
		st.p.w.book.tookBack(st.p, t, o, began, err)
		return err
	})
}

// said notes a word that the store has taken.
func (b *book) said(p *process, t store.Term, o store.Override, began time.Duration, err error) {
	old, had := b.words.inForce[keyOf(o)]
	if !b.fenced("Override", t, err) || had && old.SameWord(o) {
		return
	}
	b.heldToTime(o)
	if at := o.At; !o.Skips() && !at.After(b.mark) {
		b.w.violate("overrides", fmt.Sprintf("%s is moved to %v, which the watermark has passed", nameOf(o), at))
	}
	b.doneFor(o.Actor, began)
	b.changedBy(keyOf(o), o.Actor)
	is := word{o, b.w.now}
	b.words.inForce[keyOf(o)] = is
	b.words.all = append(b.words.all, is)
	b.w.note(p, "%s is %s", nameOf(o), o.Why())
}

func (b *book) tookBack(p *process, t store.Term, o store.Override, began time.Duration, err error) {
	if _, had := b.words.inForce[keyOf(o)]; !b.fenced("Revoke", t, err) || !had {
		return
	}
	b.heldToTime(o)
	b.doneFor(o.Actor, began)
	b.changedBy(keyOf(o), o.Actor)
	delete(b.words.inForce, keyOf(o))
	b.w.note(p, "%s is as its schedule has it, says %s", nameOf(o), o.Actor)
}

func nameOf(o store.Override) string { return fmt.Sprintf("%q %s %s", o.Account, o.Task, o.Slot) }

func (b *book) changedBy(key wordKey, actor string) {
	b.undoneBy(b.words.last[key], actor)
	b.words.last[key] = actor
}

// heldToTime: a word comes before its occurrence is planned, and before it has had a start.
func (b *book) heldToTime(o store.Override) {
	present := o.Due
	if w, said := b.words.of(o.Account, o.Task, o.Slot); said && !w.Skips() {
		present = w.At
	}
	if !present.After(b.mark) {
		b.w.violate("overrides", fmt.Sprintf("%s was due %v, and is overridden once the watermark has passed it", nameOf(o), present))
	}
	if o.Account != "" && len(b.bySlot[slotKey{o.Account, o.Task, o.Slot}]) > 0 {
		b.w.violate("overrides", nameOf(o)+" is overridden, and has had a start")
	}
}

// asSaid is an occurrence as people have it, of an account.
func (b *book) asSaid(account string, o occurrence) occurrence {
	w, said := b.words.of(account, o.task, o.slot)
	switch {
	case !said:
		return o
	case w.Skips():
		o.skip, o.why = true, w.Why()
	default:
		o.due, o.moved = w.At, true
		o.late = !o.ends.IsZero() && !w.At.Before(o.ends)
	}
	return o
}

// obeys: what is skipped does not run, and what is moved runs at its new instant alone. A
// word for all says nothing of whose slot has had a start.
func (b *book) obeys(x *execution) (invariant, text string) {
	if x.run.Manual || len(b.bySlot[slotOf(&x.run)]) > 0 {
		return "", ""
	}
	w, said := b.words.of(x.run.Account, x.run.Task, x.run.Slot)
	switch {
	case !said:
		return "", ""
	case w.Skips():
		return "overrides", "it is " + w.Why()
	case !x.run.Due.Equal(w.At):
		return "overrides", fmt.Sprintf("it is %s to %v, and runs as one that is due %v", w.Why(), w.At, x.run.Due)
	}
	return "", ""
}

// isMoved reports whether a run is due when a person has moved it to, and so is none of a
// series.
func (b *book) isMoved(run *tradeclock.Run) bool {
	w, said := b.words.of(run.Account, run.Task, run.Slot)
	return said && !w.Skips() && w.At.Equal(run.Due)
}

// isRecordOf reports whether a row is that of an occurrence, by its schedule or as anybody
// has ever moved it.
func (b *book) isRecordOf(row *tradeclock.Run, o occurrence) bool {
	return o.isOf(row) || o.slot == row.Slot && b.wasMoved(row)
}

// wasMoved reports whether a row was due when anybody has ever moved its slot to.
func (b *book) wasMoved(row *tradeclock.Run) bool {
	return slices.ContainsFunc(b.words.all, func(w word) bool {
		return (w.Account == "" || w.Account == row.Account) && w.Task == row.Task && w.Slot == row.Slot && w.At.Equal(row.Due)
	})
}

// checkSaid holds the record of an occurrence to what people have said of it: what is
// skipped says who and why, and what is moved was due then.
func (b *book) checkSaid(account string, o occurrence) {
	row := b.rowsOf[slotKey{account, o.task, o.slot}]
	switch {
	case o.why == "" && !o.moved:
	case row == nil && o.why == "": // it is in a range
	case row == nil:
		b.w.violate("overrides", fmt.Sprintf("%s %s %s is %s, and its record does not say so", account, o.task, o.slot, o.why))
	case row.run.Manual:
	case o.why != "" && row.token == "" && (row.outcome != tradeclock.Skipped || row.run.Reason != o.why):
		b.w.violate("overrides", fmt.Sprintf("%s is %s, and its record says: %v, %s", describe(&row.run), o.why, row.outcome, row.run.Reason))
	case o.moved && !row.run.Due.Equal(o.due):
		b.w.violate("overrides", fmt.Sprintf("%s was moved to %v, and its record is of %v", describe(&row.run), o.due, row.run.Due))
	}
}

// heldToSayings: a row that tells of a person who had it skipped tells the truth.
func (b *book) heldToSayings(row *tradeclock.Run) string {
	if !strings.HasPrefix(row.Reason, "skipped by ") {
		return ""
	}
	if slices.ContainsFunc(b.words.all, func(w word) bool {
		return (w.Account == "" || w.Account == row.Account) && w.Task == row.Task && w.Slot == row.Slot && w.Skips() && w.Why() == row.Reason
	}) {
		return ""
	}
	return "nobody has said so"
}

// toldOfWord: who is told that an occurrence is skipped, moved or as it was is told the
// truth, and so is who is told that he comes too late.
func (b *book) toldOfWord(pt *petition) (untrue string) {
	switch {
	case pt.answer == request.Done && pt.Kind != request.Restore && !pt.done:
		for _, w := range b.words.inForce {
			same := w.Account == pt.Account && w.Task == pt.Task && (pt.Slot == "" || w.Slot == pt.Slot) && w.Session == pt.Session
			if same && w.At.Equal(pt.MoveTo) {
				return ""
			}
		}
		return "nothing is stored"
	case pt.answer == request.Done && pt.Kind == request.Restore && !pt.done && b.words.isSaid(pt):
		return "what was said of it is in force"
	case pt.answer == request.Refused && strings.Contains(pt.text, store.ErrTooLate.Error()):
		return b.tooEarly(pt)
	}
	return ""
}

// isSaid reports whether a word is in force of what a person asks about.
func (ws *words) isSaid(pt *petition) bool {
	_, said := ws.inForce[wordKey{pt.Account, pt.Task, pt.Slot}]
	return said
}

// tooEarly: who is told that it is too late asked for the past, or of what is past.
func (b *book) tooEarly(pt *petition) (untrue string) {
	soon := b.w.wallAt(b.w.now + time.Second)
	unsure := b.stepped.touch(pt.asked-48*time.Hour, b.w.now) || b.rows.uncertain(pt.asked-near, b.w.now) || b.calendars.uncertain(pt.asked-near, b.w.now)
	if pt.Slot == "" || unsure || !pt.MoveTo.IsZero() && !pt.MoveTo.After(soon) {
		return ""
	}
	comes := false // for an account by a row that can be used: of others it is not known
	for _, account := range b.w.script.accounts {
		for _, o := range b.occurrences(b.rows.latest(), b.calendars.latest(), account, pt.Task, pt.Session) {
			switch {
			case pt.Account != "" && pt.Account != account || o.slot != pt.Slot:
			case !b.asSaid(pt.Account, o).due.After(soon) || !o.due.After(soon):
				return ""
			default:
				comes = true
			}
		}
	}
	if !comes {
		return ""
	}
	return "it is still to come"
}

// override lets a person skip an occurrence, move it, or take back what was said: of what
// comes soon, or, now and then, of what is past.
func (w *World) override(in incident) {
	r := request.Request{Kind: request.Kind(in.kind), Account: in.account, Task: w.script.tasks[in.task].Task, Reason: "simulated", Actor: person(in)}
	roll := func(n int, what string) int { return w.script.chance.pick(n, what, r.Actor, 0) }
	due := w.chooseOccurrence(&r, roll)
	switch {
	case in.kind == restoreOne:
		w.chooseWord(&r, roll)
	case in.kind == moveOne:
		r.MoveTo = w.whither(due, roll)
	}
	if w.asksFor(in) {
		w.ask(r)
		return
	}
	pt := w.book.petition(r)
	pt.direct = true
	if p := w.book.holder; p != nil && in.number%8 != 0 {
		in.replica = p.replica // a standby refuses
	}
	w.order(in, in.kind, func(p *process) error {
		_, err := p.sched.Override(context.Background(), tradeclock.OverrideRequest{
			Task: r.Task, Account: r.Account, Session: r.Session, Slot: r.Slot, At: r.MoveTo, TakeBack: r.Kind == request.Restore, Reason: r.Reason, Actor: r.Actor,
		})
		if answer := answerOf(err); answer != "" && !p.dead {
			w.book.tell(p, pt, answer, fmt.Sprint(err))
		}
		return err
	})
}

// chooseOccurrence chooses what a person speaks of, for an account or all, and returns when
// it is due by its schedule.
func (w *World) chooseOccurrence(r *request.Request, roll func(n int, what string) int) (due time.Time) {
	today := calendar.DateOf(w.local(w.now))
	b, account := w.book, r.Account
	if roll(3, "for all") == 0 {
		r.Account = ""
	}
	due, r.Session, r.Slot = w.wallAt(w.now).Truncate(time.Second), today, today.String()
	for _, date := range []calendar.Date{today, today.AddDays(1)} {
		found := b.occurrences(b.rows.latest(), b.calendars.latest(), account, r.Task, date)
		next := slices.IndexFunc(found, func(o occurrence) bool { return o.due.After(w.wallAt(w.now)) })
		if next < 0 {
			next = len(found)
		}
		at := next + []int{0, 0, 0, 0, 1, 1, 2, -1}[roll(8, "which")]
		if at >= 0 && at < len(found) {
			r.Session, r.Slot = date, found[at].slot
			return found[at].due
		}
	}
	return due
}

// chooseWord has a person take back one of the words that are in force, if there is any
// whose time is still to come.
func (w *World) chooseWord(r *request.Request, roll func(n int, what string) int) {
	var found []word
	for _, said := range w.book.words.all {
		now, is := w.book.words.inForce[keyOf(said.Override)]
		if is && now == said && (said.Due.After(w.wallAt(w.now)) || said.At.After(w.wallAt(w.now))) {
			found = append(found, said)
		}
	}
	if len(found) > 0 {
		o := found[roll(len(found), "word")]
		r.Account, r.Task, r.Slot, r.Session = o.Account, o.Task, o.Slot, o.Session
	}
}

// whither is when a person wants an occurrence to run: a while before or after it is due,
// soon, or, now and then, in the past.
func (w *World) whither(due time.Time, roll func(n int, what string) int) time.Time {
	now := w.wallAt(w.now).Truncate(time.Second)
	later := time.Duration(20+roll([]int{60, 600}[roll(2, "soon")], "later")) * time.Second
	switch roll(8, "whither") {
	case 0:
		return now.Add(-later)
	case 1, 2:
		return now.Add(later)
	case 3:
		return due.Add(-later)
	}
	return due.Add(later)
}
