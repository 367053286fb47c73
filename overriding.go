package tradeclock

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/answer"
	"github.com/tradeclock/tradeclock/internal/naming"
	"github.com/tradeclock/tradeclock/internal/plan"
	"github.com/tradeclock/tradeclock/internal/quiet"
	"github.com/tradeclock/tradeclock/internal/vet"
	"github.com/tradeclock/tradeclock/request"
	"github.com/tradeclock/tradeclock/store"
)

// OverrideRequest says what is to become of exactly one occurrence. See
// UnifiedTaskScheduler.Override.
type OverrideRequest struct {
	Task    string        `json:"task"`             // required
	Account string        `json:"account,omitzero"` // empty for all accounts
	Session calendar.Date `json:"session"`          // of the occurrence; required
	// Slot is the occurrence's. It may be empty if the task has one occurrence in the
	// session.
	Slot string `json:"slot,omitzero"`
	// At is when it is to run instead. Zero means that it is to be skipped.
	At time.Time `json:"at,omitzero"`
	// TakeBack ends the override that there is: the occurrence runs as its schedule has it.
	TakeBack bool   `json:"take_back,omitzero"`
	Reason   string `json:"reason"` // required
	Actor    string `json:"actor"`  // who asks; required
}

func (req OverrideRequest) check() error {
	var errs []error
	need := func(field, value string) {
		if value == "" {
			errs = append(errs, fmt.Errorf("field %s: it is required", field))
		} else if err := naming.Check(value); err != nil {
			errs = append(errs, fmt.Errorf("field %s: %w", field, err))
		}
	}
	need("Task", req.Task)
	need("Actor", req.Actor)
	need("Reason", req.Reason)
	if err := req.Session.Validate(); err != nil {
		errs = append(errs, fmt.Errorf("field Session: %w", err))
	}
	if !req.At.Equal(req.At.Truncate(time.Second)) {
		errs = append(errs, fmt.Errorf("field At: %v is not a whole second", req.At))
	}
	if req.TakeBack && !req.At.IsZero() {
		errs = append(errs, errors.New("field At: it is to be taken back"))
	}
	return errors.Join(errs...)
}

// Override skips exactly one occurrence that is still to come, moves it to another instant
// of its session day, or takes that back. It is in force, and stored, when Override
// returns: it outlives a restart and a takeover. An occurrence that is skipped gets its row
// when it is due, with the actor and the reason; one that is moved keeps its slot, so that
// it runs once, and has its catch-up from the new instant on. One for all accounts is about
// those whose slot has had no start.
//
// The error wraps ErrNoTerm if this instance does not hold the term, ErrUnknownAccount,
// ErrNoOccurrence if the task has none of the slot and session, ErrTooLate if its instant
// is past or being planned, or the new one is, ErrSlotTaken if the slot has had a start or a
// record, ErrNoOverride if there is none to be taken back, and ErrUnsupported if the ledger
// is no OverrideStore. If the ledger does not answer, the error says so: the override is
// stored, and in force, once a later tick succeeds, and nothing is planned that it may be
// about.
func (s *UnifiedTaskScheduler) Override(ctx context.Context, req OverrideRequest) (store.Override, error) {
	o, err := s.override(ctx, req)
	if err != nil {
		return store.Override{}, fmt.Errorf("override %s of %v: %w", naming.Row(req.Task, req.Account), req.Session, err)
	}
	return o, nil
}

// overrides are what people have said of occurrences. Guarded by the scheduler's mu.
type overrides struct {
	list []store.Override // in force; replaced, and not changed
	// unstored are those of which it is not known whether the ledger has them.
	unstored []unstoredOverride
}

// unstoredOverride is an override that is being stored, or taken back. Until it is known
// that it is, nothing is planned that is due at its first instant or later: another process
// may come to plan by it.
type unstoredOverride struct {
	store.Override
	takeBack bool
	first    time.Time
}

// limit is up to when may be planned at an instant.
func (o *overrides) limit(now time.Time) time.Time {
	for i := range o.unstored {
		if first := o.unstored[i].first; !first.After(now) {
			now = first.Add(-time.Second) // due times are whole seconds
		}
	}
	return now
}

