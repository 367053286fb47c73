// Package view answers what people ask about a scheduler from its stores alone, in any
// process: the plan of a day, its runs, why one did or did not run, what an edit would change,
// and when a schedule is due.
package view

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/answer"
	"github.com/tradeclock/tradeclock/internal/naming"
	"github.com/tradeclock/tradeclock/internal/plan"
	"github.com/tradeclock/tradeclock/internal/vet"
	"github.com/tradeclock/tradeclock/store"
)

// Config says what a View answers from. Schedules and Ledger are required; Name,
// Calendar, Calendars and Location are to be those of the scheduler's Config.
type Config struct {
	// Name is the scheduler that is asked about. Empty means "tradeclock".
	Name string
	// Schedules says what runs when.
	Schedules store.ScheduleStore
	// Ledger has the runs. If it is a Directory, it also says who is enrolled and how far
	// the scheduler has come; if it is a Tallier, how many runs there are; if it is a
	// HaltStore, what is halted; and if it is an OverrideStore, what people have said of
	// single occurrences.
	Ledger store.History
	// Calendar tells the trading days. Nil means Weekdays in Location.
	Calendar calendar.Calendar
	// Calendars finds the further calendars that rows may name. Nil means there are none.
	Calendars func(name string) (calendar.Calendar, error)
	// Location is the zone of the wall times of rows that name no calendar. Nil means that
	// of Calendar, or UTC.
	Location *time.Location
	// Clock tells what is past. Nil means the real clock.
	Clock clockwork.Clock
}

// View answers what people ask about a scheduler from its stores alone: in any process,
// without an executor and without a term. It writes nothing. Its answers are as true as
// the stores: what waits in the scheduler's process is not in them yet, and a start limit
// that a row names is taken to be configured. However many accounts there are, an answer is
// in pages, each of which takes the memory of its own items and of one account's day. The
// calendars are asked in the caller's goroutine, and are to answer without waiting.
//
// Make one with New. It is safe for concurrent use if its stores and calendars are.
type View struct {
	name      string
	reader    *rowReader
	history   store.History
	tallier   store.Tallier       // nil if the ledger is none
	directory store.Directory     // nil if the ledger has none
	halts     store.HaltStore     // nil if the ledger has none
	overrides store.OverrideStore // nil if the ledger has none
	clock     clockwork.Clock
}

// New makes a View. Everything that is wrong with the configuration is reported in one
// error, each problem naming its field.
func New(cfg Config) (*View, error) {
	if err := cfg.check(); err != nil {
		return nil, fmt.Errorf("view: %w", err)
	}
	cfg = cfg.withDefaults()
	v := &View{name: cfg.Name, history: cfg.Ledger, clock: cfg.Clock}
	v.tallier, _ = cfg.Ledger.(store.Tallier)
	v.directory, _ = cfg.Ledger.(store.Directory)
	v.halts, _ = cfg.Ledger.(store.HaltStore)
	v.overrides, _ = cfg.Ledger.(store.OverrideStore)
	v.reader = &rowReader{
		store: cfg.Schedules, find: cfg.Calendars, own: vet.NewCalendar(cfg.Calendar, cfg.Location), views: make(map[string]*vet.Calendar),
	}
	return v, nil
}

func (cfg Config) withDefaults() Config {
	cfg.Name = cmp.Or(cfg.Name, store.DefaultScheduler)
	if cfg.Clock == nil {
		cfg.Clock = clockwork.NewRealClock()
	}
	cfg.Calendar, cfg.Location = vet.Defaults(cfg.Calendar, cfg.Location)
	return cfg
}

func (cfg Config) check() error {
	var errs []error
	bad := func(field, text string) { errs = append(errs, fmt.Errorf("field %s: %s", field, text)) }
	if cfg.Name != "" {
		if err := naming.Check(cfg.Name); err != nil {
			bad("Name", err.Error())
		}
	}
	if cfg.Schedules == nil {
		bad("Schedules", "a schedule store is required")
	}
	if cfg.Ledger == nil {
		bad("Ledger", "a ledger with a history is required")
	}
	if cfg.Calendar != nil && cfg.Calendar.Location() == nil && cfg.Location == nil {
		bad("Calendar", "it has no location, and neither has the configuration")
	}
	return errors.Join(errs...)
}

