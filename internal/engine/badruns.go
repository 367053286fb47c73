package engine

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tradeclock/tradeclock/internal/why"
)

// Key names a task of an account.
type Key struct{ Task, Account string }

// BadRuns are the runs that were not to end as they did: a task that does nothing for
// weeks is not healthy, and neither is the day of an order that was missed. It is told
// what runs come to, and what the ledger has from before this process, and answers with
// the tasks that are to be told of. NewBadRuns makes it.
type BadRuns struct {
	streaks map[Key]*streak
	missed  map[Key]missedRun
	// troubled are the accounts that are to be told of, by kind and task.
	troubled [2]map[string]*troubled
	// over is when the first session of a missed run is over.
	over    time.Time
	unknown []Key // streaks of which the ledger may have the beginning
	news    []Trouble
}

// TroubleKind is what is wrong with the runs of a task.
type TroubleKind int

// The two kinds of trouble.
const (
	InARow TroubleKind = iota // several went wrong, and none between them well
	Lost                      // one that was to run at most once was missed, and its session is not over
)

// Trouble is what is wrong with the runs of a task, or no longer.
type Trouble struct {
	Kind TroubleKind
	Task string
	// Accounts is how many it concerns. There are none once it is over.
	Accounts int
	First    []string // of them, by name
	Last     string   // what the last one came to
}

// Verdict is what the outcome of a run means for the health of its task.
type Verdict int

// The verdicts.
const (
	Neither Verdict = iota // as of a run that somebody has halted
	Good
	Bad
)

// streak are the bad runs of a task of an account since a good one.
type streak struct {
	count  int       // in this process
	first  time.Time // when the first of those was due
	before int       // in the ledger, before it
	known  bool      // that was read, or there is none
}

// missedRun is a run that was lost, until its session is over.
type missedRun struct {
	slot string
	over time.Time
}

// troubled are the accounts of one task for which something is wrong.
type troubled struct {
	accounts map[string]bool
	last     string
	stale    bool // that is still to be told
}

// Bounds of what is told and remembered of bad runs.
const (
	BadInARow     = 5 // so many degrade health
	accountsShown = 3
	unknownMost   = 1000
)

// NewBadRuns returns one that was told nothing yet.
func NewBadRuns() *BadRuns {
	return &BadRuns{
		streaks: make(map[Key]*streak), missed: make(map[Key]missedRun),
		troubled: [2]map[string]*troubled{make(map[string]*troubled), make(map[string]*troubled)},
	}
}

// Count counts a run that was not missed. All is true if the ledger has nothing that
// belongs to the same streak, and may be read for that else.
func (b *BadRuns) Count(key Key, slot string, due time.Time, verdict Verdict, reason string, all bool) {
	if m, missed := b.missed[key]; missed && m.slot == slot { // somebody has triggered it since
		b.find(key)
	}
	switch verdict {
	case Good:
		b.endStreak(key)
	case Bad:
		b.count(key, due, reason, all)
	}
}

// Missed counts a run that was missed. It is told of until over, unless that is zero.
func (b *BadRuns) Missed(key Key, slot string, due time.Time, reason string, all bool, over time.Time) {
	b.count(key, due, reason, all)
	if !over.IsZero() {
		b.Lose(key, slot, reason, over)
	}
}

// Lose tells of a run that was missed until its session is over, and counts nothing.
func (b *BadRuns) Lose(key Key, slot, reason string, over time.Time) {
	b.missed[key] = missedRun{slot, over}
	if b.over.IsZero() || over.Before(b.over) {
		b.over = over
	}
	b.afflict(Lost, key, slot+", "+reason)
}

func (b *BadRuns) count(key Key, due time.Time, reason string, all bool) {
	st := b.streaks[key]
	if st == nil {
		st = &streak{first: due, known: all}
		b.streaks[key] = st
		if !all && len(b.unknown) < unknownMost {
			b.unknown = append(b.unknown, key)
		}
	}
	if due.Before(st.first) {
		st.first = due // what is read of the ledger ends before it
	}
	st.count++
	b.judge(key, st, reason)
}

// judge tells of a streak that has become long.
func (b *BadRuns) judge(key Key, st *streak, reason string) {
	if st.before+st.count >= BadInARow {
		b.afflict(InARow, key, reason)
	}
}

func (b *BadRuns) endStreak(key Key) {
	if b.streaks[key] != nil {
		delete(b.streaks, key)
		b.relieve(InARow, key)
	}
}

// find ends what is told of a run that was missed.
func (b *BadRuns) find(key Key) {
	delete(b.missed, key)
	b.relieve(Lost, key)
}

// Suspect begins a streak of which only the ledger knows, at an instant.
func (b *BadRuns) Suspect(key Key, now time.Time) {
	if b.streaks[key] == nil {
		b.streaks[key] = &streak{first: now}
		b.unknown = append(b.unknown, key)
	}
}

// HasUnknown reports whether there is any streak of which the ledger may have the
// beginning.
func (b *BadRuns) HasUnknown() bool { return len(b.unknown) > 0 }

// TakeUnknown returns the first n of those streaks, each once.
func (b *BadRuns) TakeUnknown(n int) []Key {
	n = min(len(b.unknown), n)
	taken := b.unknown[:n]
	b.unknown = b.unknown[n:]
	return taken
}

