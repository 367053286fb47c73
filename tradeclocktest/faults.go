package tradeclocktest

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/request"
	"github.com/tradeclock/tradeclock/store"
)

// Store is all that a scheduler can use of a store, which memstore.Store and
// sqlstore.Store have.
type Store interface {
	tradeclock.ScheduleStore
	store.ChangeLister
	tradeclock.Ledger
	store.History
	store.Tallier
	store.HaltStore
	store.Directory
	store.RequestStore
	store.OverrideStore
	store.Resetter
	store.Pruner
	tradeclock.HeartbeatSink
	store.HeartbeatReader
}

// Op names a call of a Store.
type Op string

// The calls of a Store.
const (
	OpSchedules      Op = "Schedules"
	OpRevision       Op = "Revision"
	OpChanges        Op = "Changes"
	OpLead           Op = "Lead"
	OpResign         Op = "Resign"
	OpResume         Op = "Resume"
	OpEnroll         Op = "Enroll"
	OpWithdraw       Op = "Withdraw"
	OpClaim          Op = "Claim"
	OpReclaim        Op = "Reclaim"
	OpRelease        Op = "Release"
	OpRecord         Op = "Record"
	OpSettle         Op = "Settle"
	OpRuns           Op = "Runs"
	OpTallies        Op = "Tallies"
	OpSchedulers     Op = "Schedulers"
	OpEnrolments     Op = "Enrolments"
	OpHalts          Op = "Halts"
	OpHalt           Op = "Halt"
	OpLift           Op = "Lift"
	OpAsk            Op = "Ask"
	OpTake           Op = "Take"
	OpAnswer         Op = "Answer"
	OpRequests       Op = "Requests"
	OpOverrides      Op = "Overrides"
	OpOverride       Op = "Override"
	OpRevoke         Op = "Revoke"
	OpResetWatermark Op = "ResetWatermark"
	OpPrune          Op = "Prune"
	OpBeat           Op = "Beat"
	OpHeartbeats     Op = "Heartbeats"
)

// ErrLostAnswer is the error of a call whose answer is lost: the call was made.
var ErrLostAnswer = errors.New("the answer was lost")

// Faulty is a Store that fails, hangs or loses its answer on command, call by
// call. It starts no goroutines and passes on what has no fault. A scheduler's
// Quiesce does not wait for a call that hangs. Make one with NewFaulty. It is safe
// for concurrent use.
type Faulty struct {
	store Store

	mu      sync.Mutex
	faults  map[Op]fault
	calls   map[Op]int
	hanging map[Op]int
}

// fault is what is wrong with a call: one of the three is set.
type fault struct {
	err  error
	hang *hang
	lost bool
}

// hang is what the calls that hang wait for. They are parked, so that Quiesce does
// not wait for them; from the moment that the hang ends it does.
type hang struct {
	ended  chan struct{}
	unpark []func() // of each call that ever waited
}

var _ Store = (*Faulty)(nil)

// NewFaulty returns a store that passes all calls on to another.
func NewFaulty(st Store) *Faulty {
	return &Faulty{store: st, faults: make(map[Op]fault), calls: make(map[Op]int), hanging: make(map[Op]int)}
}

// Fail makes a call return an error, and do nothing, until it is healed or given
// another fault.
func (f *Faulty) Fail(op Op, err error) { f.give(op, fault{err: err}) }

// Hang makes a call wait until its context ends or it is healed. A call whose
// context ends returns the cause, and does nothing; one that is healed is made
// then; one that is given another fault meanwhile has that. A Driver of NewDriver, which
// ticks in place, waits for such a call as a tick does, and no time passes meanwhile: let
// StartDriver drive a scheduler whose stores hang.
func (f *Faulty) Hang(op Op) { f.give(op, fault{hang: &hang{ended: make(chan struct{})}}) }

// LoseAnswer makes a call do what it should and then return ErrLostAnswer, until
// it is healed or given another fault.
func (f *Faulty) LoseAnswer(op Op) { f.give(op, fault{lost: true}) }

// Heal ends the faults of the calls, or of all calls if it is given none.
func (f *Faulty) Heal(ops ...Op) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(ops) == 0 {
		for op := range f.faults {
			f.end(op)
		}
	}
	for _, op := range ops {
		f.end(op)
	}
}

// Calls is how often a call was made, with a fault or without.
func (f *Faulty) Calls(op Op) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls[op]
}

// Hanging is how many calls hang at the moment.
func (f *Faulty) Hanging(op Op) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.hanging[op]
}

func (f *Faulty) give(op Op, with fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.end(op)
	f.faults[op] = with
}

