package exchange

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/tradeclock/tradeclock/calendar"
)

// DefaultInterval is how often a Watcher reads its files again.
const DefaultInterval = 30 * time.Second

// WatcherConfig says what a Watcher watches.
type WatcherConfig struct {
	// Path is a directory, or a single file, of the kinds that LoadFS reads.
	// Required.
	Path string
	// Clock is the source of time. Nil means the real clock.
	Clock clockwork.Clock
	// Interval is the time from one reading to the next. Zero means
	// DefaultInterval.
	Interval time.Duration
	// Logger gets what changed and what was refused. Nil means slog.Default.
	Logger *slog.Logger
}

// Watcher keeps calendars up to date with files that people edit. It reads them
// again at an interval, while Run runs, and whenever Refresh is called.
//
// What it reads is checked whole before it replaces anything. It is refused, and
// the calendars stay as they are, if it is not what LoadFS takes, and if it has
// shrunk: a file or a calendar is gone, a coverage has lost dates, or a file has
// fewer rows (dated days, if it is JSON) than before. To take back an override, add
// a row of the status withdrawn. A row may go when its date does not count any more,
// which is so from February of the year after it: until then a rule such as one on
// the 3rd session of a week or the last of a year depends on it. A file that lost
// the rows at its end, or all of them, is cut off, and is refused whatever their
// dates. A market whose time zone is another one is refused too. A new Watcher takes
// whatever is there, as LoadFS does.
//
// All methods are safe for concurrent use.
type Watcher struct {
	path     string
	clock    clockwork.Clock
	interval time.Duration
	log      *slog.Logger

	refreshing sync.Mutex // held by the one refresh that goes on
	set        atomic.Pointer[Set]
	trouble    atomic.Pointer[error]
}

// NewWatcher reads the files and returns a Watcher of them. The error is that of
// LoadDir or LoadFile if they cannot be taken as they are.
func NewWatcher(cfg WatcherConfig) (*Watcher, error) {
	switch {
	case cfg.Path == "":
		return nil, errors.New("watcher: Path: a directory or a file is required")
	case cfg.Interval < 0:
		return nil, fmt.Errorf("watcher: Interval: %s is negative", cfg.Interval)
	case cfg.Interval == 0:
		cfg.Interval = DefaultInterval
	}
	if cfg.Clock == nil {
		cfg.Clock = clockwork.NewRealClock()
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	w := &Watcher{
		path: cfg.Path, clock: cfg.Clock, interval: cfg.Interval,
		log: cfg.Logger.With("calendars", cfg.Path),
	}
	files, err := readPath(w.path)
	if err != nil {
		return nil, fmt.Errorf("calendars in %s: %w", w.path, err)
	}
	set, err := newSet(files)
	if err != nil {
		return nil, fmt.Errorf("calendars in %s: %w", w.path, err)
	}
	w.set.Store(set)
	w.logDoubts(nil, set.doubts)
	return w, nil
}

// Run reads the files again at each interval until ctx ends, and returns nil
// then. What is refused is logged, and kept for DataError. It starts no goroutine.
func (w *Watcher) Run(ctx context.Context) error {
	ticker := w.clock.NewTicker(w.interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.Chan():
			_ = w.Refresh() // it is logged
		}
	}
}

// Refresh reads the files again now. If they are refused, it returns why, and the
// calendars stay as they are.
func (w *Watcher) Refresh() error {
	w.refreshing.Lock()
	defer w.refreshing.Unlock()
	old := w.set.Load()
	set, err := w.read(old)
	if err != nil {
		err = fmt.Errorf("calendars in %s: %w", w.path, err)
		w.refuse(err)
		return err
	}
	if w.trouble.Swap(nil) != nil {
		w.log.Info("the calendar files are well again")
	}
	if set != old {
		w.set.Store(set)
		w.logChanges(old, set)
		w.logDoubts(old.doubts, set.doubts)
	}
	return nil
}

// read returns the set of the files as they are now: the old one if they are what
// it was made of.
func (w *Watcher) read(old *Set) (*Set, error) {
	files, err := readPath(w.path)
	if err != nil {
		return nil, err
	}
	if old.isOf(files) {
		return old, nil
	}
	set, err := newSet(files)
	if err != nil {
		return nil, err
	}
	if err := set.checkShrunk(old, w.clock.Now()); err != nil {
		return nil, err
	}
	return set, nil
}

// refuse keeps the error, and logs it unless it is the one before.
func (w *Watcher) refuse(err error) {
	before := w.DataError()
	w.trouble.Store(&err)
	if before == nil || before.Error() != err.Error() {
		w.log.Error("the calendar files are refused; the calendars stay as they were", "error", err)
	}
}

func (w *Watcher) logChanges(old, set *Set) {
	for _, name := range slices.Sorted(maps.Keys(set.calendars)) {
		is, was := set.calendars[name].Version(), ""
		if c, err := old.Calendar(name); err == nil {
			was = c.Version()
		}
		if is != was {
			w.log.Info("a calendar changed", "calendar", name, "version", is, "was", was)
		}
	}
}

// logDoubts logs what is doubted now and was not before.
func (w *Watcher) logDoubts(before, now []string) {
	for _, doubt := range now {
		if !slices.Contains(before, doubt) {
			w.log.Warn("a holiday list may lack a day; please confirm", "doubt", doubt)
		}
	}
}

// DataError returns why the files were refused when they were last read, or nil.
func (w *Watcher) DataError() error {
	if err := w.trouble.Load(); err != nil {
		return *err
	}
	return nil
}

// Set returns the calendars as they are now.
func (w *Watcher) Set() *Set { return w.set.Load() }

// Calendar returns a calendar that follows the files. The error for a name that
// no calendar has wraps ErrUnknownCalendar.
func (w *Watcher) Calendar(name string) (*Live, error) {
	c, err := w.Set().Calendar(name)
	if err != nil {
		return nil, err
	}
	return &Live{name: c.Name(), watcher: w}, nil
}

// Lookup is Calendar in the form that a scheduler's configuration takes, to find
// the calendars that schedules name, with those of calendar.ByName.
func (w *Watcher) Lookup(name string) (calendar.Calendar, error) { return lookup(name, w.Calendar) }
