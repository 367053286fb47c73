package tradeclock

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tradeclock/tradeclock/internal/quiet"
	"github.com/tradeclock/tradeclock/internal/said"
	"github.com/tradeclock/tradeclock/internal/why"
	"github.com/tradeclock/tradeclock/store"
)

// ErrTermLost is the cause with which the contexts of running tasks end when the
// scheduler is no longer, or cannot know whether it is, the active one.
var ErrTermLost = errors.New(why.TermLost)

// takeoverWithin is how long after the end of a term a standby takes over. It asks
// that often, since the holder may resign before its term expires.
const takeoverWithin = 5 * time.Second

// shortestWait is between two questions for a term.
const shortestWait = 10 * time.Millisecond

// tenure is what the scheduler does about its term: how it stands, the engine knows.
// Guarded by mu.
type tenure struct {
	term      store.Term // zero if it holds none
	renewAt   time.Time
	lapse     *quiet.Alarm
	renewal   *quiet.Alarm // while runs go on between ticks
	leading   bool         // a call for the term goes on
	resigned  bool
	holder    string     // who holds the term, if it is another
	held      store.Term // and which that is
	heldUntil time.Time
	since     time.Time // the first due time of what older terms left, or zero
}

func (s *UnifiedTaskScheduler) termMargin() time.Duration { return s.cfg.TermLength / 10 }

// trustedFrom is until when a term is trusted that is asked for at now.
func (s *UnifiedTaskScheduler) trustedFrom(now time.Time, length time.Duration) time.Time {
	return now.Add(length - s.termMargin())
}

// keepLoop renews the term at a third of its length while it is held, and waits
// for its end while another holds it.
func (s *UnifiedTaskScheduler) keepLoop(ctx context.Context) {
	defer s.keeping.Close()
	for s.keeping.Wait(ctx) {
		s.mu.Lock()
		s.renewIfDue(ctx, s.clock.Now())
		wait := s.term.renewAt.Sub(s.clock.Now())
		if s.term.term.Number != 0 && !s.engine.Term.IsResumed() {
			wait = min(wait, retryFirst) // nothing starts before
		}
		s.mu.Unlock()
		s.keeping.RingAfter(max(wait, shortestWait))
	}
}

// keepBetweenTicks renews the term while runs go on in a program that calls Tick,
// where no keeper does. The caller holds mu.
func (s *UnifiedTaskScheduler) keepBetweenTicks() {
	if !s.needsTerm() {
		return
	}
	if !s.life.running && s.term.renewal == nil {
		s.term.renewal = s.activity.After(max(s.term.renewAt.Sub(s.clock.Now()), 0), s.renewBetweenTicks)
	}
	s.watchLapse()
}

// needsTerm reports whether anything needs the term between two ticks: what runs, or
// waits for its offset or for a start limit. The caller holds mu.
func (s *UnifiedTaskScheduler) needsTerm() bool {
	return len(s.running.list) > 0 || !s.engine.StartsAt().IsZero()
}

func (s *UnifiedTaskScheduler) renewBetweenTicks() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.needsTerm() {
		s.term.renewal = nil
		s.leaveBetweenTicks()
		return
	}
	s.activity.Begin()
	s.spawnLocked(func() {
		s.renewIfDue(context.Background(), s.clock.Now())
		s.term.renewal = nil
		s.keepBetweenTicks()
		s.activity.End()
	})
}

// leaveBetweenTicks ends that once nothing runs any more. The caller holds mu.
func (s *UnifiedTaskScheduler) leaveBetweenTicks() {
	if s.life.running || s.needsTerm() {
		return
	}
	s.unwatchLapse()
	if s.term.renewal.Stop() {
		s.term.renewal = nil
	}
}

// watchLapse notices the end of the trust in the term, if anything needs it: between
// two ticks, only what runs does. The caller holds mu.
func (s *UnifiedTaskScheduler) watchLapse() {
	if s.term.lapse != nil || !s.life.running && len(s.running.list) == 0 {
		return
	}
	if left := s.engine.Term.Trusted().Sub(s.clock.Now()); left > 0 {
		s.setLapse(left, s.lapsed)
	}
}

