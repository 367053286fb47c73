package tradeclock

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tradeclock/tradeclock/internal/quiet"
	"github.com/tradeclock/tradeclock/store"
)

// control is what people have ordered. Guarded by the scheduler's mu.
type control struct {
	halts map[string]store.Halt // by account, "" for all
	// unread is why the stored halts could not be read, or nil: what runs at most
	// once does not start then.
	unread error
	// reading is true while they are read. Readings are counted as they begin, and
	// told is the last that told anything.
	reading     bool
	begun, told int
	// retry is the wait before they are read again if they could not be, which is
	// not before retryAt.
	retry   time.Duration
	retryAt time.Time
	// fresh is true from their reading by a tick to the first claim after it.
	fresh bool
	// orders counts halts and lifts, so that a reading which began before one does
	// not undo it.
	orders int
	// unstored are halts that are in force here and have not reached the ledger.
	unstored map[string]store.Halt
}

// HaltRequest asks for a halt. See UnifiedTaskScheduler.Halt.
type HaltRequest struct {
	Account string `json:"account,omitzero"` // empty for all accounts
	Reason  string `json:"reason"`           // required
	Actor   string `json:"actor"`            // who asks; required
	Cancel  bool   `json:"cancel,omitzero"`  // the contexts of what runs end too
}

// LiftRequest asks for the end of a halt. See UnifiedTaskScheduler.Lift.
type LiftRequest struct {
	Account string `json:"account,omitzero"` // of the halt that is to end: empty for the one of all accounts
	Reason  string `json:"reason,omitzero"`
	Actor   string `json:"actor"` // who asks; required
}

// Halt stops new starts for one account, or for all, until Lift: a kill switch, and how a
// user's stop is kept. Occurrences meanwhile are skipped with the reason. It is stored,
// if the ledger can, and outlives a restart. An error of the ledger means that it is in
// force in this process, and is not stored before a later tick succeeds.
//
// The error wraps ErrUnknownAccount, and nothing is in force, if the account was
// never enrolled, here or with the ledger. Neither is it if that cannot be told,
// since the ledger does not answer: this process does not serve the account then.
func (s *UnifiedTaskScheduler) Halt(ctx context.Context, req HaltRequest) error {
	return s.halt(ctx, req, s.clock.Now())
}

// halt halts as of when that was asked: who asks for a lift later has seen it coming.
func (s *UnifiedTaskScheduler) halt(ctx context.Context, req HaltRequest, asked time.Time) error {
	if req.Reason == "" || req.Actor == "" {
		return errors.New("halt: a reason and an actor are required")
	}
	s.activity.Begin()
	defer s.activity.End()
	if err := s.checkAccount(ctx, req.Account); err != nil {
		return fmt.Errorf("halt: nothing is halted: %w", err)
	}
	h := store.Halt{Scheduler: s.cfg.Name, Account: req.Account, Reason: req.Reason, Actor: req.Actor, At: asked.Round(0).UTC()}
	s.mu.Lock()
	if later := s.control.halts[h.Account].At; later.After(h.At) {
		h.At = later
	}
	s.control.orders++
	s.control.halts[h.Account] = h
	if s.halting != nil {
		s.control.unstored[h.Account] = h
	}
	s.log.Warn("halted", "account", h.Account, "reason", h.Reason, "actor", h.Actor, "cancel", req.Cancel)
	if req.Cancel {
		for _, e := range s.running.ordered() {
			if h.Account == "" || e.run.Account == h.Account {
				e.ctx.cancel(fmt.Errorf("%w: %s", ErrHalted, h.Reason))
			}
		}
	}
	s.endRetries()
	s.kickLater()
	s.mu.Unlock()
	if s.halting == nil {
		return nil
	}
	_, err := quiet.CallInTurn(ctx, s.lanes.order, ledgerBound, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, s.storeHalt(ctx, h)
	})
	if err != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.tellUnstored()
		return fmt.Errorf("halt: it is in force and not stored yet: %w", err)
	}
	s.haltStored(h)
	return nil
}

// tellUnstored keeps the condition that a halt is in force here alone. The caller holds
// mu.
func (s *UnifiedTaskScheduler) tellUnstored() {
	var texts []string
	for _, h := range s.control.notStored() {
		texts = append(texts, haltedText(h))
	}
	s.setCondition("halts unstored", join("in force in this process alone, as the ledger did not store it: ", texts))
}

// notStored are the halts that have not reached the ledger, by account.
func (c *control) notStored() []store.Halt {
	var halts []store.Halt
	for _, account := range slices.Sorted(maps.Keys(c.unstored)) {
		halts = append(halts, c.unstored[account])
	}
	return halts
}

func haltedText(h store.Halt) string {
	if h.Account == "" {
		return fmt.Sprintf("the halt of all accounts by %s (%s)", h.Actor, h.Reason)
	}
	return fmt.Sprintf("the halt of account %q by %s (%s)", h.Account, h.Actor, h.Reason)
}