func (s *UnifiedTaskScheduler) override(ctx context.Context, req OverrideRequest) (store.Override, error) {
	if err := req.check(); err != nil {
		return store.Override{}, err
	}
	if s.overriding == nil {
		return store.Override{}, fmt.Errorf("the ledger: %w", ErrUnsupported)
	}
	s.activity.Begin()
	defer s.activity.End()
	if err := s.checkAccount(ctx, req.Account); err != nil {
		return store.Override{}, err
	}
	day, err := s.preview(ctx, req.Session)
	if err != nil {
		return store.Override{}, err
	}
	base, err := req.find(day.Due)
	if err == nil {
		err = s.checkSlot(ctx, req, base.Slot)
	}
	if err != nil {
		return store.Override{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	o, err := s.decideOverride(base, req)
	if err != nil {
		return store.Override{}, err
	}
	s.overrides.unstored = append(s.overrides.unstored, o)
	if err := s.storeOverride(ctx, ledgerBound, o); err != nil {
		return store.Override{}, err
	}
	return o.Override, nil
}

// decideOverride says what is to be stored. The occurrence must not be planned yet. The
// caller holds mu.
func (s *UnifiedTaskScheduler) decideOverride(base plan.Occurrence, req OverrideRequest) (o unstoredOverride, err error) {
	now := s.clock.Now().Round(0).UTC()
	if !s.engine.Term.IsResumed() || !s.engine.Term.TrustedAt(now) || s.life.draining {
		return o, ErrNoTerm
	}
	o = unstoredOverride{takeBack: req.TakeBack, Override: store.Override{
		Scheduler: s.cfg.Name, Task: req.Task, Account: req.Account, Slot: base.Slot, Session: base.Session, Due: base.Due,
		At: req.At, Actor: req.Actor, Reason: req.Reason, Made: now,
	}}
	if !o.Skips() {
		o.At = o.At.UTC()
	}
	if slices.ContainsFunc(s.overrides.unstored, func(u unstoredOverride) bool { return u.IsAbout(o.Override) }) {
		return o, ledgerError{errors.New("an earlier one is not stored yet")}
	}
	planned := s.engine.Planned()
	if planned.Before(now) {
		planned = now
	}
	present, known := s.presentInstant(o.Override)
	switch {
	case !present.After(planned):
		return o, fmt.Errorf("%w: it was due at %s", ErrTooLate, wallOf(base, present))
	case req.TakeBack && !known:
		return o, ErrNoOverride
	case req.TakeBack && !base.Due.After(planned):
		return o, fmt.Errorf("%w: its own instant, %s, is past", ErrTooLate, wallOf(base, base.Due))
	case !req.TakeBack && !o.Skips():
		err = checkMove(base, o.Override, planned)
	}
	for _, at := range []time.Time{present, base.Due, o.At} {
		if at.After(planned) && (o.first.IsZero() || at.Before(o.first)) {
			o.first = at
		}
	}
	return o, err
}

// find returns the occurrence that is asked for, as its schedule has it: the last to come
// due, where accounts have rows of their own.
func (req OverrideRequest) find(due []plan.Occurrence) (base plan.Occurrence, err error) {
	slots := make(map[string]bool)
	for _, o := range due {
		r := vet.RowOf(o)
		if o.HasMoved || r.Task != req.Task || req.Account != "" && !r.Run.HoldsFor(req.Account) || req.Slot != "" && o.Slot != req.Slot {
			continue
		}
		slots[o.Slot] = true
		base = o // in order of their due times
	}
	switch {
	case len(slots) == 0 && req.Slot != "":
		return base, fmt.Errorf("%w: slot %q", ErrNoOccurrence, req.Slot)
	case len(slots) == 0:
		return base, ErrNoOccurrence
	case len(slots) > 1:
		return base, fmt.Errorf("%w: the task has %d occurrences in that session, and one of their slots is to be named", ErrNoOccurrence, len(slots))
	}
	return base, nil
}

// presentInstant is when an occurrence is due now: by its schedule, or by the word that is
// in force. It reports whether there is one of the same account.
func (s *UnifiedTaskScheduler) presentInstant(o store.Override) (at time.Time, known bool) {
	var shared, own *store.Override
	for i := range s.overrides.list {
		switch w := &s.overrides.list[i]; {
		case w.IsAbout(o):
			own = w
		case w.Task == o.Task && w.Slot == o.Slot && w.Account == "":
			shared = w
		}
	}
	word := cmp.Or(own, shared)
	if word == nil || word.Skips() {
		return o.Due, own != nil
	}
	return word.At, own != nil
}

func wallOf(o plan.Occurrence, t time.Time) string {
	return t.In(vet.RowOf(o).View.Location()).Format(time.DateTime)
}

// checkMove refuses an instant at which the occurrence could not run.
func checkMove(base plan.Occurrence, o store.Override, planned time.Time) error {
	r := vet.RowOf(base)
	on := func(t time.Time) calendar.Date { return calendar.DateOf(t.In(r.View.Location())) }
	switch {
	case !o.At.After(planned):
		return fmt.Errorf("%w: %s is past", ErrTooLate, wallOf(base, o.At))
	case on(o.At) != o.Session && on(o.At) != on(o.Due):
		return fmt.Errorf("%s is not on the day of its session, %v", wallOf(base, o.At), o.Session)
	case base.Skip != "":
		return fmt.Errorf("it is skipped wherever it is moved: %s", base.Skip)
	case !r.Run.Expiry(o.At, o.Session).After(o.At):
		return fmt.Errorf("its catch-up ends before %s, at %v: it would be missed", wallOf(base, o.At), *r.CatchUpUntil)
	}
	return nil
}

// slotRows is how many rows of a slot are looked at, of which an account has one.
const slotRows = 100

// checkSlot refuses an override of a slot that has had a start, or has a record. What is
// armed has neither. One for all accounts is about those that have none.
func (s *UnifiedTaskScheduler) checkSlot(ctx context.Context, req OverrideRequest, slot string) error {
	if s.history == nil {
		return nil
	}
	q := store.Query{Scheduler: s.cfg.Name, Account: req.Account, Task: req.Task, Slot: slot, Limit: slotRows}
	runs, err := quiet.CallInTurn(ctx, s.lanes.past, ledgerBound, func(ctx context.Context) ([]Run, error) { return s.history.Runs(ctx, q) })
	if err != nil {
		return ledgerError{err}
	}
	for _, run := range runs {
		if run.Account == req.Account && run.Outcome != Armed {
			return fmt.Errorf("%w: it is %v", ErrSlotTaken, run.Outcome)
		}
	}
	return nil
}

// storeOverride stores an override, or takes it back, and has planning go by that. If the
// ledger does not answer, a later tick tries again. The caller holds mu, which is let go of
// meanwhile.
func (s *UnifiedTaskScheduler) storeOverride(ctx context.Context, bound time.Duration, o unstoredOverride) error {
	t := s.term.term
	s.mu.Unlock()
	_, err := quiet.CallInTurn(ctx, s.lanes.order, bound, func(ctx context.Context) (struct{}, error) {
		if o.takeBack {
			return struct{}{}, s.overriding.Revoke(ctx, t, o.Override)
		}
		return struct{}{}, s.overriding.Override(ctx, t, o.Override)
	})
	s.mu.Lock()
	deposed := errors.Is(err, store.ErrDeposed) || s.term.term != t
	if err == nil || deposed {
		s.overrides.unstored = slices.DeleteFunc(s.overrides.unstored, func(u unstoredOverride) bool { return u.IsAbout(o.Override) })
		if len(s.overrides.unstored) == 0 {
			s.clear("overrides")
		}
	}
	switch {
	case deposed:
		return fmt.Errorf("%w: the term ended as it was being stored", ErrNoTerm)
	case err != nil:
		s.degrade("overrides", fmt.Sprintf("an override of %s is not stored yet, and nothing is planned from %s on: %v",
			naming.Row(o.Task, o.Account), o.first.Format(time.RFC3339), err))
		return ledgerError{fmt.Errorf("it is not stored yet: %w", err)}
	}
	s.putOverride(o)
	return nil
}

// storeOverrides stores those of which it is not known whether they are. The caller holds
// mu, which is let go of meanwhile.
func (s *UnifiedTaskScheduler) storeOverrides(ctx context.Context) {
	for _, o := range slices.Clone(s.overrides.unstored) {
		if s.storeOverride(ctx, pollBound, o) != nil {
			return // the next tick tries again
		}
	}
}

// putOverride has planning go by an override, or no longer. The caller holds mu.
func (s *UnifiedTaskScheduler) putOverride(o unstoredOverride) {
	stale := calendar.DateOf(o.Made).AddDays(-answer.OverridesBack)
	s.overrides.list = slices.DeleteFunc(slices.Clone(s.overrides.list), func(known store.Override) bool {
		return known.IsAbout(o.Override) || known.Session.Before(stale)
	})
	if !o.takeBack {
		s.overrides.list = append(s.overrides.list, o.Override)
	}
	s.log.Warn("an occurrence was overridden", "task", o.Task, "account", o.Account, "slot", o.Slot, "at", o.At,
		"taken_back", o.takeBack, "reason", o.Reason, "actor", o.Actor)
	s.goByOverrides()
}

// takeOverrides takes over the overrides that the ledger has. The caller holds mu.
func (s *UnifiedTaskScheduler) takeOverrides(all []store.Override) {
	s.overrides = overrides{list: all}
	s.clear("overrides")
	s.goByOverrides()
}

// goByOverrides has the plan in force go by the overrides. The caller holds mu.
func (s *UnifiedTaskScheduler) goByOverrides() {
	if s.sched.plan == nil {
		return // the one that comes does
	}
	s.engine.Use(s.sched.plan.Override(vet.PlannedOverrides(s.overrides.list)))
	if s.life.running {
		s.wake.Ring() // what was moved may be due before the minute
	}
}

// readOverrides returns the overrides that may matter from a watermark on.
func (s *UnifiedTaskScheduler) readOverrides(ctx context.Context, watermark time.Time) ([]store.Override, error) {
	if s.overriding == nil {
		return nil, nil
	}
	q := store.OverrideQuery{Scheduler: s.cfg.Name}
	if !watermark.IsZero() {
		q.From = calendar.DateOf(watermark.UTC()).AddDays(-answer.OverridesBack)
	}
	return s.overriding.Overrides(ctx, q)
}

// overrideAsked makes the override that a request asks for, unless whoever took it before
// has done so.
func (s *UnifiedTaskScheduler) overrideAsked(ctx context.Context, r request.Request) (answer request.Answer, text, runID string) {
	req := OverrideRequest{
		Task: r.Task, Account: r.Account, Session: r.Session, Slot: r.Slot, At: r.MoveTo, TakeBack: r.Kind == request.Restore,
		Reason: r.Reason, Actor: r.Actor,
	}
	if r.Term != 0 && s.isOverridden(req, r.At) {
		return request.Done, "it is in force", ""
	}
	o, err := s.override(ctx, req)
	var unanswered ledgerError
	switch {
	case err == nil && req.TakeBack:
		return request.Done, fmt.Sprintf("slot %s runs as its schedule has it", o.Slot), ""
	case err == nil && o.Skips():
		return request.Done, fmt.Sprintf("slot %s is going to be skipped", o.Slot), ""
	case err == nil:
		return request.Done, fmt.Sprintf("slot %s is moved to %s", o.Slot, o.At.In(s.zoneOf(o.Account, o.Task)).Format(time.DateTime)), ""
	case r.Term != 0 && errors.Is(err, ErrNoOverride):
		return request.Done, "no override is in force", ""
	case ctx.Err() != nil, errors.As(err, &unanswered), errors.Is(err, ErrNoTerm):
		return "", "", ""
	}
	return request.Refused, err.Error(), ""
}

// isOverridden reports whether what is asked for has been made since it was asked.
func (s *UnifiedTaskScheduler) isOverridden(req OverrideRequest, asked time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !req.TakeBack && slices.ContainsFunc(s.overrides.list, func(o store.Override) bool {
		return o.Task == req.Task && o.Account == req.Account && o.Session == req.Session && (req.Slot == "" || req.Slot == o.Slot) &&
			o.At.Equal(req.At) && o.Actor == req.Actor && o.Reason == req.Reason && !o.Made.Before(asked)
	})
}
