package tradeclock

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/tradeclock/tradeclock/rule"
)

var (
	_ ScheduleStore   = (*Memory)(nil)
	_ ChangeLister    = (*Memory)(nil)
	_ Ledger          = (*Memory)(nil)
	_ History         = (*Memory)(nil)
	_ HaltStore       = (*Memory)(nil)
	_ Directory       = (*Memory)(nil)
	_ Resetter        = (*Memory)(nil)
	_ Pruner          = (*Memory)(nil)
	_ HeartbeatSink   = (*Memory)(nil)
	_ HeartbeatReader = (*Memory)(nil)
)

// Memory is a ScheduleStore, a Ledger with all its companions and a
// HeartbeatSink in one, all in memory: for tests, for simulations, and the
// ledger of a scheduler that is given none. What it holds ends with the process.
// It grows with each run until Prune is called. Make one with NewMemory. It is
// safe for concurrent use, by several schedulers too.
type Memory struct {
	clock Clock

	mu        sync.Mutex
	schedules map[ScheduleKey]*Schedule
	sorted    []*Schedule // those by task, then account; nil if that is to be done anew
	revision  string
	followed  map[string]int // how many after rules name a task
	edits     int64
	edited    []ScheduleKey            // by the last edits, in order
	ledgers   map[string]*memoryLedger // by scheduler name
	beats     map[beatKey]*memoryBeat
}

// editsKept is how many edits are remembered at least, to list what changed.
const editsKept = 10_000

type beatKey struct{ scheduler, instance string }

type memoryBeat struct {
	Heartbeat
	received time.Time
}

// NewMemory returns an empty store. Its clock tells when a term expires, how old
// a heartbeat is and when an edit was made; nil means the real one.
func NewMemory(clock Clock) *Memory {
	if clock == nil {
		clock = clockwork.NewRealClock()
	}
	return &Memory{
		clock:     clock,
		revision:  "0",
		schedules: make(map[ScheduleKey]*Schedule),
		followed:  make(map[string]int),
		ledgers:   make(map[string]*memoryLedger),
		beats:     make(map[beatKey]*memoryBeat),
	}
}

// InMemory returns the store: its methods wait for nothing.
func (m *Memory) InMemory() any { return m }

// Schedules returns the rows by task, then account.
func (m *Memory) Schedules(context.Context) ([]Schedule, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.rows(), nil
}

// Revision changes with each edit of a row.
func (m *Memory) Revision(context.Context) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.revision, nil
}

// Changes returns the rows that were edited since a revision, if that is not too many
// edits ago.
func (m *Memory) Changes(_ context.Context, since string) (ScheduleChanges, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	from, err := strconv.ParseInt(since, 10, 64)
	missed := m.edits - from
	if err != nil || missed < 0 || missed > int64(len(m.edited)) {
		return ScheduleChanges{}, fmt.Errorf("changes since revision %q: %w", since, ErrRevisionUnknown)
	}
	changes := ScheduleChanges{Revision: m.revision}
	keys := slices.Clone(m.edited[len(m.edited)-int(missed):])
	slices.SortFunc(keys, ScheduleKey.Compare)
	for _, key := range slices.Compact(keys) {
		if s, ok := m.schedules[key]; ok {
			changes.Rows = append(changes.Rows, detached(*s))
		} else {
			changes.Removed = append(changes.Removed, key)
		}
	}
	return changes, nil
}

// PutSchedule adds the row of a task and account, or replaces it whatever its
// version, and returns it with the Since, Prior and Version that Edited gives
// it. It refuses what ValidateSchedules reports of the rows that would result.
func (m *Memory) PutSchedule(_ context.Context, s Schedule) (Schedule, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.put(s)
}

// UpdateSchedule makes an edit in the row of a task and account, and returns the
// row. The version is that of the row from which the edit was made: the error is
// a *ConflictError if the row has another, and wraps ErrNoSchedule if there is
// no row. It refuses what PutSchedule refuses.
func (m *Memory) UpdateSchedule(_ context.Context, account, task string, version int64, edit ScheduleEdit) (Schedule, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := ScheduleKey{Task: task, Account: account}
	kept := m.schedules[key]
	if kept == nil {
		return Schedule{}, fmt.Errorf("update schedule of %s: %w", key, ErrNoSchedule)
	}
	if kept.Version != version {
		return Schedule{}, &ConflictError{Task: task, Account: account, Have: kept.Version, Want: version}
	}
	row := *kept
	edit.Apply(&row)
	return m.put(row)
}

// SeedSchedules adds those of the default rows that are missing and returns
// their number. A row that exists stays as it is, edited or disabled. It adds
// none of them if it refuses one, for what PutSchedule refuses.
func (m *Memory) SeedSchedules(_ context.Context, defaults ...Schedule) (added int, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var missing []Schedule
	for _, s := range defaults {
		if _, ok := m.schedules[s.Key()]; !ok {
			s.Prior = nil
			missing = append(missing, s)
		}
	}
	if len(missing) == 0 {
		return 0, nil
	}
	if err := ValidateSchedules(append(m.rows(), missing...), nil); err != nil {
		return 0, fmt.Errorf("seed schedules: %w", err)
	}
	for _, s := range missing {
		m.keep(s)
	}
	return len(missing), nil
}

