package tradeclock

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tradeclock/tradeclock/internal/engine"
	"github.com/tradeclock/tradeclock/internal/naming"
	"github.com/tradeclock/tradeclock/internal/quiet"
	"github.com/tradeclock/tradeclock/store"
)

// lastLook is how long before an armed run is due the schedules, the calendars and the
// halts are read for the last time.
const lastLook = 500 * time.Millisecond

// beginWithin is how long an armed run may go on before the ledger is told that it has
// started: mostly it is told with the outcome.
const beginWithin = time.Second

// arming is how runs are claimed before they are due. Guarded by the scheduler's mu.
type arming struct {
	busy   bool         // they are being claimed
	bell   *quiet.Alarm // goes off when the first of them is due
	bellAt time.Time    // and that is then

	begin   *quiet.Alarm  // goes off when the ledger is to be told of starts
	backoff time.Duration // before the next try, while it is out of reach
}

// arm claims what is due soon. A program that calls Tick is not there when it is due, and
// arms nothing. The caller holds mu, which is let go of while a ledger is asked that answers
// from memory.
func (s *UnifiedTaskScheduler) arm() {
	if !s.life.running || s.life.draining || s.arming.busy {
		return
	}
	batch := s.engine.ToArm(s.clock.Now(), s.obstacles())
	if len(batch) == 0 {
		return
	}
	s.arming.busy = true
	s.activity.Begin()
	if s.lanes.arm.IsDirect() {
		s.armAll(batch)
		return
	}
	s.spawnLocked(func() { s.armAll(batch) })
}

// armAll claims runs ahead, batch by batch. What could not be claimed so is claimed when it
// is due. The caller holds mu, which is let go of while the ledger is asked.
func (s *UnifiedTaskScheduler) armAll(batch []*engine.Run) {
	defer s.activity.End()
	for drops := s.engine.Drops(); len(batch) > 0 && s.engine.Drops() == drops; {
		n := min(len(batch), fullBatch)
		if err := s.armSome(batch[:n]); err != nil {
			s.log.Warn("runs could not be armed: they are claimed when they are due", "runs", len(batch), "first", describe(batch[0]), "error", err)
			break
		}
		batch = batch[n:]
	}
	s.arming.busy = false
	s.watchArmed()
	s.releaseLater() // which waited for it
}

func (s *UnifiedTaskScheduler) armSome(batch []*engine.Run) error {
	runs := make([]Run, len(batch))
	for i, p := range batch {
		runs[i] = s.runOf(p)
		runs[i].Outcome = Armed
	}
	claims, err := s.claimAhead(runs)
	if err != nil {
		return err
	}
	for i, p := range batch {
		s.engine.Armed(p, claims[i].Held, claims[i].First, claims[i].Resumed)
	}
	return nil
}

// claimAhead claims runs, by the way of those that are armed. It lets go of mu meanwhile.
func (s *UnifiedTaskScheduler) claimAhead(runs []Run) ([]store.Claim, error) {
	t := s.term.term
	s.mu.Unlock()
	claims, err := quiet.Call(context.Background(), s.lanes.arm, ledgerBound, func(ctx context.Context) ([]store.Claim, error) {
		return s.cfg.Ledger.Claim(ctx, t, runs)
	})
	s.mu.Lock()
	if err == nil && len(claims) != len(runs) {
		err = fmt.Errorf("the ledger answered %d claims of %d", len(claims), len(runs))
	}
	if errors.Is(err, store.ErrDeposed) {
		s.deposed(t, err)
	}
	return claims, err
}

