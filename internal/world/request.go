package world

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/request"
	"github.com/tradeclock/tradeclock/store"
)

// petition is what one person wants, once: asked of whoever holds the term, from a process
// of his own, or of a process itself. Its ID is the name of the person.
type petition struct {
	request.Request
	asked time.Duration
	// direct is true if it was asked of a process itself.
	direct bool
	// answer and text are what the person was told, at answered. One who asked a process
	// itself may not know whether it is done.
	answer   request.Answer
	text     string
	answered time.Duration
	// done is true once it has been done, as far as the store or the runs show, and undone
	// once somebody else has changed that.
	done, undone bool
}

// isLate reports whether it is too late to begin with the petition.
func (pt *petition) isLate(now time.Duration) bool { return now-pt.asked >= request.DefaultExpiry }

// asked is the store of a process of a world in which people ask from another process.
type asked struct{ *faulty }

var (
	_ store.RequestStore = asked{}
	_ store.Auditor      = asked{}
)

// Ask is made by people alone, past all processes.
func (asked) Ask(context.Context, request.Request) (request.Request, error) {
	return request.Request{}, errRefused
}

// Take takes what waits.
func (st asked) Take(ctx context.Context, t store.Term) ([]request.Request, error) {
	return ask(ctx, st.faulty, "Take", "", func() ([]request.Request, error) { return st.p.w.database.Take(whole, t) })
}

// Answer stores an answer.
func (st asked) Answer(ctx context.Context, t store.Term, r request.Request) error {
	return st.tell(ctx, "Answer", "", func() error {
		err := st.p.w.database.Answer(whole, t, r)
		if err == nil {
			st.p.w.book.told(st.p, r)
		}
		return err
	})
}

// Requests reads them back.
func (st asked) Requests(ctx context.Context, q request.Query) ([]request.Request, error) {
	return ask(ctx, st.faulty, "Requests", "", func() ([]request.Request, error) { return st.p.w.database.Requests(whole, q) })
}

// Audit reads what people have done.
func (st asked) Audit(ctx context.Context, q store.AuditQuery) ([]store.AuditEntry, error) {
	return ask(ctx, st.faulty, "Audit", "", func() ([]store.AuditEntry, error) { return st.p.w.database.Audit(whole, q) })
}

// ledgerOf is the ledger of a process.
func (w *World) ledgerOf(p *process) tradeclock.Ledger {
	if w.script.asks {
		return asked{p.store}
	}
	return p.store
}

// person is the name of who does what an incident says.
func person(in incident) string { return fmt.Sprint("person ", in.number) }

// asksFor reports whether the person of an incident asks whoever holds the term, and not a
// process itself.
func (w *World) asksFor(in incident) bool { return w.script.asks && in.number%4 != 0 }

// ask has a person ask for something from a process of his own.
func (w *World) ask(r request.Request) *petition {
	r.ID, r.Scheduler = r.Actor, schedulerName
	pt := w.book.petition(r)
	if _, err := w.database.Ask(whole, r); err != nil {
		panic(err)
	}
	w.note(nil, "%s asks to %s %s %s %s", r.Actor, r.Kind, r.Account, r.Task, r.Slot)
	return pt
}

// petition notes what a person is about to ask for.
func (b *book) petition(r request.Request) *petition {
	pt := &petition{Request: r, asked: b.w.now}
	b.petitions[r.Actor] = pt
	b.asking = append(b.asking, pt)
	return pt
}

// told notes the answer to a request that the store has taken: it has one, and for ever.
func (b *book) told(p *process, r request.Request) {
	pt := b.petitions[r.ID]
	switch {
	case pt == nil:
		b.w.violate("requests", r.ID+" never asked for anything, and is answered")
	case pt.answer == "":
		b.w.note(p, "%s is answered: %s, %s", r.Actor, r.Answer, r.Text)
		b.tell(p, pt, r.Answer, r.Text)
	case pt.answer != r.Answer:
		b.w.violate("requests", fmt.Sprintf("%s was told %s (%s), and is told %s (%s)", r.Actor, pt.answer, pt.text, r.Answer, r.Text))
	}
}

