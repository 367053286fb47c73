package tradeclock

import (
	"time"

	"github.com/tradeclock/tradeclock/internal/quiet"
	"github.com/tradeclock/tradeclock/store"
)

// Ledger is the durable account of runs. The package store has what a ledger is asked, and the
// companions that it may have too.
type Ledger = store.Ledger

// Errors of a ledger, which the scheduler's methods wrap.
var (
	ErrUnknownAccount = store.ErrUnknownAccount
	ErrUnsupported    = store.ErrUnsupported
	ErrNoOccurrence   = store.ErrNoOccurrence
	ErrTooLate        = store.ErrTooLate
	ErrNoOverride     = store.ErrNoOverride
)

// lanes are the ways to the stores, to Config.Calendars and to what executors are asked. Those
// to a calendar are in its watchedCalendar.
type lanes struct {
	poll, lead, halts, order, claim, arm, manual, release, settle, record, enroll, beat, find, past, asked, eligible *quiet.Lane
}

func newLanes(cfg Config, a *quiet.Activity) lanes {
	memLedger, memBeats := inMemory(cfg.Ledger), inMemory(cfg.Heartbeats)
	_, fixed := cfg.Schedules.(store.Fixed)
	return lanes{
		poll:    a.NewLane("schedule store", fixed || inMemory(cfg.Schedules)),
		lead:    a.NewLane("ledger's terms", memLedger),
		halts:   a.NewLane("ledger's halts", memLedger),
		order:   a.NewLane("ledger's orders", memLedger),
		manual:  a.NewLane("ledger's manual claims", memLedger),
		claim:   a.NewLane("ledger's claims", memLedger),
		arm:     a.NewLane("ledger's claims ahead", memLedger),
		release: a.NewLane("ledger's releases", memLedger),
		settle:  a.NewLane("ledger's outcomes", memLedger),
		record:  a.NewLane("ledger's records", memLedger),
		enroll:  a.NewLane("ledger's enrolments", memLedger),
		beat:    a.NewTellingLane("heartbeat sink", memBeats || cfg.Heartbeats == nil),
		find:    a.NewLane("Config.Calendars", false),
		past:    a.NewLane("ledger's history", memLedger),
		asked:   a.NewLane("ledger's requests", memLedger),

		eligible: a.NewLane("executor's Eligible", false),
	}
}

// inMemory reports whether a store answers from memory.
func inMemory(kept any) bool {
	m, ok := kept.(store.InMemory)
	return ok && m.InMemory() == kept
}

// hanging names the lanes whose call has not returned, but for that of the heartbeat.
func (s *UnifiedTaskScheduler) hanging() []string {
	var names []string
	for _, l := range s.activity.Unreturned() {
		if l != s.lanes.beat {
			names = append(names, l.Name())
		}
	}
	return names
}

// nextRetry is the wait before the next try of what has failed, after one of d: it
// doubles up to a few seconds.
func nextRetry(d time.Duration) time.Duration { return min(max(2*d, retryFirst), retryLast) }
