package memstore

import (
	"context"
	"fmt"
	"slices"

	"github.com/tradeclock/tradeclock/request"
	"github.com/tradeclock/tradeclock/store"
)

// mostTaken is how many requests a call of Take returns at most.
const mostTaken = 100

// Ask stores a request, or returns the one that is stored with its ID.
func (s *Store) Ask(_ context.Context, r request.Request) (request.Request, error) {
	if err := r.Validate(); err != nil {
		return request.Request{}, fmt.Errorf("ask: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.requests[r.ID]; known != nil {
		return *known, nil
	}
	r = r.Filled(s.clock.Now())
	s.requests[r.ID] = &r
	l := s.ledger(r.Scheduler)
	at, _ := slices.BinarySearchFunc(l.requests, &r, compareRequests)
	l.requests = slices.Insert(l.requests, at, &r)
	l.open++
	return r, nil
}

// compareRequests orders requests by when they were asked.
func compareRequests(a, b *request.Request) int { return a.Compare(*b) }

// Take returns the open requests, and marks them as taken by the term.
func (s *Store) Take(_ context.Context, t store.Term) ([]request.Request, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, err := s.fenced(t)
	if err != nil {
		return nil, fmt.Errorf("take requests: %w", err)
	}
	if l.open == 0 {
		return nil, nil
	}
	var taken []request.Request
	for _, r := range l.requests {
		if !r.Open() {
			continue
		}
		if len(taken) == mostTaken {
			break
		}
		taken = append(taken, *r)
		r.Term = t.Number
	}
	return taken, nil
}

// Answer stores the answer of a request that has none.
func (s *Store) Answer(_ context.Context, t store.Term, r request.Request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, err := s.fenced(t)
	if err != nil {
		return fmt.Errorf("answer request %s: %w", r.ID, err)
	}
	known := s.requests[r.ID]
	if known == nil || known.Scheduler != t.Scheduler || !known.Open() {
		return nil
	}
	l.open--
	known.Answer, known.Text, known.RunID, known.Answered = r.Answer, r.Text, r.RunID, r.Answered
	return nil
}

// Requests returns the selected requests, the newest first.
func (s *Store) Requests(_ context.Context, q request.Query) ([]request.Request, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*request.Request
	for name, l := range s.ledgers {
		if q.Scheduler == "" || q.Scheduler == name {
			all = append(all, l.requests...)
		}
	}
	slices.SortFunc(all, func(a, b *request.Request) int { return -compareRequests(a, b) })
	limit := q.Limit
	if limit <= 0 {
		limit = request.DefaultLimit
	}
	var found []request.Request
	for _, r := range all {
		if len(found) < limit && q.Selects(*r) {
			found = append(found, *r)
		}
	}
	return found, nil
}
