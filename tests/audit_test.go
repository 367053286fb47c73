package tests

import (
	"cmp"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/sqlstore"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/tests/service"
)

// execution is an attempt as the journals have it.
type execution struct {
	service.Entry
	by    *process
	ended time.Time // zero if the journal has no end
	how   string    // the result
}

// occurrence is one due instant of a task for an account.
type occurrence struct {
	account, task string
	due           time.Time
}

func (o occurrence) String() string {
	return fmt.Sprintf("%s of %s at %s", o.task, o.account, o.due.In(service.Kolkata).Format("Mon 15:04"))
}

// audit compares the journals of all processes with the ledger.
type audit struct {
	w     *world
	db    *sql.DB
	tasks map[string]service.Task
	terms []service.Entry // that a process held the term, in order of the terms' numbers
	// executions are the attempts of each occurrence in the order in which they
	// began, and rows the row of the ledger that accounts for it.
	executions map[occurrence][]*execution
	rows       map[occurrence]tradeclock.Run
	all        []tradeclock.Run
	watermark  time.Time
	// beyond counts the runs that a frozen process went on with after another had
	// taken over, and longest is how long any other process did.
	beyond  int
	longest time.Duration
	unknown int // executions of at-least-once runs that the ledger does not know of
}

// audit checks that the ledger accounts for everything as it happened. All
// processes have ended.
func (w *world) audit() {
	w.t.Helper()
	a := &audit{w: w, tasks: make(map[string]service.Task), executions: make(map[occurrence][]*execution), rows: make(map[occurrence]tradeclock.Run)}
	for _, task := range w.tasks {
		a.tasks[task.Task] = task
	}
	a.readJournals()
	a.readLedger()
	a.checkComplete()
	a.checkTerms()
	a.checkTakeovers()
	for o, row := range a.rows {
		a.check(o, row)
	}
	a.checkGroups()
	a.checkSessions()
	assert.Zero(w.t, w.logged("panic"), "something has panicked")
	a.tell()
}

func (a *audit) readJournals() {
	for _, p := range a.w.procs {
		open, started := make(map[string]*execution), make(map[string]bool)
		for _, e := range p.entries() {
			key := fmt.Sprint(e.Run, e.Attempt, e.Term)
			switch e.What {
			case service.Term:
				if e.Term > 0 {
					a.terms = append(a.terms, e)
				}
			case service.Started, service.Stopped:
				start := e.What == service.Started
				assert.NotEqual(a.w.t, start, started[e.Account], "the executor of %s was %s twice", e.Account, e.What)
				started[e.Account] = start
			case service.Began:
				assert.True(a.w.t, started[e.Account], "%s of %s began while its executor was stopped", e.Task, e.Account)
				o := occurrence{e.Account, e.Task, e.Due.UTC()}
				open[key] = &execution{Entry: e, by: p}
				a.executions[o] = append(a.executions[o], open[key])
			case service.Ended:
				assert.True(a.w.t, started[e.Account], "%s of %s outlived its executor", e.Task, e.Account)
				open[key].ended, open[key].how = e.At, e.Result
			}
		}
	}
	slices.SortFunc(a.terms, func(x, y service.Entry) int { return cmp.Compare(x.Term, y.Term) })
	for _, some := range a.executions {
		slices.SortStableFunc(some, func(x, y *execution) int { return x.At.Compare(y.At) })
	}
}

// readLedger reads the rows, and finds for each the occurrences that it accounts
// for. No two may account for one.
func (a *audit) readLedger() {
	t := a.w.t
	a.db = database{a.w.config.Driver, a.w.config.DSN}.open(t)
	st, err := sqlstore.Open(t.Context(), a.db, sqlstore.WithClock(a.w.clock))
	require.NoError(t, err)
	a.all, err = st.Runs(t.Context(), store.Query{Scheduler: service.Name})
	require.NoError(t, err)
	var mark string
	require.NoError(t, a.db.QueryRowContext(t.Context(), "SELECT watermark FROM tradeclock_schedulers").Scan(&mark))
	a.watermark, err = time.Parse(time.RFC3339Nano, mark)
	require.NoError(t, err)
	for _, row := range a.all {
		require.Equal(t, store.RunID(service.Name, row.Account, row.Task, row.Slot), row.ID)
		due := a.timetable(row.Task, row.Due.Add(-time.Second), row.Through())
		assert.Len(t, due, row.Occurrences(), "%s of %s from %s to %s", row.Task, row.Account, row.Due, row.Through())
		for _, at := range due {
			o := occurrence{row.Account, row.Task, at}
			_, taken := a.rows[o]
			assert.False(t, taken, "two rows account for %s", o)
			a.rows[o] = row
		}
	}
}

