package memstore

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/tradeclock/tradeclock/store"
)

// Lead takes the scheduler's term, or renews it.
func (s *Store) Lead(_ context.Context, scheduler, holder string, ttl time.Duration, trusted time.Time) (store.Term, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, now := s.ledger(scheduler), s.clock.Now()
	if l.leading && l.term.Holder != holder {
		if left := l.expires.Sub(now); left > 0 {
			return store.Term{}, &store.HeldError{Term: l.term, Left: left}
		}
		l.leading = false
	}
	if !l.leading {
		l.term = store.Term{Scheduler: scheduler, Holder: holder, Number: l.term.Number + 1}
		l.leading = true
		l.starts = append(l.starts, l.watermark)
	}
	l.expires = now.Add(ttl)
	if trusted.After(l.trusted[l.term.Number]) {
		l.trusted[l.term.Number] = trusted
	}
	return l.term, nil
}

// Resign ends the term at once, if it is the current one.
func (s *Store) Resign(_ context.Context, t store.Term) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l, err := s.fenced(t); err == nil {
		l.leading = false
	}
	return nil
}

// Resume returns what the holder of a new term starts from.
func (s *Store) Resume(_ context.Context, t store.Term) (store.State, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, err := s.fenced(t)
	if err != nil {
		return store.State{}, err
	}
	state := store.State{Watermark: l.watermark}
	for _, account := range slices.Sorted(maps.Keys(l.enrolments)) {
		state.Enrolments = append(state.Enrolments, l.resumed(l.enrolments[account]))
	}
	for row := range l.rows.all() {
		if row.Outcome.Open() && row.Term < t.Number {
			state.Unsettled = append(state.Unsettled, copyOf(row))
			l.noteTrusted(&state, row.Term)
			continue
		}
		if row.Outcome == store.Interrupted && row.RerunUntil.After(l.watermark) {
			state.Interrupted = append(state.Interrupted, copyOf(row))
		}
		if row.Through().After(l.aheadOf(row.Account)) {
			state.Ahead = append(state.Ahead, copyOf(row))
		}
	}
	slices.SortFunc(state.Unsettled, inOrder)
	slices.SortFunc(state.Interrupted, inOrder)
	slices.SortFunc(state.Ahead, inOrder)
	return state, nil
}

// noteTrusted tells until when the holder of a term trusted it, if that is known.
func (l *ledger) noteTrusted(state *store.State, term int64) {
	until, known := l.trusted[term]
	if !known {
		return
	}
	if state.Trusted == nil {
		state.Trusted = make(map[int64]time.Time)
	}
	state.Trusted[term] = until
}

// aheadOf is the instant after which the rows of an account are ahead.
func (l *ledger) aheadOf(account string) time.Time {
	if e := l.enrolments[account]; !e.Returned.IsZero() && e.From.Before(l.watermark) {
		return e.From
	}
	return l.watermark
}

// resumed returns the enrolment with the instant up to which the account was
// served: the last term that enrolled it served it until the next one began.
func (l *ledger) resumed(e enrolment) store.Enrolment {
	if !e.Withdrawn.IsZero() || !e.Returned.IsZero() {
		return e.Enrolment
	}
	served := l.watermark
	if e.term < l.term.Number {
		served = l.starts[e.term] // the start of the term after it
	}
	if served.After(e.From) {
		e.From = served
	}
	return e.Enrolment
}

// Enroll notes that the term serves accounts.
func (s *Store) Enroll(_ context.Context, t store.Term, accounts []store.Enrolment) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, err := s.fenced(t)
	if err != nil {
		return err
	}
	for _, a := range accounts {
		l.enrolments[a.Account] = enrolment{a, t.Number}
	}
	return nil
}

// Withdraw notes that an account is not served any more.
func (s *Store) Withdraw(_ context.Context, t store.Term, gone store.Enrolment) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, err := s.fenced(t)
	if err != nil {
		return err
	}
	if e, ok := l.enrolments[gone.Account]; ok {
		e.From, e.Withdrawn, e.Returned = gone.From, gone.Withdrawn, time.Time{}
		l.enrolments[gone.Account] = e
	}
	return nil
}