// DeleteSchedule removes the row of a task and account. The error wraps
// ErrNoSchedule if there is none. It refuses to remove a row that an after rule
// of another needs.
func (m *Memory) DeleteSchedule(_ context.Context, account, task string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := ScheduleKey{Task: task, Account: account}
	if _, ok := m.schedules[key]; !ok {
		return fmt.Errorf("delete schedule of %s: %w", key, ErrNoSchedule)
	}
	if m.followed[task] > 0 {
		if err := ValidateSchedules(m.rowsWithout(key), nil); err != nil {
			return fmt.Errorf("delete schedule of %s: %w", key, err)
		}
	}
	m.countFollower(m.schedules[key], -1)
	delete(m.schedules, key)
	m.sorted = nil
	m.revise(key)
	return nil
}

func (m *Memory) put(s Schedule) (Schedule, error) {
	s.Prior = nil
	rows := []Schedule{s}
	if _, _, ok := rule.Follows(s.Rule); ok || m.followed[s.Task] > 0 {
		rows = append(m.rowsWithout(s.Key()), s)
	}
	if err := ValidateSchedules(rows, nil); err != nil {
		return Schedule{}, fmt.Errorf("edit schedule of %s: %w", s.Key(), err)
	}
	return m.keep(s), nil
}

func (m *Memory) keep(s Schedule) Schedule {
	kept := m.schedules[s.Key()]
	if kept == nil {
		kept = new(Schedule)
		m.schedules[s.Key()] = kept
		m.sorted = nil
	}
	m.countFollower(kept, -1)
	*kept = detached(s.Edited(*kept, m.clock.Now()))
	m.countFollower(kept, 1)
	m.revise(s.Key())
	return detached(*kept)
}

// countFollower counts the row by the task that its rule comes after, if it is such
// a rule.
func (m *Memory) countFollower(s *Schedule, n int) {
	if task, _, ok := rule.Follows(s.Rule); ok {
		m.followed[task] += n
	}
}

func (m *Memory) revise(edited ScheduleKey) {
	m.edits++
	m.revision = strconv.FormatInt(m.edits, 10)
	if len(m.edited) == 2*editsKept {
		m.edited = append(m.edited[:0], m.edited[editsKept:]...)
	}
	m.edited = append(m.edited, edited)
}

func (m *Memory) rows() []Schedule { return m.rowsWithout(ScheduleKey{}) }

func (m *Memory) rowsWithout(but ScheduleKey) []Schedule {
	if m.sorted == nil {
		m.sorted = slices.SortedFunc(maps.Values(m.schedules), func(a, b *Schedule) int { return a.Key().Compare(b.Key()) })
	}
	rows := make([]Schedule, 0, len(m.sorted)+1)
	for _, s := range m.sorted {
		if s.Key() != but {
			rows = append(rows, detached(*s))
		}
	}
	return rows
}

// detached returns s with nothing that it shares with the original.
func detached(s Schedule) Schedule {
	if s.CatchUpUntil != nil {
		until := *s.CatchUpUntil
		s.CatchUpUntil = &until
	}
	return s
}

// Beat keeps the heartbeat as the last one of its instance.
func (m *Memory) Beat(_ context.Context, hb Heartbeat) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := beatKey{hb.Scheduler, hb.Instance}
	beat := m.beats[key]
	if beat == nil {
		beat = new(memoryBeat)
		m.beats[key] = beat
	}
	// The slices of the last heartbeat are used again, so that a beat costs no
	// allocation.
	hb.Degraded = append(beat.Degraded[:0], hb.Degraded...)
	hb.Running = append(beat.Running[:0], hb.Running...)
	beat.Heartbeat, beat.received = hb, m.clock.Now()
	return nil
}

// Heartbeats returns the last heartbeat of each instance of the scheduler, the
// newest first.
func (m *Memory) Heartbeats(_ context.Context, scheduler string) ([]ReceivedHeartbeat, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.clock.Now()
	var beats []ReceivedHeartbeat
	for key, beat := range m.beats {
		if key.scheduler != scheduler {
			continue
		}
		hb := beat.Heartbeat
		hb.Degraded, hb.Running = slices.Clone(hb.Degraded), slices.Clone(hb.Running)
		beats = append(beats, ReceivedHeartbeat{Heartbeat: hb, Age: now.Sub(beat.received)})
	}
	slices.SortFunc(beats, func(a, b ReceivedHeartbeat) int {
		return cmp.Or(cmp.Compare(a.Age, b.Age), cmp.Compare(a.Instance, b.Instance))
	})
	return beats, nil
}