// timetable returns when a task is due later than from, up to to.
func (a *audit) timetable(name string, from, to time.Time) (due []time.Time) {
	task := a.tasks[name]
	day := from.In(service.Kolkata).AddDate(0, 0, -1)
	for ; !day.After(to.AddDate(0, 0, 1)); day = day.AddDate(0, 0, 1) {
		midnight := time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, service.Kolkata)
		for at := task.First; at < 24*time.Hour; at += task.Period {
			if instant := midnight.Add(at); instant.After(from) && !instant.After(to) {
				due = append(due, instant.UTC())
			}
		}
	}
	return due
}

// checkComplete checks that every occurrence up to the watermark is accounted for,
// and that nothing was executed that is not.
func (a *audit) checkComplete() {
	t := a.w.t
	require.NotEmpty(t, a.terms, "no process ever held the term")
	began := a.began()
	for name := range a.tasks {
		for _, due := range a.timetable(name, began, a.watermark) {
			for _, account := range a.w.config.Accounts {
				a.checkAccounted(occurrence{account, name, due}, "due")
			}
		}
	}
	for o, some := range a.executions {
		if _, accounted := a.rows[o]; !accounted && a.isToRunAgain(o, some) {
			a.unknown += len(some)
			continue
		}
		a.checkAccounted(o, "executed")
	}
}

// began returns when planning began: under the last term that found no watermark.
// A process that dies, or is cut off, before it has stored the first one leaves
// nothing to the next.
func (a *audit) began() time.Time {
	var number int64
	require.NoError(a.w.t, a.db.QueryRowContext(a.w.t.Context(), "SELECT max(term) FROM tradeclock_terms WHERE watermark = ''").Scan(&number))
	for _, term := range a.terms {
		if term.Term >= number {
			return term.At
		}
	}
	require.FailNow(a.w.t, "no process ever held a term that left a watermark")
	return time.Time{}
}

// isToRunAgain reports whether an occurrence is the next process's: one of an
// at-least-once task that the watermark has not passed, and that was started with the
// ledger out of reach by a process which could not tell it before its end.
func (a *audit) isToRunAgain(o occurrence, some []*execution) bool {
	return a.tasks[o.task].Delivery == tradeclock.AtLeastOnce && o.due.After(a.watermark) &&
		!slices.ContainsFunc(some, func(e *execution) bool { return !e.by.lost })
}

func (a *audit) checkAccounted(o occurrence, was string) {
	_, accounted := a.rows[o]
	assert.True(a.w.t, accounted, "%s was %s, and nothing accounts for it", o, was)
}

// checkTerms checks that no two processes held one term.
func (a *audit) checkTerms() {
	for i, term := range a.terms[1:] {
		assert.Greater(a.w.t, term.Term, a.terms[i].Term, "two processes held it")
	}
}

// schedulingDelay is how long the host may keep a process from doing what is due,
// in our time. By how much a term is trusted less than it lasts is for that, and is
// short on a fast clock.
const schedulingDelay = 300 * time.Millisecond

