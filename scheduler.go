package tradeclock

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/engine"
	"github.com/tradeclock/tradeclock/internal/quiet"
	"github.com/tradeclock/tradeclock/internal/vet"
	"github.com/tradeclock/tradeclock/internal/why"
	"github.com/tradeclock/tradeclock/request"
	"github.com/tradeclock/tradeclock/store"
)

// Defaults and bounds of the scheduler.
const (
	DefaultTermLength   = 30 * time.Second
	DefaultDrainTimeout = 30 * time.Second

	pollBound    = 2 * time.Second  // a tick waits no longer for a store
	ledgerBound  = 10 * time.Second // a call to the ledger is given up after it
	leakGrace    = 5 * time.Second  // what was cancelled may take this long to return
	confirmAfter = time.Second      // the second wake
	retryFirst   = time.Second
	retryLast    = 5 * time.Second // something due may wait for it, and catch-ups are short
	fullBatch    = 4096            // of settlements: what a database takes best
)

// Errors of a scheduler.
var (
	// ErrRunning is returned by a second Run, by a Run after Close, and by a Close
	// while Run goes on.
	ErrRunning = errors.New("the scheduler runs already, or has run")
	// ErrStopped is returned by calls after Run has ended, and is the cause with
	// which the contexts of running tasks end when the drain is over.
	ErrStopped = errors.New(why.SchedulerStopped)
)

// UnifiedTaskScheduler runs the tasks of a service's accounts at the right
// minutes of every trading day. Make one with New. All methods are safe for
// concurrent use.
type UnifiedTaskScheduler struct {
	cfg      Config
	clock    Clock
	loc      *time.Location
	log      *slog.Logger
	holder   string           // this instance, unique
	calendar *watchedCalendar // of rows that name none

	activity   *quiet.Activity
	events     announcers
	lanes      lanes
	wake       *quiet.Bell         // of the loop
	pulse      *quiet.Bell         // of the heartbeat
	keeping    *quiet.Bell         // of the term's keeper
	asking     *quiet.Bell         // of who answers requests
	history    store.History       // nil if the ledger has none
	halting    store.HaltStore     // nil if the ledger has none
	requested  store.RequestStore  // nil if the ledger has none
	overriding store.OverrideStore // nil if the ledger has none

	mu      sync.Mutex // taken before the locks of the announcer and of the activity
	ticking bool       // a tick goes on, or what excludes one
	// startedBefore is how many runs had started when IdleUntil was last asked.
	startedBefore int64
	life          life

	engine *engine.Engine // decides; what it answers is done with act

	sched     schedules
	term      tenure
	almost    almosts
	dispatch  dispatch
	arming    arming
	running   running
	returned  returned
	books     books
	releasing releasing
	texts     texts // of IDs and tokens
	control   control
	requests  requests
	overrides overrides
	health    health
}

// life is how far the scheduler is between New and the end of Run.
type life struct {
	running  bool      // Run or Close was called
	began    time.Time // when Run was
	draining bool      // it is coming to its end
	ended    bool
	crashed  atomic.Bool
	stop     func() // ends the context of Run's loop, once Run was called
	// stopKeeper ends the goroutine that renews the term, and waits for it. It is
	// used by the goroutine of Run, or of Close, alone.
	stopKeeper func()
}

