// Package memstore keeps in memory all that a scheduler stores: for tests and simulations,
// as what it holds ends with the process. The package sqlstore has the same for a service,
// which is to know after a restart what ran.
//
// It owns rows of schedules, runs, terms, enrolments, halts, overrides, requests and heartbeats, and decides
// nothing but what the interfaces of the scheduler ask of a store, among them who may lead
// and which slot is free. It is told these by schedulers and people, answers without
// waiting, and asks nobody but its clock. It imports the scheduler, calendar, request and rule.
package memstore

import (
	"sync"

	"github.com/jonboulle/clockwork"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/request"
)

var (
	_ tradeclock.ScheduleStore   = (*Store)(nil)
	_ tradeclock.ChangeLister    = (*Store)(nil)
	_ tradeclock.ScheduleEditor  = (*Store)(nil)
	_ tradeclock.Ledger          = (*Store)(nil)
	_ tradeclock.History         = (*Store)(nil)
	_ tradeclock.HaltStore       = (*Store)(nil)
	_ tradeclock.Directory       = (*Store)(nil)
	_ tradeclock.RequestStore    = (*Store)(nil)
	_ tradeclock.OverrideStore   = (*Store)(nil)
	_ tradeclock.Auditor         = (*Store)(nil)
	_ tradeclock.Resetter        = (*Store)(nil)
	_ tradeclock.Pruner          = (*Store)(nil)
	_ tradeclock.HeartbeatSink   = (*Store)(nil)
	_ tradeclock.HeartbeatReader = (*Store)(nil)
)

// Store is a tradeclock.ScheduleStore, a tradeclock.Ledger with all its companions and a
// tradeclock.HeartbeatSink in one. It grows with each run until Prune is called. Make one
// with New. It is safe for concurrent use, by several schedulers too.
type Store struct {
	clock tradeclock.Clock

	mu        sync.Mutex
	schedules map[tradeclock.ScheduleKey]*tradeclock.Schedule
	sorted    []*tradeclock.Schedule // those by task, then account; nil if that is to be done anew
	revision  string
	followed  map[string]int // how many after rules name a task
	edits     int64
	edited    []tradeclock.ScheduleKey // by the last edits, in order
	guard     tradeclock.EditGuard     // nil allows all
	audit     []audited                // in order
	ledgers   map[string]*ledger       // by scheduler name
	beats     map[beatKey]*lastBeat
	requests  map[string]*request.Request
}

// New returns an empty store. Its clock tells when a term expires, how old a heartbeat is
// and when an edit was made; nil means the real one.
func New(clock tradeclock.Clock) *Store {
	if clock == nil {
		clock = clockwork.NewRealClock()
	}
	return &Store{
		clock:     clock,
		revision:  "0",
		schedules: make(map[tradeclock.ScheduleKey]*tradeclock.Schedule),
		followed:  make(map[string]int),
		ledgers:   make(map[string]*ledger),
		beats:     make(map[beatKey]*lastBeat),
		requests:  make(map[string]*request.Request),
	}
}

// InMemory returns the store: its methods wait for nothing.
func (s *Store) InMemory() any { return s }