// storeHalt stores a halt whose account has been found to be known.
func (s *UnifiedTaskScheduler) storeHalt(ctx context.Context, h store.Halt) error {
	h.Serving = true
	return s.halting.Halt(ctx, h)
}

// checkAccount refuses an account that was never enrolled, here or with the ledger.
// No account is all of them. Without a directory, and before a term has told which
// accounts there are, it cannot be told and is taken.
func (s *UnifiedTaskScheduler) checkAccount(ctx context.Context, account string) error {
	if account == "" {
		return nil
	}
	s.mu.Lock()
	_, known := s.engine.Accounts.Known(account)
	_, halted := s.control.halts[account]
	known = known || halted || s.account(account) != nil
	resumed := s.engine.Term.IsResumed()
	s.mu.Unlock()
	directory, ok := s.cfg.Ledger.(store.Directory)
	if known || !ok && !resumed {
		return nil
	}
	if ok {
		enrolled, err := quiet.CallInTurn(ctx, s.lanes.order, ledgerBound, func(ctx context.Context) (bool, error) {
			found, err := directory.Enrolments(ctx, store.EnrolmentQuery{Scheduler: s.cfg.Name, Account: account})
			return len(found) > 0, err
		})
		if err != nil {
			return fmt.Errorf("account %q is not known here, and the ledger cannot be asked: %w", account, err)
		}
		known = enrolled
	}
	if !known {
		return fmt.Errorf("%w: %q was never enrolled", ErrUnknownAccount, account)
	}
	return nil
}

func (s *UnifiedTaskScheduler) haltStored(h store.Halt) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.control.orders++
	if s.control.unstored[h.Account] == h {
		delete(s.control.unstored, h.Account)
		s.tellUnstored()
	}
}