// setLapse calls f with mu held once d has passed, unless the term was renewed
// meanwhile: an alarm that goes off just then can no longer be stopped.
func (s *UnifiedTaskScheduler) setLapse(d time.Duration, f func()) {
	var mine *quiet.Alarm
	mine = s.afterLocked(d, func() {
		if s.term.lapse == mine {
			s.term.lapse = nil
			f()
		}
	})
	s.term.lapse = mine
}

// unwatchLapse stops that.
func (s *UnifiedTaskScheduler) unwatchLapse() {
	s.term.lapse.Stop()
	s.term.lapse = nil
}

// renewIfDue takes the term, or renews it, if that is due. The caller holds mu, which
// is let go of while the ledger is asked, unless that answers from memory.
func (s *UnifiedTaskScheduler) renewIfDue(ctx context.Context, now time.Time) {
	if s.life.draining && s.term.term.Number == 0 || s.term.resigned || s.life.ended {
		return
	}
	if !now.Before(s.term.renewAt) {
		s.lead(ctx, now)
	}
	if s.term.term.Number != 0 && !s.engine.Term.IsResumed() {
		s.resume(ctx)
	}
}

// lead asks the ledger for the term. Only one call is made at a time. The caller holds
// mu.
func (s *UnifiedTaskScheduler) lead(ctx context.Context, now time.Time) {
	if s.term.leading {
		return
	}
	s.term.leading = true
	length := s.cfg.TermLength
	term, err := s.askForTerm(ctx, now, length)
	s.term.leading = false
	if err != nil && ctx.Err() != nil {
		return // that nobody waits for the answer says nothing of the ledger
	}
	if held := heldBy(err); held != nil {
		s.noteHeld(held, now)
		s.term.renewAt = now.Add(min(max(held.Left, 0)+time.Millisecond, takeoverWithin))
		s.clear("term")
		s.setCondition("held", heldTooLong(held, length))
		s.loseTerm(err.Error())
		return
	}
	if err != nil {
		s.engine.Term.Unanswered()
		s.term.renewAt = s.clock.Now().Add(min(retryFirst, length/10))
		s.degrade("term", fmt.Sprintf("the term cannot be renewed: %v", err))
		s.endLapsed()
		s.startExecutors() // for what runs without the ledger
		return
	}
	s.clear("term")
	s.clear("held")
	s.clear("lapse")
	s.term.holder = ""
	if s.term.term.Number != 0 && s.term.term != term {
		s.loseTerm(fmt.Sprintf("term %d follows it", term.Number))
	}
	s.term.renewAt = now.Add(length / 3)
	s.term.term = term
	s.engine.Term.Granted(term.Number, s.trustedFrom(now, length))
	s.unwatchLapse()
	s.watchLapse()
	s.startExecutors() // what waited for it while the term had lapsed
	if s.engine.HasReady() {
		s.kickLater() // what waited for the term may start
	}
}

// askForTerm lets go of mu while it asks a ledger that does not answer from memory.
func (s *UnifiedTaskScheduler) askForTerm(ctx context.Context, now time.Time, length time.Duration) (store.Term, error) {
	if s.lanes.lead.IsDirect() { // a minute without news allocates nothing
		return s.leadLedger(ctx, now, length)
	}
	s.mu.Unlock()
	defer s.mu.Lock()
	return quiet.Call(ctx, s.lanes.lead, length/3, func(ctx context.Context) (store.Term, error) {
		return s.leadLedger(ctx, now, length)
	})
}

// leadLedger asks the ledger for the term, and takes no answer for it that is not one.
func (s *UnifiedTaskScheduler) leadLedger(ctx context.Context, now time.Time, length time.Duration) (store.Term, error) {
	t, err := s.cfg.Ledger.Lead(ctx, s.cfg.Name, s.holder, length, upToSecond(s.trustedFrom(now, length)))
	if err == nil && (t.Scheduler != s.cfg.Name || t.Holder != s.holder || t.Number < 1) {
		err = fmt.Errorf("the ledger answered with term %d of %q, held by %q", t.Number, t.Scheduler, t.Holder)
	}
	return t, err
}