// checkTakeovers checks that terms were taken in the order of their numbers, and
// that nothing which is delivered at most once began or went on under a term after
// another was taken. A frozen process may find itself in that place: what it had
// claimed goes on until it notices.
func (a *audit) checkTakeovers() {
	taken := a.w.taken()
	for term, at := range taken {
		if before, ok := taken[term-1]; ok {
			assert.False(a.w.t, at.Before(before), "term %d was taken before the one before it", term)
		}
	}
	allowed := schedulingDelay * time.Duration(a.w.clock.Factor)
	for o, some := range a.executions {
		for _, e := range some {
			next, deposed := taken[e.Term+1]
			if !deposed || a.tasks[o.task].Delivery == tradeclock.AtLeastOnce {
				continue
			}
			late := max(e.At.Sub(next), e.ended.Sub(next))
			if late > 0 && e.by.frozen {
				a.beyond++
				continue
			}
			a.longest = max(a.longest, late)
			assert.LessOrEqual(a.w.t, late, allowed, "%s went on in term %d after the next was taken", o, e.Term)
		}
	}
}

// check checks one occurrence: what the ledger says of it against what happened.
func (a *audit) check(o occurrence, row tradeclock.Run) {
	t, executions := a.w.t, a.executions[o]
	task := a.tasks[o.task]
	if task.Delivery == tradeclock.AtMostOnce {
		a.checkAtMostOnce(o, row, executions)
	}
	if row.Count > 1 || row.Outcome == tradeclock.Missed || row.Outcome == tradeclock.Skipped {
		assert.Contains(t, []tradeclock.Outcome{tradeclock.Missed, tradeclock.Skipped}, row.Outcome)
		assert.NotEmpty(t, row.Reason, "%s was %s", o, row.Outcome)
		for _, e := range executions {
			// One that starts with the ledger out of reach leaves no trace there if its
			// process dies, or if another accounts for it.
			assert.True(t, task.Delivery == tradeclock.AtLeastOnce && (e.by.lost || e.Term != row.Term), "%s is %s, and was executed", o, row.Outcome)
			a.unknown++
		}
		return
	}
	if !row.Started.IsZero() {
		assert.False(t, row.Started.Before(row.Due), "%s started before it was due", o)
		assert.Less(t, row.Lateness(), store.DefaultCatchUp, "%s started after its catch-up", o)
	}
	var last *execution
	if len(executions) > 0 {
		last = executions[len(executions)-1]
	}
	switch row.Outcome {
	case tradeclock.Succeeded:
		require.NotNil(t, last, "%s succeeded, and was not executed", o)
		assert.True(t, slices.ContainsFunc(executions, func(e *execution) bool { return e.how == service.OK }), "%s succeeded, and did not end", o)
	case tradeclock.Failed:
		require.NotNil(t, last, "%s failed, and was not executed", o)
		assert.Equal(t, service.Fail, last.how, o)
		assert.Equal(t, last.Attempt, row.Attempt, o)
	case tradeclock.TimedOut:
		require.NotNil(t, last, "%s timed out, and was not executed", o)
		assert.True(t, task.Hangs || last.by.frozen, "%s timed out", o)
	case tradeclock.Interrupted:
		assert.NotEmpty(t, row.Reason)
		if last != nil && last.how == service.OK && row.Late == nil {
			assert.True(t, last.by.lost, "%s is interrupted, and ended", o)
		}
	default:
		assert.Fail(t, "it has no outcome", "%s is %s", o, row.Outcome)
	}
}

// checkAtMostOnce checks that the attempts of an occurrence are those of one run,
// in one process, under the term that claimed it.
func (a *audit) checkAtMostOnce(o occurrence, row tradeclock.Run, executions []*execution) {
	t := a.w.t
	for i, e := range executions {
		assert.Equal(t, i+1, e.Attempt, "%s was executed twice", o)
		assert.Same(t, executions[0].by, e.by, "%s was executed by two processes", o)
		assert.Equal(t, row.ID, e.Run, o)
		assert.Equal(t, row.Slot, e.Slot, o)
		assert.Equal(t, row.Term, e.Term, "%s was claimed under another term", o)
	}
}