// New makes a scheduler. It starts nothing. Everything that is wrong with the
// configuration is reported in one error, each problem naming its field.
func New(cfg Config) (*UnifiedTaskScheduler, error) {
	if err := cfg.check(); err != nil {
		return nil, fmt.Errorf("tradeclock: %w", err)
	}
	cfg = cfg.withDefaults()
	s := &UnifiedTaskScheduler{
		cfg:    cfg,
		clock:  cfg.Clock,
		loc:    cfg.Location,
		holder: cfg.Instance + "/" + rand.Text()[:12],
	}
	s.log = slog.New(livingLog{cfg.Logger.With("scheduler", cfg.Name).Handler(), &s.life.crashed})
	s.history, _ = cfg.Ledger.(store.History)
	s.halting, _ = cfg.Ledger.(store.HaltStore)
	s.requested, _ = cfg.Ledger.(store.RequestStore)
	s.overriding, _ = cfg.Ledger.(store.OverrideStore)
	s.activity = quiet.New(cfg.Clock)
	s.events = newAnnouncers(cfg.Observers, s.log, s.activity)
	s.lanes = newLanes(cfg, s.activity)
	s.wake, s.pulse, s.keeping, s.asking = s.activity.NewBell(), s.activity.NewBell(), s.activity.NewBell(), s.activity.NewBell()
	s.calendar = s.watch(vet.NewCalendar(cfg.Calendar, cfg.Location))
	s.sched.watched = []*watchedCalendar{s.calendar}
	s.sched.named, s.sched.notFound = make(map[string]*watchedCalendar), make(map[string]error)
	s.almost = almosts{make(map[string][]string), make(map[string]int)}
	s.engine = engine.New(engine.Config{
		Facts: facts{s}, MaxConcurrent: cfg.MaxConcurrent, Limits: startLimits(cfg.StartLimits), ArmAhead: cfg.ArmAhead,
		Remembers: s.history != nil,
	})
	s.health.conditions = make(map[string]string)
	s.health.notices = make(map[string][]string)
	s.control.halts, s.control.unstored = make(map[string]store.Halt), make(map[string]store.Halt)
	s.requests.answered = make(map[string]request.Request)
	if cfg.Executor != nil {
		known, lists := listTasks(cfg.Executor)
		s.enrol(cfg.Account, cfg.Executor, known, lists, s.clock.Now())
		s.almost.note(cfg.Account, almostExecutor(cfg.Executor))
	}
	s.reportAlmost()
	s.warn()
	return s, nil
}

// warn logs what New accepts and an operator should know.
func (s *UnifiedTaskScheduler) warn() {
	if s.lanes.claim.IsDirect() {
		s.log.Warn("the ledger is in memory: after a restart, tasks that ran may run again")
	}
	if s.calendar.Name() == calendar.WeekdaysName {
		s.log.Warn("no exchange calendar is configured: holidays are not known", "calendar", s.calendar.Name(), "location", s.loc.String())
	}
	if takeover := s.cfg.TermLength + takeoverWithin; takeover > store.DefaultCatchUp {
		s.log.Warn("a takeover may take longer than the default catch-up: runs that are due meanwhile are missed",
			"takeover", takeover, "catch_up", store.DefaultCatchUp)
	}
}

// Run runs the scheduler until ctx ends: a tick at each minute of the wall clock
// and whenever something finer is due, and a heartbeat each minute. It then
// starts nothing new, gives running tasks Config.DrainTimeout, ends their
// contexts, stops the executors, resigns the term, and returns nil, or a
// *LeakError that names what did not return. It installs no signal handler. A
// scheduler runs once: a second Run returns ErrRunning.
func (s *UnifiedTaskScheduler) Run(ctx context.Context) error {
	s.mu.Lock()
	if s.life.running {
		s.mu.Unlock()
		return ErrRunning
	}
	s.life.running, s.life.began = true, s.clock.Now()
	// Both loops go on through the drain, which outlives ctx.
	after := context.WithoutCancel(ctx)
	ctx, s.life.stop = context.WithCancel(ctx)
	defer s.life.stop()
	s.mu.Unlock()

	s.pulse.Ring()
	s.keeping.Ring()
	stopBeating := s.activity.Background(after, s.beatLoop)
	s.life.stopKeeper = s.activity.Background(after, s.keepLoop)

	stopAnswering := s.answerInBackground(ctx)

	s.wake.Ring()
	for s.wake.Wait(ctx) {
		s.mu.Lock()
		s.oneTick(ctx)
		s.mu.Unlock()
		s.wake.RingAfter(s.untilNextWake())
	}

	s.activity.Begin()
	defer s.activity.End()
	s.wake.Close()
	stopAnswering()
	err := s.drain(after)
	stopBeating()
	if s.life.crashed.Load() {
		s.life.stopKeeper()
		return ErrCrashed
	}
	return s.finish(after, err)
}