// upToSecond is an instant that is not before another, and that every store keeps as it is.
func upToSecond(t time.Time) time.Time {
	t = t.Round(0).UTC()
	if whole := t.Truncate(time.Second); whole.Before(t) {
		return whole.Add(time.Second)
	}
	return t
}

// heldBy returns who holds the term, if an error says so.
func heldBy(err error) *store.HeldError {
	if err == nil {
		return nil
	}
	var held *store.HeldError
	errors.As(err, &held)
	return held
}

// noteHeld notes who holds the term, and logs it if that is news. The caller holds mu.
func (s *UnifiedTaskScheduler) noteHeld(held *store.HeldError, now time.Time) {
	news := s.term.held != held.Term || s.term.holder == ""
	s.term.holder, s.term.held = held.Term.Holder, held.Term
	s.engine.Term.Held()
	s.term.heldUntil = now.Add(held.Left)
	if news {
		s.log.Info("standing by", "active", held.Term.Holder, "term", held.Term.Number, "until", s.term.heldUntil.Round(0).UTC())
	}
}

// heldTooLong says that another's term lasts longer than one does, if it does so.
func heldTooLong(held *store.HeldError, length time.Duration) string {
	if held.Left <= length {
		return ""
	}
	return fmt.Sprintf("%v, and a term lasts %v: was the clock of the ledger set back?", held, length)
}

// lapsed is called when the term is trusted no longer. If that is noticed late, as
// after the host slept or a fake clock made a long step, nothing could have renewed
// the term in time, and what runs is ended only if it cannot be renewed within a
// second. The caller holds mu.
func (s *UnifiedTaskScheduler) lapsed() {
	switch late := s.clock.Now().Sub(s.engine.Term.Trusted()); {
	case late < time.Second:
		s.endLapsed()
	case !s.life.running && len(s.running.list) == 0:
	default:
		s.setLapse(time.Second, s.endLapsed)
		s.activity.Begin()
		s.spawnLocked(func() {
			s.renewIfDue(context.Background(), s.clock.Now())
			s.activity.End()
		})
	}
}

// endLapsed ends what runs at most once, if the term was not renewed in time. What
// runs at least once goes on while the ledger is out of reach. The caller holds mu.
func (s *UnifiedTaskScheduler) endLapsed() {
	now := s.clock.Now()
	if s.engine.Term.TrustedAt(now) || s.term.term.Number == 0 || !s.life.running && len(s.running.list) == 0 {
		return // between two ticks nothing needs the term
	}
	if s.degrade("lapse", "the term could not be renewed in time: at-most-once tasks do not start") {
		s.log.Error("the term has lapsed", "term", s.term.term.Number)
	}
	for _, e := range s.running.ordered() {
		if !s.engine.Term.MayStart(e.row.Delivery == AtLeastOnce, now) {
			e.ctx.cancel(ErrTermLost)
		}
	}
}

// loseTerm forgets the term and everything planned under it: another scheduler
// accounts for it now. The caller holds mu.
func (s *UnifiedTaskScheduler) loseTerm(reason string) {
	if s.term.term.Number == 0 {
		return
	}
	reason = said.Cut(reason, said.MaxCondition)
	s.log.Warn("the term is lost", "term", s.term.term.Number, "reason", reason)
	s.engine.Lose()
	s.events.tell(TermChanged{Reason: reason})
	s.beatSoon()
	s.term.term = store.Term{}
	s.unwatchLapse()
	for _, what := range []string{"lapse", "resume", "claim", "record", "requests"} {
		s.clear(what) // it is another scheduler's now
	}
	for _, e := range s.running.ordered() {
		e.ctx.cancel(ErrTermLost)
	}
	s.sched.unreported = true
	s.health.recall = false
	s.act()
	for a := range s.everyAccount() {
		s.stopExecutor(a)
	}
}

// deposed is called when the ledger refused a write because of its term. The caller
// holds mu.
func (s *UnifiedTaskScheduler) deposed(t store.Term, err error) {
	if s.term.term != t {
		return
	}
	s.loseTerm(err.Error())
	s.term.renewAt = s.clock.Now()
	if s.life.running { // the keeper waits for the renewal that was to come
		s.activity.After(retryFirst, s.keeping.Ring)
	}
}