// The sizes of pages.
const (
	pageDefault = 100
	pageMost    = 1000
)

// pageSize is how many items a page has, of which limit are asked for.
func pageSize(limit int) int {
	if limit <= 0 {
		return pageDefault
	}
	return min(limit, pageMost)
}

// Runs returns a page of the scheduler's runs, whatever scheduler q names. A Limit of zero
// means 100, and one of more than 1000 means that. The next page is After the last run's
// Cursor; one that is shorter than the limit is the last.
func (v *View) Runs(ctx context.Context, q store.Query) ([]store.Run, error) {
	q.Scheduler, q.Limit = v.name, pageSize(q.Limit)
	return v.history.Runs(ctx, q)
}

// Tallies returns how many runs the scheduler has of each outcome, whatever scheduler q names.
// The error wraps store.ErrUnsupported if the ledger is no Tallier.
func (v *View) Tallies(ctx context.Context, q store.TallyQuery) ([]store.Tally, error) {
	if v.tallier == nil {
		return nil, fmt.Errorf("tallies: the ledger keeps none: %w", store.ErrUnsupported)
	}
	q.Scheduler = v.name
	return v.tallier.Tallies(ctx, q)
}

// Explain answers in one sentence why a task of an account did or did not run on a session
// date: what became of the occurrences that have a record, why others have none, since when
// a repeating task is silent, what is still to come, and when the next run is. The error
// says what could not be read.
func (v *View) Explain(ctx context.Context, account, task string, date calendar.Date) (string, error) {
	from := answer.Source{History: v.history, DueOn: v.dueOn, KnowledgeOf: v.knowledgeOf}
	return answer.Explain(ctx, from, answer.Question{Scheduler: v.name, Account: account, Task: task, Date: date})
}

// Timetable returns when a task of an account is due by the row that holds for it, and those
// that it follows. The error wraps store.ErrNoSchedule if there is none, and is what
// NewTimetable returns for a row that has no timetable.
func (v *View) Timetable(ctx context.Context, account, task string) (*Timetable, error) {
	rows, err := v.reader.read(ctx)
	if err != nil {
		return nil, fmt.Errorf("timetable of %s: %w", naming.Row(task, account), err)
	}
	r := rows.find(account, task)
	if r == nil {
		return nil, fmt.Errorf("timetable of %s: %w", naming.Row(task, account), cmp.Or(rows.why(account, task), store.ErrNoSchedule))
	}
	cal := r.View.Source
	if cal.Location() == nil || cal.Location().String() != r.View.Location().String() {
		cal = zoned{cal, r.View.Location()}
	}
	var followed []store.Schedule
	for base := r.BaseRow(); base != nil; base = base.BaseRow() {
		followed = append(followed, base.Stored())
	}
	return NewTimetable(r.Stored(), cal, followed...)
}

// zoned is a calendar whose wall times are those of another zone.
type zoned struct {
	calendar.Calendar
	loc *time.Location
}

func (z zoned) Location() *time.Location { return z.loc }

// PlanQuery says which part of a day's plan is asked for. The zero value is its first page.
type PlanQuery struct {
	// Account asks for one account. Empty means all, one after the other by name.
	Account string `json:"account,omitzero"`
	// Task asks for one task. Empty means all.
	Task string `json:"task,omitzero"`
	// After asks for what comes after an item: the Cursor of the last one of a page.
	After store.Cursor `json:"after,omitzero"`
	// Limit is the number of items at most. Zero means 100, and more than 1000 means that.
	Limit int `json:"limit,omitzero"`
}

// Plan returns a page of a session date's plan, account by account, each in the order in
// which it is due: the ledger's rows, and what the present schedules still bring up. One
// that is shorter than the limit is the last. The error wraps store.ErrUnknownAccount if the one
// that is asked for was never enrolled, and store.ErrUnsupported if the ledger has no Directory.
func (v *View) Plan(ctx context.Context, date calendar.Date, q PlanQuery) ([]store.AgendaItem, error) {
	failed := func(err error) ([]store.AgendaItem, error) { return nil, fmt.Errorf("plan of %v: %w", date, err) }
	if err := date.Validate(); err != nil {
		return failed(err)
	}
	if v.directory == nil {
		return failed(fmt.Errorf("the ledger is no directory: %w", store.ErrUnsupported))
	}
	p, err := v.newPlanner(ctx, date, q)
	if err != nil {
		return failed(err)
	}
	for e, err := range v.enrolments(ctx, q) {
		if err != nil {
			return failed(err)
		}
		full, err := p.add(ctx, e)
		if err != nil {
			return failed(err)
		}
		if full {
			break
		}
	}
	return p.items, nil
}

