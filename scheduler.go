package tradeclock

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/engine"
	"github.com/tradeclock/tradeclock/internal/naming"
	"github.com/tradeclock/tradeclock/internal/plan"
	"github.com/tradeclock/tradeclock/internal/quiet"
)

// Config says what a scheduler works with. Schedules is required, and so is an
// executor, here or by Enroll.
type Config struct {
	// Name is the scheduler's name. One scheduler of a name is active in a ledger,
	// and the name is part of each run's identity. Empty means "tradeclock".
	Name string
	// Executor executes the tasks of Account. Further accounts are added by Enroll.
	// An Account without an Executor is refused; an Executor without an Account
	// serves the account with the empty name.
	Executor TaskExecutor
	Account  string
	// Schedules says what runs when. Required.
	Schedules ScheduleStore
	// Ledger keeps the runs. Required: that of the package sqlstore in a service, and of
	// memstore, which forgets them when the process ends, in a test.
	Ledger Ledger
	// Heartbeats receives a heartbeat a minute. Nil means none are sent.
	Heartbeats HeartbeatSink
	// Calendar tells the trading days. Nil means Weekdays in Location.
	Calendar calendar.Calendar
	// Calendars finds the further calendars that rows may name, such as
	// exchange.Lookup, for a service that trades several markets. What it finds has
	// the name that was asked for and is asked for once. Nil means that rows may name
	// Calendar alone. A row whose calendar is not found is quarantined.
	Calendars func(name string) (calendar.Calendar, error)
	// Location is the zone of the wall times and slots of rows that name no calendar;
	// those of the others are of their calendar's. Nil means that of Calendar, or UTC
	// if there is no calendar either. The host's zone never matters.
	Location *time.Location
	// Clock is the only source of time. Nil means the real clock.
	Clock Clock
	// Instance names this process in terms and heartbeats. Empty means the host's
	// name and the process's number. A random part is added to it.
	Instance string
	// MaxConcurrent bounds the runs that execute at once, over all accounts. Zero
	// means no bound.
	MaxConcurrent int
	// StartLimits bound how many runs start in a time, for the schedules that name
	// them. Nil means that no schedule may name one.
	StartLimits []StartLimit
	// TermLength is how long a term lasts if it is not renewed. Zero means 30
	// seconds.
	TermLength time.Duration
	// DrainTimeout is how long running tasks may go on when Run ends. Zero means 30
	// seconds.
	DrainTimeout time.Duration
	// Logger gets what happens. Nil means slog.Default.
	Logger *slog.Logger
	// Observer gets typed events. Nil means none.
	Observer Observer
}

// Defaults and bounds of the scheduler.
const (
	DefaultTermLength   = 30 * time.Second
	DefaultDrainTimeout = 30 * time.Second

	pollBound    = 2 * time.Second  // a tick waits no longer for a store
	ledgerBound  = 10 * time.Second // a call to the ledger is given up after it
	leakGrace    = 5 * time.Second  // what was cancelled may take this long to return
	stepLimit    = 5 * time.Minute  // a longer step of the clock is confirmed by a second wake
	confirmAfter = time.Second      // the second wake
	retryFirst   = time.Second
	retryLast    = 5 * time.Second // something due may wait for it, and catch-ups are short
	firstBatch   = 128             // of claims: the first runs of a burst start soon
	fullBatch    = 4096            // of claims and settlements: what a database takes best
	lineUpBatch  = 256
	badRunsLimit = 5 // skipped, missed or failed runs in a row that degrade health
)

// Errors of a scheduler.
var (
	// ErrRunning is returned by a second Run, by a Run after Close, and by a Close
	// while Run goes on.
	ErrRunning = errors.New("the scheduler runs already, or has run")
	// ErrStopped is returned by calls after Run has ended, and is the cause with
	// which the contexts of running tasks end when the drain is over.
	ErrStopped = errors.New("the scheduler has stopped")
)

