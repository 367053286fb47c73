package world

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/store"
)

// Database is where a world keeps what must last: a store with all that tradeclock asks of
// one. Its calls are made one at a time.
type Database interface {
	tradeclock.ScheduleStore
	store.ChangeLister
	tradeclock.Ledger
	store.History
	store.HaltStore
	store.RequestStore
	store.OverrideStore
	store.Auditor
	tradeclock.HeartbeatSink
	store.Pruner
	store.Resetter
	PutSchedule(ctx context.Context, by store.By, row tradeclock.Schedule) (tradeclock.Schedule, error)
}

// whole is the context of a call that has reached the database: nothing cuts it short.
var whole = context.Background()

// Errors of broken calls.
var (
	errRefused = errors.New("the store refused the call")
	errLost    = errors.New("the answer was lost")
)

// store is the way of one process to the world's store: every call of it may go
// wrong. What reached the store is told to the world's book.
type faulty struct {
	p    *process
	last map[string]any           // the answers of reads, for stale ones
	read map[query]map[string]int // the outcomes of the last reading of history
}

var (
	_ tradeclock.ScheduleStore = (*faulty)(nil)
	_ store.ChangeLister       = (*faulty)(nil)
	_ tradeclock.Ledger        = (*faulty)(nil)
	_ store.HaltStore          = (*faulty)(nil)
	_ store.OverrideStore      = (*faulty)(nil)
	_ store.Resetter           = (*faulty)(nil)
	_ tradeclock.HeartbeatSink = (*faulty)(nil)
)

// ask makes a call with the fault that the world has for it. The key is what the
// call is about.
func ask[T any](ctx context.Context, st *faulty, op, key string, call func() (T, error)) (T, error) {
	var none T
	p, w := st.p, st.p.w
	if p.dead {
		return none, errDead
	}
	fault, takes := w.faultOf(p, op, key)
	if err := before(ctx, p, op, fault, takes); err != nil {
		return none, err
	}
	if p.dead {
		return none, errDead
	}
	if fault == stale {
		if old, ok := st.last[op].(T); ok {
			return old, nil
		}
	}
	answer, err := call()
	switch {
	case err == nil:
		st.last[op] = answer
	case !isAnswer(err):
		w.violate("the store works", fmt.Sprintf("%s: %v", op, err))
	}
	return after(ctx, p, op, fault, takes, answer, err)
}

// isAnswer reports whether an error is one that a store answers with.
func isAnswer(err error) bool {
	return errors.Is(err, store.ErrDeposed) || errors.As(err, new(*store.HeldError)) || errors.As(err, new(*store.TakenError))
}

// before does what a fault does to a call that has not reached the store.
func before(ctx context.Context, p *process, op, fault string, takes time.Duration) error {
	switch fault {
	case refuse, partition:
		return errRefused
	case hang:
		p.pause(ctx, 20*time.Minute)
		return errRefused
	case deaf:
		p.pause(context.Background(), takes)
	case slow, "":
		if takes > 0 && p.pause(ctx, takes) {
			return context.Cause(ctx)
		}
	case crashBefore:
		p.w.crash(p, p.w.now+takes)
	case stopBefore:
		p.w.stop(p, 0, true)
		if p.pause(ctx, takes) {
			return context.Cause(ctx)
		}
	case nonsense:
		if op == "Claim" || op == "Record" {
			return store.ErrDeposed
		}
	}
	return nil
}

// after does what a fault does to the answer of a call that reached the store.
func after[T any](ctx context.Context, p *process, op, fault string, takes time.Duration, answer T, err error) (T, error) {
	var none T
	switch fault {
	case lose:
		return none, errLost
	case swallow:
		p.pause(ctx, 20*time.Minute)
		return none, errLost
	case crashAfter:
		p.w.crash(p, p.w.now+takes)
		return none, errDead
	case stopAfter:
		p.w.stop(p, 0, true)
		if p.pause(ctx, takes) {
			return none, errLost
		}
	case freezeAfter:
		p.freeze(p.w.now+takes, false)
		p.pause(context.Background(), time.Millisecond)
	case nonsense:
		return none, nil
	}
	return answer, err
}

// tell makes a call that answers with an error alone.
func (st *faulty) tell(ctx context.Context, op, key string, call func() error) error {
	_, err := ask(ctx, st, op, key, func() (struct{}, error) { return struct{}{}, call() })
	return err
}

// Schedules reads the rows.
func (st *faulty) Schedules(ctx context.Context) ([]tradeclock.Schedule, error) {
	rows, err := readRows(ctx, st, "", func() ([]tradeclock.Schedule, error) { return st.p.w.database.Schedules(whole) })
	if err != nil {
		return nil, err
	}
	return append(slices.Clone(rows), st.p.w.script.users()...), st.p.w.script.unread()
}

// Changes reads the rows that changed since a revision.
func (st *faulty) Changes(ctx context.Context, since string) (store.ScheduleChanges, error) {
	return readRows(ctx, st, "changes", func() (store.ScheduleChanges, error) { return st.p.w.database.Changes(whole, since) })
}

// readRows reads some or all of the rows. What the process was given is noted once it
// has it.
func readRows[T any](ctx context.Context, st *faulty, key string, read func() (T, error)) (T, error) {
	version := 0
	rows, err := ask(ctx, st, "Schedules", key, func() (T, error) {
		version = st.p.w.book.rows.latest()
		return read()
	})
	if err == nil && version > 0 {
		st.p.w.book.rows.saw(st.p, version)
	}
	return rows, err
}