// planner puts a page of a plan together.
type planner struct {
	*View
	query  PlanQuery
	date   calendar.Date
	rows   *rowSet
	said   *plan.Overrides
	shared []plan.Occurrence // of the rows that name no account
	term   store.TermState
	limit  int
	items  []store.AgendaItem
}

func (v *View) newPlanner(ctx context.Context, date calendar.Date, q PlanQuery) (*planner, error) {
	rows, err := v.reader.read(ctx)
	if err != nil {
		return nil, err
	}
	term, err := v.termState(ctx)
	if err != nil {
		return nil, err
	}
	said, err := v.overridesOn(ctx, date, date)
	if err != nil {
		return nil, err
	}
	p := &planner{View: v, query: q, date: date, rows: rows, said: said, term: term, limit: pageSize(q.Limit)}
	p.shared = rows.dueOn(ctx, p.ofTask(rows.of[""]), date, said)
	return p, nil
}

// ofTask returns those of the rows that are asked for.
func (p *planner) ofTask(rows []*vet.Row) []*vet.Row {
	if p.query.Task == "" {
		return rows
	}
	return slices.DeleteFunc(slices.Clone(rows), func(r *vet.Row) bool { return r.Task != p.query.Task })
}

// add adds what an account has on the day, and reports whether the page is full.
func (p *planner) add(ctx context.Context, e store.EnrolledAccount) (full bool, err error) {
	runs, err := p.history.Runs(ctx, store.Query{Scheduler: p.name, Account: e.Account, Task: p.query.Task, From: p.date, To: p.date})
	if err != nil {
		return false, err
	}
	runs = slices.DeleteFunc(runs, func(r store.Run) bool { return r.Account != e.Account })
	day := answer.Day{UpTo: p.term.Watermark, Rows: p.rows.byKey}
	if !e.Away() {
		day.Accounts = []answer.Account{{Name: e.Account, Served: servedOf(e)}}
		day.Due = slices.Concat(p.shared, p.rows.dueOn(ctx, p.ofTask(p.rows.ownOf(e.Account)), p.date, p.said))
	}
	unserved := e.LeftOut(p.term)
	for _, item := range day.Items(runs) {
		if e.Account == p.query.After.Account && !p.query.After.IsZero() && item.Cursor().Compare(p.place()) <= 0 {
			continue
		}
		if item.Run.Outcome == store.NoOutcome {
			item.Skip = cmp.Or(item.Skip, unserved)
		}
		if p.items = append(p.items, item); len(p.items) == p.limit {
			return true, nil
		}
	}
	return false, nil
}

// place is the cursor as items have it.
func (p *planner) place() store.Cursor {
	at := p.query.After
	at.Scheduler = ""
	return at
}

const accountsAtOnce = 50

// enrolments yields the accounts that a query asks for, beginning with that of its cursor.
func (v *View) enrolments(ctx context.Context, q PlanQuery) iter.Seq2[store.EnrolledAccount, error] {
	return func(yield func(store.EnrolledAccount, error) bool) {
		from := q.After.Account
		ask := store.EnrolmentQuery{Scheduler: v.name, Account: cmp.Or(q.Account, from), Limit: accountsAtOnce}
		for {
			found, err := v.directory.Enrolments(ctx, ask)
			if err == nil && q.Account != "" && len(found) == 0 {
				err = fmt.Errorf("%w: %q was never enrolled", store.ErrUnknownAccount, q.Account)
			}
			if err != nil {
				yield(store.EnrolledAccount{}, err)
				return
			}
			for _, e := range found {
				if !yield(e, nil) {
					return
				}
			}
			switch {
			case q.Account != "":
				return
			case ask.Account != "": // that of the cursor
				ask.Account, ask.After = "", from
			case len(found) < accountsAtOnce:
				return
			default:
				ask.After = found[len(found)-1].Account
			}
		}
	}
}
