package tradeclock

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/engine"
	"github.com/tradeclock/tradeclock/internal/naming"
	"github.com/tradeclock/tradeclock/internal/spelling"
	"github.com/tradeclock/tradeclock/internal/vet"
	"github.com/tradeclock/tradeclock/store"
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
	// the name that was asked for and is asked for once. Rows may also name those of
	// calendar.ByName, such as always-open and weekdays:Asia/Kolkata; nil means no others
	// beside Calendar. A row whose calendar is not found is quarantined.
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
	// ArmAhead is how long before it is due a run is armed: claimed in the ledger, so that
	// at its instant it starts by the clock alone, whatever the ledger does then. It is at
	// most a third of TermLength. Two and a half seconds are enough, and the half keeps the
	// claims from the seconds at which other runs are due. Zero arms nothing: each run is
	// claimed when it is due, and starts some milliseconds later.
	//
	// It has a price. Of a process that dies within ArmAhead before the instant, nobody can
	// tell whether it started what it had armed. Without arming the next holder of the term
	// would run it, within its catch-up; with it, what is delivered at most once is
	// interrupted, and the reason says that it may not have started.
	//
	// Schedules, calendars and halts are read for the last time half a second before the
	// instant: an order of another process that is stored later comes too late. What this
	// process is told holds at once.
	//
	// Armed is only what is sure to be admitted: not what has a Spread, a StartLimit or an
	// Exclusive group, whose task still goes on, whose account is halted or not ready, or
	// for which no place is left of MaxConcurrent. A program that calls Tick arms nothing.
	ArmAhead time.Duration
	// TermLength is how long a term lasts if it is not renewed. Zero means 30
	// seconds.
	TermLength time.Duration
	// DrainTimeout is how long running tasks may go on when Run ends. Zero means 30
	// seconds.
	DrainTimeout time.Duration
	// Logger gets what happens. Nil means slog.Default.
	Logger *slog.Logger
	// Observers get typed events, each by itself.
	Observers []Observer
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
	case store.Fixed:
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
		if err := l.Validate(); err != nil {
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
	cfg.checkLengths(bad)
	if i := slices.Index(cfg.Observers, nil); i >= 0 {
		bad("Observers", fmt.Errorf("number %d is nil", i+1))
	}
	if cfg.Calendar != nil && cfg.Calendar.Location() == nil && cfg.Location == nil {
		bad("Calendar", errors.New("it has no location, and neither has the configuration"))
	}
	return errors.Join(errs...)
}

func (cfg Config) checkLengths(bad func(field string, err error)) {
	if cfg.TermLength != 0 && (cfg.TermLength < 3*time.Second || cfg.TermLength > 24*time.Hour) {
		bad("TermLength", fmt.Errorf("%v is not between 3s and 24h", cfg.TermLength))
	}
	if most := cmp.Or(cfg.TermLength, DefaultTermLength) / 3; cfg.ArmAhead < 0 || cfg.ArmAhead > most {
		bad("ArmAhead", fmt.Errorf("%v is not between 0 and %v, a third of the term", cfg.ArmAhead, most))
	}
	if cfg.DrainTimeout < 0 {
		bad("DrainTimeout", fmt.Errorf("%v is negative", cfg.DrainTimeout))
	}
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
		if vet.MayFind(cfg.Calendars, r.Calendar) {
			_, err = vet.Find(cfg.Calendars, r.Calendar)
		}
		if err != nil {
			errs = append(errs, store.RowError{Task: r.Task, Account: r.Account, Err: vet.InField("Calendar", err)})
		}
	}
	return errors.Join(errs...)
}

// checkStartLimits reports the rows that name a limit which there is not.
func (cfg Config) checkStartLimits(rows []Schedule) error {
	limits := engine.NewLimits(startLimits(cfg.StartLimits))
	var errs []error
	for _, r := range rows {
		if err := findLimit(limits, r.StartLimit); err != nil {
			errs = append(errs, store.RowError{Task: r.Task, Account: r.Account, Err: err})
		}
	}
	return errors.Join(errs...)
}

func (cfg Config) withDefaults() Config {
	if cfg.Name == "" {
		cfg.Name = store.DefaultScheduler
	}
	if cfg.Clock == nil {
		cfg.Clock = clockwork.NewRealClock()
	}
	cfg.Calendar, cfg.Location = vet.Defaults(cfg.Calendar, cfg.Location)
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

// startLimits are the limits of a configuration as the engine knows them.
func startLimits(limits []StartLimit) []engine.Limit {
	counted := make([]engine.Limit, len(limits))
	for i, l := range limits {
		counted[i] = engine.Limit(l)
	}
	return counted
}

// limitOf finds the start limit that a row names, for vet.Rows.
func (s *UnifiedTaskScheduler) limitOf(name string) error { return findLimit(s.engine.Limits, name) }

// findLimit returns an error if there is no limit of a name.
func findLimit(limits engine.Limits, name string) error {
	if limits.Has(name) {
		return nil
	}
	return fmt.Errorf("StartLimit: the configuration has no limit %q%s", name, spelling.Hint(name, slices.Collect(maps.Keys(limits))))
}
