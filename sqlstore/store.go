package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"

	"github.com/jonboulle/clockwork"

	"github.com/tradeclock/tradeclock/rule"
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

// Store is a store.ScheduleStore, a store.Ledger with all its
// companions and a store.HeartbeatSink on one database. Make one with Open
// or OpenFile. It is safe for concurrent use by many schedulers, and several
// processes may each have one on the same database.
//
// The context of a call bounds it, except that SQLite itself waits up to five
// seconds for another process's write without looking at it.
type Store struct {
	db        *sql.DB
	owned     bool // the database is closed with the store
	dialect   dialect
	clock     clockwork.Clock // nil for that of the database
	parseRule func(text string) (rule.Rule, error)
	ownRules  bool            // the parser is the service's
	asItIs    bool            // opening changes nothing
	guard     store.EditGuard // nil allows all

	// writing admits one write of this store at a time, unless the database is a
	// server. They wait here in order and end with their contexts, where SQLite
	// would only try again and again.
	writing chan struct{}
}

// Option changes how a Store is opened.
type Option func(*Store)

// WithClock sets the clock that tells when a term expires, when a heartbeat was
// received and when a schedule was edited. The default is the clock of the
// PostgreSQL server, and that of the host for SQLite. It is for tests and replays:
// all processes on one database must have the same time.
func WithClock(clock clockwork.Clock) Option {
	return func(s *Store) { s.clock = clock }
}

// WithRuleParser sets the function that reads the rules of schedules from their
// text form, for a service with a rule.Rule of its own. The default is
// rule.Parse.
func WithRuleParser(parse func(text string) (rule.Rule, error)) Option {
	return func(s *Store) { s.parseRule, s.ownRules = parse, true }
}

// WithEditGuard has each edit of a schedule by this store allowed or refused. Other
// processes on the database have guards of their own, or none.
func WithEditGuard(guard store.EditGuard) Option {
	return func(s *Store) { s.guard = guard }
}

// WithoutMigration makes Open change nothing in the database: it neither makes nor updates
// tables, nor changes the mode of a SQLite file, and it may be read-only. It is for
// programs beside the service, which are not to decide when its tables change. The error of
// Open wraps ErrOlderSchema if they are not those of this version yet.
func WithoutMigration() Option {
	return func(s *Store) { s.asItIs = true }
}

// Open returns a store on a SQLite or PostgreSQL database that the caller opened,
// and goes on owning. It creates or updates the tables that it needs, in one
// transaction: several processes may open a database at once. The error wraps
// ErrNewerSchema if the tables are of a later version of this package, and ErrReadOnly
// if the database may not be written.
//
// On each connection to SQLite that the store takes from the pool it sets a busy timeout
// of five seconds and synchronous=FULL, so that what it has answered survives a
// loss of power, and it puts the database in WAL mode. A database in memory is
// refused unless the pool is limited to one connection, as each connection has
// one of its own. A file with pages that SQLite cannot make sense of is refused too,
// though of a file larger than 80 MB those with runs are not looked at.
func Open(ctx context.Context, db *sql.DB, opts ...Option) (*Store, error) {
	if db == nil {
		return nil, errors.New("open the tradeclock store: the database is nil")
	}
	s := &Store{
		db:        db,
		parseRule: rule.Parse,
		writing:   make(chan struct{}, 1),
	}
	for _, opt := range opts {
		opt(s)
	}
	var err error
	if s.dialect, err = dialectOf(ctx, db, s.asItIs); err != nil {
		return nil, fmt.Errorf("open the tradeclock store: %w", err)
	}
	if s.clock == nil && s.dialect.now == "" {
		s.clock = clockwork.NewRealClock()
	}
	bring := s.migrate
	if s.asItIs {
		bring = s.checkSchema
	}
	if err := bring(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// OpenFile returns a store on a SQLite file, which is created if there is none, in a
// folder that there is. The driver is the name that the service's SQLite driver
// registers, as in sqlite or sqlite3. An address or a URI is refused: that is for
// sql.Open. Close the store after use.
func OpenFile(ctx context.Context, driver, path string, opts ...Option) (*Store, error) {
	if err := checkPath(driver, path); err != nil {
		return nil, fmt.Errorf("open the tradeclock store: %w", err)
	}
	db, err := sql.Open(driver, "file:"+(&url.URL{Path: path}).EscapedPath())
	if err != nil {
		return nil, fmt.Errorf("open the tradeclock store %s: %w", path, err)
	}
	s, err := Open(ctx, db, opts...)
	if err != nil {
		db.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	s.owned = true
	return s, nil
}

// Close closes the database if the store opened it, as OpenFile does. A database
// that was handed to Open stays open.
func (s *Store) Close() error {
	if !s.owned {
		return nil
	}
	return s.db.Close()
}