// tell notes what a person is told, and holds it to what has been done.
func (b *book) tell(p *process, pt *petition, answer request.Answer, text string) {
	pt.answer, pt.text, pt.answered = answer, text, b.w.now
	untrue := ""
	switch pt.Kind {
	case request.Trigger: // see checkTrigger
		return
	case request.Cancel:
		b.toldOfCancel(p, pt)
		return
	case request.Halt:
		untrue = b.toldOfHalt(p, pt)
	case request.Lift:
		untrue = b.toldOfLift(pt)
	default:
		untrue = b.toldOfWord(pt)
	}
	if untrue == "" && answer != request.Done && pt.done {
		untrue = "it is done"
	}
	if untrue != "" {
		b.w.violate("requests", fmt.Sprintf("%s, who asked to %s, was told %s (%s): %s", pt.Actor, pt.Kind, answer, text, untrue))
	}
}

// doneFor notes that what a person wants is done, by a call that began at an instant: once,
// and not after all that he was told.
func (b *book) doneFor(actor string, began time.Duration) {
	pt := b.petitions[actor]
	if pt == nil {
		return
	}
	onItsWay := b.w.now-began > time.Second // and whoever made the call knows nothing of what came since
	switch {
	case onItsWay:
	case pt.undone:
		b.w.violate("requests", fmt.Sprintf("what %s wanted was done, and undone by another, and is done again", actor))
	case pt.answer != "" && pt.answer != request.Done:
		b.w.violate("requests", fmt.Sprintf("%s was told %s (%s), and it is done", actor, pt.answer, pt.text))
	}
	pt.done = true
}

// undoneBy notes that what a person has wanted is not so any more, as another wants.
func (b *book) undoneBy(actor, other string) {
	if pt := b.petitions[actor]; pt != nil && actor != other {
		pt.undone = true
	}
}

// checkPetitions: what was asked for is answered, in time.
func (w *World) checkPetitions(rows []tradeclock.Run) {
	for _, pt := range w.book.asking {
		switch {
		case pt.Kind == request.Trigger:
			w.checkTrigger(pt, rows)
		case pt.Kind == request.Cancel:
			w.checkCancel(pt)
		}
		if pt.answer == "" && !pt.direct && w.now-pt.asked > request.DefaultExpiry+10*time.Minute && !w.book.broken.touch(w.now-10*time.Minute, w.now) {
			w.violate("requests", pt.Actor+" has no answer")
		}
	}
}

// checkTrigger: the answer of one who asked for a run is true.
func (w *World) checkTrigger(pt *petition, rows []tradeclock.Run) {
	found, err := w.database.Requests(whole, request.Query{ID: pt.ID})
	if err != nil || len(found) != 1 {
		panic(fmt.Sprint("the request is gone: ", err))
	}
	r, wish := found[0], w.book.wishes[pt.Actor]
	started := slices.ContainsFunc(rows, func(row tradeclock.Run) bool { return row.ID == r.RunID && row.Manual && row.Actor == r.Actor })
	switch {
	case r.Answer == request.Done && !started:
		w.violate("requests", fmt.Sprintf("%s was told %q, and no such run is in the ledger", r.Actor, r.Text))
	case r.Answer != request.Done && !r.Open() && wish.executed && !w.book.stepped.touch(pt.asked-time.Hour, w.now):
		w.violate("requests", fmt.Sprintf("%s was told %s (%s), and it ran", r.Actor, r.Answer, r.Text))
	}
}

// answerOf is what the error of a call tells a person who has asked a process itself, or
// empty if it does not tell him whether it is done.
func answerOf(err error) request.Answer {
	is := func(target error) bool { return errors.Is(err, target) }
	switch {
	case err == nil:
		return request.Done
	case slices.ContainsFunc([]error{
		store.ErrTooLate, store.ErrNoOccurrence, store.ErrNoOverride, tradeclock.ErrSlotTaken, tradeclock.ErrUnknownAccount,
	}, is):
		return request.Refused
	}
	return ""
}