// UnifiedTaskScheduler runs the tasks of a service's accounts at the right
// minutes of every trading day. Make one with New. All methods are safe for
// concurrent use.
type UnifiedTaskScheduler struct {
	cfg      Config
	clock    Clock
	loc      *time.Location
	log      *slog.Logger
	holder   string        // this instance, unique
	calendar *calendarView // of rows that name none

	activity *quiet.Activity
	events   announcer
	lanes    lanes
	wake     *quiet.Bell // of the loop
	pulse    *quiet.Bell // of the heartbeat
	keeping  *quiet.Bell // of the term's keeper
	history  History     // nil if the ledger has none
	halting  HaltStore   // nil if the ledger has none

	mu      sync.Mutex // taken before the locks of the announcer and of the activity
	ticking bool       // a tick goes on, or what excludes one
	life    life

	sched    schedules
	term     tenure
	plan     planState
	accounts accounts
	returned returned
	limits   engine.Limits
	queue    queue
	books    books
	releases releases
	control  control
	health   health
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

// planState is what the ticks have planned. Guarded by mu.
type planState struct {
	// upTo is the instant up to which everything is planned: the end of the last
	// range. Zero until a term has been resumed from.
	upTo time.Time
	// kept came due since, by rows that have been edited meanwhile.
	kept []plan.Occurrence
	// next is the first due instant after upTo: before it there is nothing to plan.
	next      time.Time
	nextFound bool // false if next is only the end of the horizon
	// far is the first due instant beyond the horizon if none is within it, or zero if
	// none is known. Until an instant it is not looked for again.
	far      time.Time
	farUntil time.Time
	lastTick time.Time
	// doubted is set by a wake that found the clock far ahead, until the next one.
	doubted bool
	steps   int // how often the clock stepped
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
	s.history, _ = cfg.Ledger.(History)
	s.halting, _ = cfg.Ledger.(HaltStore)
	s.activity = quiet.New(cfg.Clock)
	s.events = newAnnouncer(cfg.Observer, s.log, s.activity)
	s.lanes = newLanes(cfg, s.activity)
	s.wake, s.pulse, s.keeping = s.activity.NewBell(), s.activity.NewBell(), s.activity.NewBell()
	s.calendar = newCalendarView(cfg.Calendar, cfg.Location)
	s.openLanes(s.calendar)
	s.sched.watched = []*calendarView{s.calendar}
	s.sched.views, s.sched.notFound = make(map[string]*calendarView), make(map[string]error)
	s.accounts.byName, s.accounts.almost, s.accounts.said = make(map[string]*account), make(map[string][]string), make(map[string]int)
	s.limits = newLimits(cfg.StartLimits)
	s.queue.waiting = make(map[*pending]struct{})
	s.health.conditions = make(map[string]string)
	s.health.notices = make(map[string][]string)
	s.health.runs = newBadRuns()
	s.control.halts, s.control.unstored = make(map[string]Halt), make(map[string]Halt)
	if cfg.Executor != nil {
		known, lists := listTasks(cfg.Executor)
		s.accounts.add(cfg.Account, cfg.Executor, known, lists, s.clock.Now())
		s.accounts.noteAlmost(cfg.Account, almostExecutor(cfg.Executor))
	}
	s.reportAlmost()
	s.warn()
	return s, nil
}

func (cfg Config) check() error {
	var errs []error
	bad := func(field string, err error) { errs = append(errs, fmt.Errorf("field %s: %w", field, err)) }
	if cfg.Name != "" {
		if err := naming.Check(cfg.Name); err != nil {
			bad("Name", err)
		}
	}
	if cfg.Account != "" {
		if err := naming.Check(cfg.Account); err != nil {
			bad("Account", err)
		}
		if cfg.Executor == nil {
			bad("Executor", fmt.Errorf("account %q has none", cfg.Account))
		}
	}
	if cfg.Ledger == nil {
		bad("Ledger", errors.New("a ledger is required: take the package sqlstore in a service, and memstore in a test"))
	}
	switch fixed := cfg.Schedules.(type) {
	case nil:
		bad("Schedules", errors.New("a schedule store is required"))
	case fixedSchedules:
		if err := ValidateSchedules(fixed, cfg.Calendar); err != nil {
			bad("Schedules", err)
		}
		if err := cfg.checkCalendars(fixed); err != nil {
			bad("Schedules", err)
		}
		if err := cfg.checkStartLimits(fixed); err != nil {
			bad("Schedules", err)
		}
	}
	for _, l := range cfg.StartLimits {
		if err := l.check(); err != nil {
			bad("StartLimits", err)
		}
	}
	if cfg.Instance != "" {
		if err := naming.Check(cfg.Instance); err != nil {
			bad("Instance", err)
		}
	}
	if cfg.MaxConcurrent < 0 {
		bad("MaxConcurrent", fmt.Errorf("%d is negative", cfg.MaxConcurrent))
	}
	if cfg.TermLength != 0 && (cfg.TermLength < 3*time.Second || cfg.TermLength > 24*time.Hour) {
		bad("TermLength", fmt.Errorf("%v is not between 3s and 24h", cfg.TermLength))
	}
	if cfg.DrainTimeout < 0 {
		bad("DrainTimeout", fmt.Errorf("%v is negative", cfg.DrainTimeout))
	}
	if cfg.Calendar != nil && cfg.Calendar.Location() == nil && cfg.Location == nil {
		bad("Calendar", errors.New("it has no location, and neither has the configuration"))
	}
	return errors.Join(errs...)
}

// checkCalendars reports the rows that name a calendar which is not found.
func (cfg Config) checkCalendars(rows []Schedule) error {
	own := calendar.WeekdaysName
	if cfg.Calendar != nil {
		own = cfg.Calendar.Name()
	}
	var errs []error
	for _, r := range rows {
		if r.Calendar == "" || r.Calendar == own {
			continue
		}
		err := fmt.Errorf("there is no calendar %s beside %s", r.Calendar, own)
		if cfg.Calendars != nil {
			_, err = findView(cfg.Calendars, r.Calendar)
		}
		if err != nil {
			errs = append(errs, RowError{r.Task, r.Account, inField("Calendar", err)})
		}
	}
	return errors.Join(errs...)
}

// checkStartLimits reports the rows that name a limit which there is not.
func (cfg Config) checkStartLimits(rows []Schedule) error {
	limits := newLimits(cfg.StartLimits)
	var errs []error
	for _, r := range rows {
		if err := findLimit(limits, r.StartLimit); err != nil {
			errs = append(errs, RowError{r.Task, r.Account, err})
		}
	}
	return errors.Join(errs...)
}

func (cfg Config) withDefaults() Config {
	if cfg.Name == "" {
		cfg.Name = "tradeclock"
	}
	if cfg.Clock == nil {
		cfg.Clock = clockwork.NewRealClock()
	}
	if cfg.Location == nil {
		cfg.Location = time.UTC
		if cfg.Calendar != nil {
			cfg.Location = cfg.Calendar.Location()
		}
	}
	if cfg.Calendar == nil {
		cfg.Calendar = calendar.Weekdays(cfg.Location)
	}
	if cfg.Instance == "" {
		host, err := os.Hostname()
		if err != nil {
			host = "host"
		}
		cfg.Instance = fmt.Sprintf("%s-%d", host, os.Getpid())
	}
	if cfg.TermLength == 0 {
		cfg.TermLength = DefaultTermLength
	}
	if cfg.DrainTimeout == 0 {
		cfg.DrainTimeout = DefaultDrainTimeout
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	return cfg
}

// warn logs what New accepts and an operator should know.
func (s *UnifiedTaskScheduler) warn() {
	if s.lanes.claim.IsDirect() {
		s.log.Warn("the ledger is in memory: after a restart, tasks that ran may run again")
	}
	if s.calendar.name == calendar.WeekdaysName {
		s.log.Warn("no exchange calendar is configured: holidays are not known", "calendar", s.calendar.name, "location", s.loc.String())
	}
	if takeover := s.cfg.TermLength + takeoverWithin; takeover > DefaultCatchUp {
		s.log.Warn("a takeover may take longer than the default catch-up: runs that are due meanwhile are missed",
			"takeover", takeover, "catch_up", DefaultCatchUp)
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
	err := s.drain(after)
	stopBeating()
	if s.life.crashed.Load() {
		s.life.stopKeeper()
		return ErrCrashed
	}
	return s.finish(after, err)
}

// Tick does one minute's work at the clock's now, for tests, simulations and
// programs with a loop of their own: it takes or renews the term, polls the
// schedules, plans, claims, starts and beats. It returns when what could start
// has started, without waiting for it to finish; Quiesce does that. Call it once
// a minute: a tick that finds the clock more than five minutes further than the
// last one plans nothing yet, and leaves it to the next to confirm the clock. Ticks
// beside a Run, or at the same time, are allowed and do no harm.
//
// The error is that of ctx, or ErrStopped. What else goes wrong is retried by the
// next tick and told by Status.
func (s *UnifiedTaskScheduler) Tick(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.activity.Begin()
	defer s.activity.End()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.life.ended {
		return ErrStopped
	}
	s.oneTick(ctx)
	if s.dispatching() {
		s.awaitPump(ctx)
	}
	s.sendBeat(ctx)
	return ctx.Err()
}

// NextTick is when Run would tick next, for a program that calls Tick itself: at the
// next minute boundary of the wall clock, and earlier if something finer is due or is
// to be tried again.
func (s *UnifiedTaskScheduler) NextTick() time.Time { return s.clock.Now().Add(s.untilNextWake()) }

// untilNextWake is the time to the next minute boundary of the wall clock, or to
// the next occurrence if that is sooner, or to the next try of what failed and
// something due may wait for.
func (s *UnifiedTaskScheduler) untilNextWake() time.Duration {
	now := s.clock.Now()
	d := nextMinute(now).Sub(now)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.plan.doubted {
		return min(d, confirmAfter)
	}
	again := func(at time.Time) { d = min(d, max(at.Sub(now), retryFirst)) }
	if !s.sched.loaded {
		again(s.sched.retryAt)
	}
	if len(s.sched.notFound) > 0 {
		again(s.sched.lookAt)
	}
	for _, v := range s.sched.watched {
		if v.failing {
			again(v.retryAt)
		}
	}
	if next := s.plan.next; !next.IsZero() && next.After(now) {
		d = min(d, next.Sub(now))
	}
	return d
}

// oneTick polls, plans and dispatches. Only one goes on at a time. The caller is
// counted as active and holds mu, which is let go of while anything is asked that
// does not answer from memory.
func (s *UnifiedTaskScheduler) oneTick(ctx context.Context) {
	if s.takeTurn(ctx) != nil {
		return
	}
	defer s.giveTurn()
	now := s.clock.Now()
	s.noteWake(now)
	if !s.life.running { // or else the keeper does, which may wait for the ledger
		s.renewIfDue(ctx, now)
	}
	s.pollIfDue(ctx, now)
	s.storeHalts(ctx)
	s.refreshCalendars(ctx, now)
	if s.readHalts(ctx) != nil || ctx.Err() != nil {
		return // what was not heard out must not be planned by
	}
	s.planUpTo(s.clock.Now())
	s.tellBadRuns(now)
	s.recallRuns()
	s.control.fresh = !s.queue.pumping
	s.kick()
}

// takeTurn waits until no tick goes on, and keeps others from beginning until
// giveTurn is called. The error is that of ctx if it has ended first, or ErrCrashed. The
// caller of either is counted as active and holds mu.
func (s *UnifiedTaskScheduler) takeTurn(ctx context.Context) error {
	for s.ticking {
		if err := s.await(ctx, func() bool { return !s.ticking }); err != nil {
			return err
		}
		if s.life.crashed.Load() {
			return ErrCrashed // whoever ticks may not come back
		}
	}
	s.ticking = true
	return nil
}

func (s *UnifiedTaskScheduler) giveTurn() {
	s.ticking = false
	s.activity.Stir()
}

// noteWake notices a clock that was set, or a host that slept, since the last
// tick. On a clock without a monotonic reading, as a fake one, time that passed
// without a tick looks the same as a step forward. The caller holds mu.
func (s *UnifiedTaskScheduler) noteWake(now time.Time) {
	last := s.plan.lastTick
	s.plan.lastTick = now
	if last.IsZero() {
		return
	}
	wall, passed := now.Round(0).Sub(last.Round(0)), now.Sub(last)
	if monotonic := now != now.Round(0); !monotonic {
		passed = min(max(wall, 0), quiet.MaxWait)
	}
	step := wall - passed
	doubted := s.plan.doubted
	s.plan.doubted = false
	if step > -time.Second && step < quiet.MaxWait {
		return
	}
	s.plan.steps++
	s.log.Warn("the clock stepped, or the host slept", "from", last.UTC(), "to", now.UTC(), "by", step)
	s.events.tell(ClockStepped{From: last.UTC(), To: now.UTC(), By: step})
	s.plan.doubted = step > stepLimit && !doubted
}

// planUpTo plans what is due until now and puts it into the queue. It goes by the
// wall clock alone: an instant that kept a monotonic reading would be compared by
// that, and what a step of the clock passes over would be lost. The caller holds mu.
func (s *UnifiedTaskScheduler) planUpTo(now time.Time) {
	now = now.Round(0).UTC()
	p := &s.plan
	if !s.sched.loaded || !s.term.resumed || p.doubted {
		return
	}
	s.term.planned = true
	s.enqueueBehind(now)
	if now.Before(p.upTo) || now.Equal(p.upTo) && now.Before(p.next) {
		return
	}
	from := p.upTo
	var due []plan.Occurrence
	if !now.Before(p.next) {
		due = s.sched.plan.Between(from, now)
		s.sched.plan.Forget(now)
		p.next, p.nextFound = s.sched.plan.Next(now)
		if !p.nextFound && !now.Before(p.farUntil) {
			p.farUntil = now.AddDate(0, 0, plan.HorizonDays)
			p.far = s.sched.plan.Beyond(p.farUntil)
		}
	}
	if p.kept != nil {
		due = s.withKept(due, now)
	}
	s.enqueueRevised(from, now)
	s.sched.plan.MarkPlanned(due)
	s.enqueue(due, now)
	p.upTo = now
	if s.events.observer != nil {
		s.events.tell(Ticked{From: from, To: p.upTo})
	}
}