// watchArmed rings when the first armed run is due, whatever a tick waits for then.
func (s *UnifiedTaskScheduler) watchArmed() {
	ar, at := &s.arming, s.engine.FirstArmed()
	if ar.bell != nil && ar.bellAt.Equal(at) {
		return
	}
	ar.bell.Stop()
	ar.bell, ar.bellAt = nil, at
	left := at.Sub(s.clock.Now())
	if at.IsZero() || left <= 0 || s.life.draining { // the next tick starts what is due already
		return
	}
	ar.bell = s.afterLocked(left, func() {
		ar.bell = nil
		if s.engine.HasArmedBy(s.clock.Now()) {
			s.noteWake(s.clock.Now())
			s.startArmed()
		}
		s.watchArmed()
	})
}

// startArmed starts what is armed and due, by the clock alone, and before any store is
// asked for anything. The rest of what is due then is planned with it.
func (s *UnifiedTaskScheduler) startArmed() {
	now := s.clock.Now()
	if s.life.draining || s.life.ended || !s.engine.HasArmedBy(now) {
		return
	}
	s.planUpTo(now)
	for _, p := range s.engine.PickArmed(now) {
		s.startClaimed(p)
	}
	s.act()
	s.tellStarts(beginWithin)
	s.kickLater()
}

// tellStarts tells the ledger after a while of the armed runs that have started, and go on.
func (s *UnifiedTaskScheduler) tellStarts(after time.Duration) {
	if s.arming.begin != nil {
		return
	}
	s.arming.begin = s.afterLocked(after, func() {
		s.arming.begin = nil
		s.activity.Begin()
		s.spawnLocked(s.tellStartsNow)
	})
}

func (s *UnifiedTaskScheduler) tellStartsNow() {
	defer s.activity.End()
	var going []*execution
	var runs []Run
	for _, e := range s.running.ordered() {
		if e.of.IsArmed() && !e.taken && e.run.Term == s.term.term.Number {
			going, runs = append(going, e), append(runs, e.run)
		}
	}
	if len(runs) == 0 || s.life.ended {
		return
	}
	if _, err := s.claimAhead(runs); err != nil {
		s.arming.backoff = nextRetry(s.arming.backoff)
		s.tellStarts(s.arming.backoff)
		return
	}
	s.arming.backoff = 0
	for _, e := range going {
		e.of.Begun()
	}
}

// releaseUnstarted gives back what older terms left armed and certainly never started, and
// leaves it out of the state: its slots are as free as if it had not been claimed.
func (s *UnifiedTaskScheduler) releaseUnstarted(ctx context.Context, t store.Term, state store.State) (store.State, error) {
	var unstarted, unsettled []Run
	for _, r := range state.Unsettled {
		if r.Outcome == Armed && engine.NeverStarted(r.Due.Add(r.Offset), state.Trusted[r.Term]) {
			r.Outcome = NoOutcome
			unstarted = append(unstarted, r)
			continue
		}
		unsettled = append(unsettled, r)
	}
	if len(unstarted) == 0 {
		return state, nil
	}
	state.Unsettled = unsettled
	s.log.Info("runs that an older term had armed never started: their slots are free again", "runs", len(unstarted),
		"first", fmt.Sprintf("%s %s", naming.Row(unstarted[0].Task, unstarted[0].Account), unstarted[0].Slot))
	return state, s.cfg.Ledger.Release(ctx, t, unstarted)
}

// armsAt is when there may be something to arm, or zero.
func (s *UnifiedTaskScheduler) armsAt() time.Time {
	if !s.life.running {
		return time.Time{}
	}
	return s.engine.ArmsAt()
}

// looksAt is when the last look before the first armed run is due, or zero.
func (s *UnifiedTaskScheduler) looksAt() time.Time {
	first := s.engine.FirstArmed()
	if first.IsZero() {
		return first
	}
	return first.Add(-lastLook)
}

// minuteOf is the minute for which the schedules are to be read. The last look before an
// armed run is due reads them for the minute of that.
func (s *UnifiedTaskScheduler) minuteOf(now time.Time) time.Time {
	if at := s.looksAt(); !at.IsZero() && !now.Before(at) {
		now = now.Add(lastLook)
	}
	return now.Truncate(time.Minute)
}