// Lift ends the halt of one account, or the one for all. Of an account that was never
// enrolled it returns what Halt does.
func (s *UnifiedTaskScheduler) Lift(ctx context.Context, req LiftRequest) error {
	if req.Actor == "" {
		return errors.New("lift: an actor is required")
	}
	s.activity.Begin()
	defer s.activity.End()
	if err := s.checkAccount(ctx, req.Account); err != nil {
		return fmt.Errorf("lift: %w", err)
	}
	if s.halting != nil {
		h := store.Halt{Scheduler: s.cfg.Name, Account: req.Account, Reason: req.Reason, Actor: req.Actor, At: s.clock.Now().Round(0).UTC(), Serving: true}
		_, err := quiet.CallInTurn(ctx, s.lanes.order, ledgerBound, func(ctx context.Context) (struct{}, error) {
			return struct{}{}, s.halting.Lift(ctx, h)
		})
		if err != nil {
			return fmt.Errorf("lift: it stays in force until the ledger is read without it: %w", err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.control.orders++
	delete(s.control.halts, req.Account)
	delete(s.control.unstored, req.Account)
	s.tellUnstored()
	s.log.Warn("halt lifted", "account", req.Account, "reason", req.Reason, "actor", req.Actor)
	return nil
}

// readHalts reads the halts in force, in a reading that begins after the call: one
// that goes on already may miss a halt that was stored meanwhile. Those who ask at
// the same time share one. The error is that of ctx, of whoever has given up. The
// caller holds mu, which is let go of meanwhile.
func (s *UnifiedTaskScheduler) readHalts(ctx context.Context) error {
	c := &s.control
	next := c.begun + 1
	for s.halting != nil && c.told < next {
		if c.reading {
			if err := s.await(ctx, func() bool { return !c.reading }); err != nil {
				return err
			}
			if s.life.crashed.Load() {
				return ErrCrashed // whoever reads them does not come back
			}
			continue
		}
		if err := s.readHaltsOnce(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (s *UnifiedTaskScheduler) readHaltsOnce(ctx context.Context) error {
	c := &s.control
	c.begun++
	c.reading = true
	reading, orders := c.begun, c.orders
	halts, err := s.storedHalts(ctx)
	c.reading = false
	s.activity.Stir()
	if err != nil && ctx.Err() != nil {
		return ctx.Err() // that nobody waits for the answer says nothing of the store
	}
	c.told = reading
	if err != nil {
		s.haltsUnread(err)
		return nil
	}
	s.clear("halts")
	c.retry = 0
	if c.unread != nil {
		c.unread = nil
		s.kickLater() // for what waited for them
	}
	if orders == c.orders {
		s.takeHalts(halts)
	}
	return nil
}

// haltsUnread notes that the halts could not be read: the last known ones stay, and
// nothing starts that runs at most once. What is due waits for it, so they are read
// again within seconds.
func (s *UnifiedTaskScheduler) haltsUnread(err error) {
	c := &s.control
	c.unread = err
	s.degrade("halts", fmt.Sprintf("the halts cannot be read: %v", err))
	c.retry = nextRetry(c.retry)
	c.retryAt = s.clock.Now().Add(c.retry)
	s.afterLocked(c.retry, func() {
		if c.unread != nil {
			s.kickLater()
		}
	})
}

// takeHalts makes the stored halts those that are in force, beside the ones that are
// not stored yet.
func (s *UnifiedTaskScheduler) takeHalts(halts []store.Halt) {
	if len(halts) == 0 && len(s.control.halts) == 0 {
		return
	}
	was := maps.Clone(s.control.halts)
	clear(s.control.halts)
	for _, h := range halts {
		s.control.halts[h.Account] = h
	}
	maps.Copy(s.control.halts, s.control.unstored)
	s.tellRead(was)
	s.endRetries()
}

// tellRead logs what a reading of the halts has changed, as an order of another process
// does, or one of this process whose answer was lost.
func (s *UnifiedTaskScheduler) tellRead(was map[string]store.Halt) {
	for account, h := range s.control.halts {
		if old, had := was[account]; !had || old.Reason != h.Reason || old.Actor != h.Actor {
			s.log.Warn("a halt was read", "account", account, "reason", h.Reason, "actor", h.Actor)
		}
	}
	for account := range was {
		if _, still := s.control.halts[account]; !still {
			s.log.Warn("a halt was lifted", "account", account)
		}
	}
}

// storeHalts stores the halts that could not be stored when they were ordered. The
// caller holds mu, which is let go of meanwhile.
func (s *UnifiedTaskScheduler) storeHalts(ctx context.Context) {
	if len(s.control.unstored) == 0 {
		return
	}
	unstored := slices.Collect(maps.Values(s.control.unstored))
	s.mu.Unlock()
	defer s.mu.Lock()
	for _, h := range unstored {
		_, err := quiet.Call(ctx, s.lanes.order, pollBound, func(ctx context.Context) (struct{}, error) {
			return struct{}{}, s.storeHalt(ctx, h)
		})
		if err != nil {
			return // the next tick tries again
		}
		s.haltStored(h)
	}
}

// storedHalts lets go of mu while it asks a ledger that does not answer from memory.
func (s *UnifiedTaskScheduler) storedHalts(ctx context.Context) ([]store.Halt, error) {
	if s.lanes.halts.IsDirect() {
		return s.halting.Halts(ctx, s.cfg.Name)
	}
	s.mu.Unlock()
	defer s.mu.Lock()
	return quiet.Call(ctx, s.lanes.halts, pollBound, func(ctx context.Context) ([]store.Halt, error) {
		return s.halting.Halts(ctx, s.cfg.Name)
	})
}

// haltFor returns the halt that is in force for an account. The caller holds mu.
func (s *UnifiedTaskScheduler) haltFor(account string) (store.Halt, bool) {
	if h, ok := s.control.halts[""]; ok {
		return h, true
	}
	h, ok := s.control.halts[account]
	return h, ok
}

func (s *UnifiedTaskScheduler) haltList() []store.Halt {
	return slices.SortedFunc(maps.Values(s.control.halts), func(a, b store.Halt) int { return strings.Compare(a.Account, b.Account) })
}

// haltError is the error of a call that a halt refuses.
func haltError(h store.Halt) error { return fmt.Errorf("%w by %s: %s", ErrHalted, h.Actor, h.Reason) }

// ResetWatermark sets the watermark back to an instant, after a wrong clock carried
// it away: what was recorded as missed or skipped later than to is removed, and
// planned again, with the whole of a range that goes on beyond to. Runs that had a
// start keep their slots. Who did it and why is kept in the ledger. The error wraps
// ErrUnsupported if the ledger cannot.
func (s *UnifiedTaskScheduler) ResetWatermark(ctx context.Context, to time.Time, reason, actor string) error {
	if reason == "" || actor == "" {
		return errors.New("reset the watermark: a reason and an actor are required")
	}
	resetter, ok := s.cfg.Ledger.(store.Resetter)
	if !ok {
		return fmt.Errorf("reset the watermark: %w", ErrUnsupported)
	}
	s.activity.Begin()
	defer s.activity.End()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.takeTurn(ctx); err != nil {
		return err
	}
	defer s.giveTurn()
	s.engine.Disarm() // or a run could start while its record is removed
	s.act()
	t := s.term.term
	if !s.engine.Term.TrustedAt(s.clock.Now()) {
		return fmt.Errorf("reset the watermark: %w", ErrNoTerm)
	}
	s.mu.Unlock()
	_, err := quiet.CallInTurn(ctx, s.lanes.order, ledgerBound, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, resetter.ResetWatermark(ctx, t, to, reason, actor)
	})
	s.mu.Lock()
	if err != nil {
		return fmt.Errorf("reset the watermark: %w", err)
	}
	s.log.Warn("the watermark was reset", "to", to.UTC(), "reason", reason, "actor", actor)
	s.engine.Reread() // with what is ahead of the new watermark
	s.health.recall = false
	s.act()
	return nil
}
