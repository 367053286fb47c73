// Package dashboard is a page on a scheduler for those who run it: the day as a timeline, runs
// with their reasons, schedules with what an edit would change, accounts, calendars, instances,
// halts, requests and the audit. It is an http.Handler that a service mounts beside its own.
//
// It owns nothing. It is told what a View, a store and a calendar answer, by each request anew,
// and answers with pages that work without JavaScript. It writes only what somebody orders by a
// form: edits of schedules, halts and requests.
package dashboard

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/view"
)

// Config says what a dashboard shows, and to whom. View and Authorize are required.
//
// What the values of View are beside what it requires is found by itself, and what they are not
// is not shown: a Schedules that is a store.ScheduleEditor can be edited, and a Ledger has
// accounts if it is a store.Directory, halts if it is a store.HaltStore, requests if
// it is a store.RequestStore, overrides if it is a store.OverrideStore, and an audit if it is a store.Auditor.
type Config struct {
	// View says which scheduler is shown, and from which stores.
	View view.Config
	// Heartbeats reads the instances. Nil means that they are not shown.
	Heartbeats store.HeartbeatReader
	// Authorize says who may do what, and by which name. Required.
	Authorize Authorize
	// Prefix is the path under which the handler is mounted, as in "/tradeclock", if whoever
	// mounts it does not strip it. Empty means that requests come without one. Links are
	// relative, so that a proxy may add another.
	Prefix string
	// TrustedOrigins are the other origins, as in "https://desk.example", whose pages may
	// order something. Empty means none.
	TrustedOrigins []string
	// Title is shown in place of the scheduler's name.
	Title string
	// Timeout bounds what a page waits for stores, on the clock of View. Zero means two
	// seconds.
	Timeout time.Duration
	// Logger is told who ordered what, and of what broke. Nil means slog.Default.
	Logger *slog.Logger
}

const (
	timeoutDefault = 2 * time.Second
	placesOfCalls  = 64
)

// Dashboard is the handler. Make one with New. It is safe for concurrent use if what it was
// configured with is.
type Dashboard struct {
	cfg      Config
	name     string
	view     *view.View
	calendar calendar.Calendar
	loc      *time.Location
	clock    clockwork.Clock
	log      *slog.Logger
	crossing *http.CrossOriginProtection
	places   chan struct{} // of the goroutines in which stores are asked
	closing  sync.Mutex    // is held by Close
	closed   chan struct{}

	editor    store.ScheduleEditor // nil if the store is none, as are those below
	directory store.Directory
	halts     store.HaltStore
	requests  store.RequestStore
	overrides store.OverrideStore
	auditor   store.Auditor
}

// New makes a dashboard. Everything that is wrong with the configuration is reported in one
// error, each problem naming its field.
func New(cfg Config) (*Dashboard, error) {
	v, err := view.New(cfg.View)
	errs := []error{err}
	bad := func(field, format string, args ...any) {
		errs = append(errs, fmt.Errorf("field %s: %s", field, fmt.Sprintf(format, args...)))
	}
	if cfg.Authorize == nil {
		bad("Authorize", "it is required: it says who may see and order what")
	}
	if cfg.Prefix != "" && (!strings.HasPrefix(cfg.Prefix, "/") || strings.HasSuffix(cfg.Prefix, "/")) {
		bad("Prefix", "%q does not begin with a slash and end without one", cfg.Prefix)
	}
	if cfg.Timeout < 0 {
		bad("Timeout", "%v is negative", cfg.Timeout)
	}
	crossing := http.NewCrossOriginProtection()
	for _, origin := range cfg.TrustedOrigins {
		if err := crossing.AddTrustedOrigin(origin); err != nil {
			bad("TrustedOrigins", "%v", err)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("dashboard: %w", err)
	}
	d := &Dashboard{
		cfg: cfg, name: cmp.Or(cfg.View.Name, "tradeclock"), view: v, crossing: crossing, log: cfg.Logger,
		places: make(chan struct{}, placesOfCalls), closed: make(chan struct{}),
	}
	d.setDefaults()
	return d, nil
}

// setDefaults finds what the configuration leaves open.
func (d *Dashboard) setDefaults() {
	of := d.cfg.View
	d.cfg.Timeout = cmp.Or(d.cfg.Timeout, timeoutDefault)
	if d.log == nil {
		d.log = slog.Default()
	}
	if d.clock = of.Clock; d.clock == nil {
		d.clock = clockwork.NewRealClock()
	}
	d.loc = of.Location
	if d.calendar = of.Calendar; d.calendar == nil {
		d.calendar = calendar.Weekdays(cmp.Or(d.loc, time.UTC))
	}
	d.loc = cmp.Or(d.loc, d.calendar.Location())
	d.editor, _ = of.Schedules.(store.ScheduleEditor)
	d.directory, _ = of.Ledger.(store.Directory)
	d.halts, _ = of.Ledger.(store.HaltStore)
	d.requests, _ = of.Ledger.(store.RequestStore)
	d.overrides, _ = of.Ledger.(store.OverrideStore)
	d.auditor, _ = of.Ledger.(store.Auditor)
}

// Close waits until no call of a store that a request made goes on, or until ctx ends, and
// returns its cause then. From then on the dashboard answers that it is closed. It is for after
// http.Server.Shutdown, and may be called again.
func (d *Dashboard) Close(ctx context.Context) error {
	d.closing.Lock()
	defer d.closing.Unlock()
	if !d.isClosed() {
		close(d.closed)
	}
	for range placesOfCalls {
		select {
		case d.places <- struct{}{}:
			defer func() { <-d.places }()
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

func (d *Dashboard) isClosed() bool {
	select {
	case <-d.closed:
		return true
	default:
		return false
	}
}