// checkGroups checks that within a process no two runs of an exclusive group of one
// account overlap, nor two of one task.
func (a *audit) checkGroups() {
	type lane struct {
		by             *process
		term           int64
		account, group string
	}
	lanes := make(map[lane][]*execution)
	for o, some := range a.executions {
		group := cmp.Or(a.tasks[o.task].Exclusive, "task "+o.task)
		for _, e := range some {
			key := lane{e.by, e.Term, o.account, group}
			lanes[key] = append(lanes[key], e)
		}
	}
	for key, some := range lanes {
		slices.SortFunc(some, func(x, y *execution) int { return x.At.Compare(y.At) })
		for i, e := range some[1:] {
			before := some[i]
			assert.False(a.w.t, before.ended.IsZero() || before.ended.After(e.At), "%s: %s of %s overlaps %s", key.group, e.Slot, key.account, before.Slot)
		}
	}
}

// checkSessions checks what runs were told of their sessions: whether they were the
// first to succeed, and whether one had been claimed before under an older term.
func (a *audit) checkSessions() {
	type session struct {
		account, task string
		date          calendar.Date
	}
	bySession := make(map[session][]tradeclock.Run)
	for _, row := range a.all {
		if row.Repeating && row.Token != "" {
			key := session{row.Account, row.Task, row.Session}
			bySession[key] = append(bySession[key], row)
		}
	}
	for _, rows := range bySession {
		var succeeded, claimed int64 // the oldest term under which one did and was
		var winner *process          // whose outcome may have been on its way still
		for _, row := range slices.SortedFunc(slices.Values(rows), byTerm) {
			if succeeded > 0 && succeeded < row.Term && a.processOf(row) != winner {
				assert.False(a.w.t, row.First, "%s of %s in %s", row.Task, row.Account, row.Slot)
			}
			if claimed > 0 && claimed < row.Term {
				assert.True(a.w.t, row.Resumed, "%s of %s in %s", row.Task, row.Account, row.Slot)
			}
			if !row.First {
				assert.Positive(a.w.t, succeeded, "%s of %s in %s is not the first", row.Task, row.Account, row.Slot)
			}
			claimed = cmp.Or(claimed, row.Term)
			if row.Outcome == tradeclock.Succeeded && succeeded == 0 {
				succeeded, winner = row.Term, a.processOf(row)
			}
		}
	}
}

// processOf returns the process that executed a run last, or nil.
func (a *audit) processOf(row tradeclock.Run) *process {
	some := a.executions[occurrence{row.Account, row.Task, row.Due.UTC()}]
	if len(some) == 0 {
		return nil
	}
	return some[len(some)-1].by
}

func byTerm(x, y tradeclock.Run) int {
	return cmp.Or(cmp.Compare(x.Term, y.Term), x.Due.Compare(y.Due))
}

// tell logs the figures.
func (a *audit) tell() {
	outcomes := make(map[string]int)
	for _, row := range a.rows {
		outcomes[row.Outcome.String()]++
	}
	var counts []string
	for _, name := range slices.Sorted(maps.Keys(outcomes)) {
		counts = append(counts, fmt.Sprintf("%s %d", name, outcomes[name]))
	}
	executions, twice, claimed, kills, late := 0, 0, 0, 0, 0
	for o, some := range a.executions {
		executions += len(some)
		if some[0].by != some[len(some)-1].by || some[0].Term != some[len(some)-1].Term {
			twice++
		}
		if a.rows[o].Late != nil {
			late++
		}
	}
	for o, row := range a.rows {
		if row.Token != "" && len(a.executions[o]) == 0 {
			claimed++
		}
	}
	for _, p := range a.w.procs {
		if p.killed {
			kills++
		}
	}
	a.w.t.Logf("%s of the service's time, %d processes, %d of them killed, %d terms; %d occurrences (%s); %d executions, "+
		"of at-least-once runs %d again and %d unknown to the ledger; %d runs claimed and never begun, %d with late evidence; "+
		"%d runs went on in a frozen process after a takeover, and in another for %v at most; health was degraded %d times; "+
		"the host paused for %v at most",
		a.watermark.Sub(a.terms[0].At).Round(time.Second), len(a.w.procs), kills, len(a.terms), len(a.rows),
		strings.Join(counts, ", "), executions, twice, a.unknown, claimed, late, a.beyond, a.longest, a.w.logged("msg=degraded"),
		time.Duration(a.w.pause.Load()).Round(time.Millisecond))
}
