// Package memstore keeps in memory all that a scheduler stores: for tests and simulations,
// as what it holds ends with the process. The package sqlstore has the same for a service,
// which is to know after a restart what ran.
//
// It owns rows of schedules, runs, terms, enrolments, halts, overrides, requests and heartbeats, and decides
// nothing but what the interfaces of the package store ask of a store, among them who may lead
// and which slot is free. It is told these by schedulers and people, answers without
// waiting, and asks nobody but its clock. It imports store,
// calendar, request, rule and internal/vet.
package memstore

import (
	"sync"

	"github.com/jonboulle/clockwork"

	"github.com/tradeclock/tradeclock/request"
	"github.com/tradeclock/tradeclock/store"
)

var (
	_ store.ScheduleStore   = (*Store)(nil)
	_ store.ChangeLister    = (*Store)(nil)
	_ store.ScheduleEditor  = (*Store)(nil)
	_ store.Ledger          = (*Store)(nil)
	_ store.History         = (*Store)(nil)
	_ store.Tallier         = (*Store)(nil)
	_ store.HaltStore       = (*Store)(nil)
	_ store.Directory       = (*Store)(nil)
	_ store.RequestStore    = (*Store)(nil)
	_ store.OverrideStore   = (*Store)(nil)
	_ store.Auditor         = (*Store)(nil)
	_ store.Resetter        = (*Store)(nil)
	_ store.Pruner          = (*Store)(nil)
	_ store.HeartbeatSink   = (*Store)(nil)
	_ store.HeartbeatReader = (*Store)(nil)
)

// Store is a store.ScheduleStore, a store.Ledger with all its companions and a
// store.HeartbeatSink in one. It grows with each run until Prune is called. Make one
// with New. It is safe for concurrent use, by several schedulers too.
type Store struct {
	clock clockwork.Clock

	mu        sync.Mutex
	schedules map[store.ScheduleKey]*store.Schedule
	sorted    []*store.Schedule // those by task, then account; nil if that is to be done anew
	revision  string
	followed  map[string]int // how many after rules name a task
	edits     int64
	edited    []store.ScheduleKey // by the last edits, in order
	guard     store.EditGuard     // nil allows all
	audit     []audited           // in order
	ledgers   map[string]*ledger  // by scheduler name
	beats     map[beatKey]*lastBeat
	requests  map[string]*request.Request
}

// New returns an empty store. Its clock tells when a term expires, how old a heartbeat is
// and when an edit was made; nil means the real one.
func New(clock clockwork.Clock) *Store {
	if clock == nil {
		clock = clockwork.NewRealClock()
	}
	return &Store{
		clock:     clock,
		revision:  "0",
		schedules: make(map[store.ScheduleKey]*store.Schedule),
		followed:  make(map[string]int),
		ledgers:   make(map[string]*ledger),
		beats:     make(map[beatKey]*lastBeat),
		requests:  make(map[string]*request.Request),
	}
}

// InMemory returns the store: its methods wait for nothing.
func (s *Store) InMemory() any { return s }