// Begins is when the first run of a streak was due of which this process knows. It is
// not asked for if there is no such streak, or if the ledger was read for it.
func (b *BadRuns) Begins(key Key) (due time.Time, asked bool) {
	st := b.streaks[key]
	if st == nil || st.known {
		return time.Time{}, false
	}
	return st.first, true
}

// Recall adds to a streak what the ledger has from before it begins: how many bad runs
// since a good one, and what the last came to.
func (b *BadRuns) Recall(key Key, before int, last string) {
	st := b.streaks[key]
	st.known, st.before = true, before
	if st.before+st.count == 0 {
		b.endStreak(key)
		return
	}
	b.judge(key, st, last)
}

// Forget forgets a task of an account, which does not run any more.
func (b *BadRuns) Forget(key Key) {
	b.endStreak(key)
	if b.missed[key] != (missedRun{}) {
		b.find(key)
	}
}

// ForgetAll forgets those that do not run any more.
func (b *BadRuns) ForgetAll(runs func(Key) bool) {
	for _, key := range slices.Concat(inOrder(b.streaks), inOrder(b.missed)) {
		if !runs(key) {
			b.Forget(key)
		}
	}
}

// inOrder are the keys of a map in one order always: what is told is told in the same.
func inOrder[T any](of map[Key]T) []Key {
	return slices.SortedFunc(maps.Keys(of), func(a, b Key) int {
		return cmp.Or(strings.Compare(a.Task, b.Task), strings.Compare(a.Account, b.Account))
	})
}

// Drop forgets all, as another scheduler tells of it now.
func (b *BadRuns) Drop() {
	news := b.news
	for kind, tasks := range b.troubled {
		for _, task := range tasksInOrder(tasks) {
			news = append(news, Trouble{Kind: TroubleKind(kind), Task: task})
		}
	}
	*b = *NewBadRuns()
	b.news = news
}

// Pass ends what is told of sessions that are over at an instant, and has told what was
// put off.
func (b *BadRuns) Pass(now time.Time) {
	b.endSessions(now)
	for kind, tasks := range b.troubled {
		for _, task := range tasksInOrder(tasks) {
			if tasks[task].stale {
				b.tell(TroubleKind(kind), task)
			}
		}
	}
}

func (b *BadRuns) endSessions(now time.Time) {
	if b.over.IsZero() || now.Before(b.over) {
		return
	}
	b.over = time.Time{}
	for _, key := range inOrder(b.missed) {
		switch m := b.missed[key]; {
		case !now.Before(m.over):
			b.find(key)
		case b.over.IsZero() || m.over.Before(b.over):
			b.over = m.over
		}
	}
}

// News returns what has become different since it was asked for last.
func (b *BadRuns) News() []Trouble {
	news := b.news
	b.news = nil
	return news
}

// afflict adds an account to those of a task that are told of.
func (b *BadRuns) afflict(kind TroubleKind, key Key, last string) {
	t := b.troubled[kind][key.Task]
	if t == nil {
		t = &troubled{accounts: make(map[string]bool)}
		b.troubled[kind][key.Task] = t
	}
	if t.accounts[key.Account] {
		return
	}
	t.accounts[key.Account], t.last = true, last
	b.tellOrWait(kind, key.Task)
}

// relieve takes it out again.
func (b *BadRuns) relieve(kind TroubleKind, key Key) {
	if t := b.troubled[kind][key.Task]; t != nil && t.accounts[key.Account] {
		delete(t.accounts, key.Account)
		b.tellOrWait(kind, key.Task)
	}
}

// tellOrWait tells of few accounts at once. Of many it tells at the next Pass, as each
// would change what is said of them.
func (b *BadRuns) tellOrWait(kind TroubleKind, task string) {
	if t := b.troubled[kind][task]; len(t.accounts) > accountsShown {
		t.stale = true
		return
	}
	b.tell(kind, task)
}

func (b *BadRuns) tell(kind TroubleKind, task string) {
	t := b.troubled[kind][task]
	t.stale = false
	if len(t.accounts) == 0 {
		delete(b.troubled[kind], task)
		b.news = append(b.news, Trouble{Kind: kind, Task: task})
		return
	}
	names := slices.Sorted(maps.Keys(t.accounts))
	b.news = append(b.news, Trouble{kind, task, len(names), names[:min(len(names), accountsShown)], t.last})
}

// VerdictOnSkipped judges a run that was skipped for a reason. What somebody asked for
// is neither good nor bad.
func VerdictOnSkipped(reason string) Verdict {
	if strings.HasPrefix(reason, why.NoSuccessOf) { // what was asked for is that the other did not run
		_, reason, _ = strings.Cut(reason, why.WasSkipped)
	}
	if strings.HasPrefix(reason, why.Ineligible) || strings.HasPrefix(reason, why.HaltedBy) || strings.HasPrefix(reason, why.SkippedBy) || strings.HasPrefix(reason, why.Withdrawn) || reason == why.Disabled {
		return Neither
	}
	return Bad
}

// VerdictOnMissed judges a run that was missed. One in whose place a newer one runs is
// neither good nor bad.
func VerdictOnMissed(reason string) Verdict {
	if strings.HasPrefix(reason, why.Superseded) {
		return Neither
	}
	return Bad
}

// tasksInOrder returns the tasks by name. That of none allocates nothing, as each minute asks.
func tasksInOrder[V any](tasks map[string]V) []string {
	if len(tasks) == 0 {
		return nil
	}
	return slices.Sorted(maps.Keys(tasks))
}