// end removes the fault of a call and lets those that hang in it go on.
func (f *Faulty) end(op Op) {
	if h := f.faults[op].hang; h != nil {
		for _, unpark := range h.unpark {
			unpark()
		}
		close(h.ended)
	}
	delete(f.faults, op)
}

// begin counts a call and returns the fault that it has, after it has hung.
func (f *Faulty) begin(ctx context.Context, op Op) (fault, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls[op]++
	for {
		now := f.faults[op]
		if now.hang == nil {
			return now, now.err
		}
		if err := f.wait(ctx, op, now.hang); err != nil {
			return fault{}, err
		}
	}
}

// wait hangs without the lock, which its caller holds.
func (f *Faulty) wait(ctx context.Context, op Op, h *hang) error {
	f.hanging[op]++
	unpark := tradeclock.Park(ctx)
	h.unpark = append(h.unpark, unpark)
	f.mu.Unlock()
	defer func() {
		unpark()
		f.mu.Lock()
		f.hanging[op]--
	}()
	select {
	case <-h.ended:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// ask makes a call that answers with a value, with the fault that it has.
func ask[T any](ctx context.Context, f *Faulty, op Op, call func() (T, error)) (T, error) {
	var none T
	found, err := f.begin(ctx, op)
	if err != nil {
		return none, err
	}
	answer, err := call()
	if found.lost {
		return none, ErrLostAnswer
	}
	return answer, err
}

// tell makes a call that answers with an error alone.
func (f *Faulty) tell(ctx context.Context, op Op, call func() error) error {
	_, err := ask(ctx, f, op, func() (struct{}, error) { return struct{}{}, call() })
	return err
}

// Schedules calls the store's.
func (f *Faulty) Schedules(ctx context.Context) ([]tradeclock.Schedule, error) {
	return ask(ctx, f, OpSchedules, func() ([]tradeclock.Schedule, error) { return f.store.Schedules(ctx) })
}

// Revision calls the store's.
func (f *Faulty) Revision(ctx context.Context) (string, error) {
	return ask(ctx, f, OpRevision, func() (string, error) { return f.store.Revision(ctx) })
}

// Changes calls the store's.
func (f *Faulty) Changes(ctx context.Context, since string) (store.ScheduleChanges, error) {
	return ask(ctx, f, OpChanges, func() (store.ScheduleChanges, error) { return f.store.Changes(ctx, since) })
}

// Lead calls the store's.
func (f *Faulty) Lead(ctx context.Context, scheduler, holder string, ttl time.Duration, trusted time.Time) (store.Term, error) {
	return ask(ctx, f, OpLead, func() (store.Term, error) { return f.store.Lead(ctx, scheduler, holder, ttl, trusted) })
}

// Resign calls the store's.
func (f *Faulty) Resign(ctx context.Context, t store.Term) error {
	return f.tell(ctx, OpResign, func() error { return f.store.Resign(ctx, t) })
}

// Resume calls the store's.
func (f *Faulty) Resume(ctx context.Context, t store.Term) (store.State, error) {
	return ask(ctx, f, OpResume, func() (store.State, error) { return f.store.Resume(ctx, t) })
}

// Enroll calls the store's.
func (f *Faulty) Enroll(ctx context.Context, t store.Term, accounts []store.Enrolment) error {
	return f.tell(ctx, OpEnroll, func() error { return f.store.Enroll(ctx, t, accounts) })
}

// Withdraw calls the store's.
func (f *Faulty) Withdraw(ctx context.Context, t store.Term, gone store.Enrolment) error {
	return f.tell(ctx, OpWithdraw, func() error { return f.store.Withdraw(ctx, t, gone) })
}

// Claim calls the store's.
func (f *Faulty) Claim(ctx context.Context, t store.Term, runs []tradeclock.Run) ([]store.Claim, error) {
	return ask(ctx, f, OpClaim, func() ([]store.Claim, error) { return f.store.Claim(ctx, t, runs) })
}

// Reclaim calls the store's.
func (f *Faulty) Reclaim(ctx context.Context, t store.Term, old string, run tradeclock.Run) (store.Claim, error) {
	return ask(ctx, f, OpReclaim, func() (store.Claim, error) { return f.store.Reclaim(ctx, t, old, run) })
}

// Release calls the store's.
func (f *Faulty) Release(ctx context.Context, t store.Term, runs []tradeclock.Run) error {
	return f.tell(ctx, OpRelease, func() error { return f.store.Release(ctx, t, runs) })
}

// Record calls the store's.
func (f *Faulty) Record(ctx context.Context, t store.Term, outcomes []tradeclock.Run, to time.Time) error {
	return f.tell(ctx, OpRecord, func() error { return f.store.Record(ctx, t, outcomes, to) })
}

// Settle calls the store's.
func (f *Faulty) Settle(ctx context.Context, runs []tradeclock.Run) ([]store.SettleResult, error) {
	return ask(ctx, f, OpSettle, func() ([]store.SettleResult, error) { return f.store.Settle(ctx, runs) })
}

// Runs calls the store's.
func (f *Faulty) Runs(ctx context.Context, q store.Query) ([]tradeclock.Run, error) {
	return ask(ctx, f, OpRuns, func() ([]tradeclock.Run, error) { return f.store.Runs(ctx, q) })
}

// Tallies calls the store's.
func (f *Faulty) Tallies(ctx context.Context, q store.TallyQuery) ([]store.Tally, error) {
	return ask(ctx, f, OpTallies, func() ([]store.Tally, error) { return f.store.Tallies(ctx, q) })
}

// Schedulers calls the store's.
func (f *Faulty) Schedulers(ctx context.Context) ([]store.TermState, error) {
	return ask(ctx, f, OpSchedulers, func() ([]store.TermState, error) { return f.store.Schedulers(ctx) })
}

// Enrolments calls the store's.
func (f *Faulty) Enrolments(ctx context.Context, q store.EnrolmentQuery) ([]store.EnrolledAccount, error) {
	return ask(ctx, f, OpEnrolments, func() ([]store.EnrolledAccount, error) { return f.store.Enrolments(ctx, q) })
}

// Halts calls the store's.
func (f *Faulty) Halts(ctx context.Context, scheduler string) ([]store.Halt, error) {
	return ask(ctx, f, OpHalts, func() ([]store.Halt, error) { return f.store.Halts(ctx, scheduler) })
}

// Halt calls the store's.
func (f *Faulty) Halt(ctx context.Context, h store.Halt) error {
	return f.tell(ctx, OpHalt, func() error { return f.store.Halt(ctx, h) })
}

// Lift calls the store's.
func (f *Faulty) Lift(ctx context.Context, h store.Halt) error {
	return f.tell(ctx, OpLift, func() error { return f.store.Lift(ctx, h) })
}

// Ask calls the store's.
func (f *Faulty) Ask(ctx context.Context, r request.Request) (request.Request, error) {
	return ask(ctx, f, OpAsk, func() (request.Request, error) { return f.store.Ask(ctx, r) })
}

// Take calls the store's.
func (f *Faulty) Take(ctx context.Context, t store.Term) ([]request.Request, error) {
	return ask(ctx, f, OpTake, func() ([]request.Request, error) { return f.store.Take(ctx, t) })
}

// Answer calls the store's.
func (f *Faulty) Answer(ctx context.Context, t store.Term, r request.Request) error {
	return f.tell(ctx, OpAnswer, func() error { return f.store.Answer(ctx, t, r) })
}

// Requests calls the store's.
func (f *Faulty) Requests(ctx context.Context, q request.Query) ([]request.Request, error) {
	return ask(ctx, f, OpRequests, func() ([]request.Request, error) { return f.store.Requests(ctx, q) })
}

// Overrides is the store's.
func (f *Faulty) Overrides(ctx context.Context, q store.OverrideQuery) ([]store.Override, error) {
	return ask(ctx, f, OpOverrides, func() ([]store.Override, error) { return f.store.Overrides(ctx, q) })
}

// Override is the store's.
func (f *Faulty) Override(ctx context.Context, t store.Term, o store.Override) error {
	return f.tell(ctx, OpOverride, func() error { return f.store.Override(ctx, t, o) })
}

// Revoke is the store's.
func (f *Faulty) Revoke(ctx context.Context, t store.Term, o store.Override) error {
	return f.tell(ctx, OpRevoke, func() error { return f.store.Revoke(ctx, t, o) })
}

// ResetWatermark calls the store's.
func (f *Faulty) ResetWatermark(ctx context.Context, t store.Term, to time.Time, reason, actor string) error {
	return f.tell(ctx, OpResetWatermark, func() error { return f.store.ResetWatermark(ctx, t, to, reason, actor) })
}

// Prune calls the store's.
func (f *Faulty) Prune(ctx context.Context, scheduler string, before time.Time) (int, error) {
	return ask(ctx, f, OpPrune, func() (int, error) { return f.store.Prune(ctx, scheduler, before) })
}

// Beat calls the store's.
func (f *Faulty) Beat(ctx context.Context, hb tradeclock.Heartbeat) error {
	return f.tell(ctx, OpBeat, func() error { return f.store.Beat(ctx, hb) })
}

// Heartbeats calls the store's.
func (f *Faulty) Heartbeats(ctx context.Context, scheduler string) ([]store.ReceivedHeartbeat, error) {
	return ask(ctx, f, OpHeartbeats, func() ([]store.ReceivedHeartbeat, error) { return f.store.Heartbeats(ctx, scheduler) })
}