// Revision tells whether the rows changed.
func (st *faulty) Revision(ctx context.Context) (string, error) {
	return ask(ctx, st, "Schedules", "revision", func() (string, error) { return st.p.w.database.Revision(whole) })
}

// Lead takes or renews the term.
func (st *faulty) Lead(ctx context.Context, scheduler, holder string, ttl time.Duration, trusted time.Time) (store.Term, error) {
	st.p.w.knowHolder(st.p, holder)
	asked := st.p.w.now
	st.p.unanswered = true
	term, err := ask(ctx, st, "Lead", "", func() (store.Term, error) {
		term, err := st.p.w.database.Lead(whole, scheduler, holder, ttl, trusted)
		st.p.w.book.led(st.p, holder, term, ttl, trusted, err)
		return term, err
	})
	told := err == nil || errors.As(err, new(*store.HeldError))
	st.p.unanswered = !told || st.p.w.now-asked >= ttl/3 // nobody waits for it any more
	return term, err
}

// Resign ends the term.
func (st *faulty) Resign(ctx context.Context, t store.Term) error {
	return st.tell(ctx, "Resign", "", func() error {
		err := st.p.w.database.Resign(whole, t)
		st.p.w.book.resigned(t, err)
		return err
	})
}

// Resume reads what a term starts from.
func (st *faulty) Resume(ctx context.Context, t store.Term) (store.State, error) {
	return ask(ctx, st, "Resume", "", func() (store.State, error) {
		state, err := st.p.w.database.Resume(whole, t)
		st.p.w.book.fenced("Resume", t, err)
		return state, err
	})
}

// Enroll notes accounts.
func (st *faulty) Enroll(ctx context.Context, t store.Term, accounts []store.Enrolment) error {
	return st.tell(ctx, "Enroll", accounts[0].Account, func() error {
		err := st.p.w.database.Enroll(whole, t, accounts)
		st.p.w.book.enrolled(t, accounts, err)
		return err
	})
}

// Withdraw notes that an account is not served any more.
func (st *faulty) Withdraw(ctx context.Context, t store.Term, gone store.Enrolment) error {
	return st.tell(ctx, "Enroll", gone.Account, func() error {
		err := st.p.w.database.Withdraw(whole, t, gone)
		st.p.w.book.fenced("Withdraw", t, err)
		return err
	})
}

// Claim claims runs.
func (st *faulty) Claim(ctx context.Context, t store.Term, runs []tradeclock.Run) ([]store.Claim, error) {
	asked := st.p.w.now
	claims, err := ask(ctx, st, "Claim", st.p.w.book.plain(&runs[0]), func() ([]store.Claim, error) {
		claims, err := st.p.w.database.Claim(whole, t, runs)
		st.p.w.book.claimed(st.p, t, runs, claims, err)
		return claims, err
	})
	if err == nil && st.p.w.now-asked < time.Second {
		st.p.w.book.answered(runs)
	}
	return claims, err
}

// Reclaim claims a run that was interrupted.
func (st *faulty) Reclaim(ctx context.Context, t store.Term, old string, run tradeclock.Run) (store.Claim, error) {
	return ask(ctx, st, "Claim", st.p.w.book.plain(&run), func() (store.Claim, error) {
		claim, err := st.p.w.database.Reclaim(whole, t, old, run)
		st.p.w.book.reclaimed(st.p, t, old, run, claim, err)
		return claim, err
	})
}

// Release gives back claims.
func (st *faulty) Release(ctx context.Context, t store.Term, runs []tradeclock.Run) error {
	return st.tell(ctx, "Release", st.p.w.book.plain(&runs[0]), func() error {
		err := st.p.w.database.Release(whole, t, runs)
		st.p.w.book.released(st.p, t, runs, err)
		return err
	})
}

// Record adds rows and moves the watermark.
func (st *faulty) Record(ctx context.Context, t store.Term, outcomes []tradeclock.Run, to time.Time) error {
	return st.tell(ctx, "Record", "", func() error {
		err := st.p.w.database.Record(whole, t, outcomes, to)
		st.p.w.book.recorded(st.p, t, outcomes, to, err)
		return err
	})
}

// Settle stores outcomes.
func (st *faulty) Settle(ctx context.Context, runs []tradeclock.Run) ([]store.SettleResult, error) {
	return ask(ctx, st, "Settle", st.p.w.book.plain(&runs[0]), func() ([]store.SettleResult, error) {
		results, err := st.p.w.database.Settle(whole, runs)
		st.p.w.book.settled(st.p, runs, results, err)
		return results, err
	})
}

// ResetWatermark sets the watermark back.
func (st *faulty) ResetWatermark(ctx context.Context, t store.Term, to time.Time, reason, actor string) error {
	return st.tell(ctx, "Reset", "", func() error {
		err := st.p.w.database.ResetWatermark(whole, t, to, reason, actor)
		st.p.w.book.reset(t, to, err)
		return err
	})
}

// Beat receives a heartbeat.
func (st *faulty) Beat(ctx context.Context, hb tradeclock.Heartbeat) error {
	st.p.w.book.beat(st.p, hb)
	st.p.beating++
	defer func() { st.p.beating--; st.p.beat = max(st.p.beat, st.p.now()) }()
	return st.tell(ctx, "Beat", "", func() error { return st.p.w.database.Beat(whole, hb) })
}
