package world

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/store"
)

// near is how far from a change of rows, calendar or enrolments something still
// may go either way.
const near = 3 * time.Minute

// poll is how long after a change of the rows a process may still plan by the old ones,
// if the answer to its poll came too late for a tick.
const poll = 65 * time.Second

// calm is how long after the last disturbance everything is normal again.
const calm = 2 * time.Minute

type cacheKey struct {
	rows, calendar int
	account, task  string
	date           calendar.Date
}

// occurrences lists what is due of a task of an account on a session, by one version of the rows
// and one of the calendar.
func (b *book) occurrences(rows, calendar int, account, task string, date calendar.Date) []occurrence {
	key := cacheKey{rows, calendar, account, task, date}
	found, known := b.cache[key]
	if !known {
		found = b.w.script.occurrencesOn(b.rows.all[rows-1], account, task, date, b.calendars.all[calendar-1][date])
		b.cache[key] = found
	}
	return found
}

// check holds the ledger to the world's account.
func (w *World) check() {
	rows := append(w.pruned, w.runs()...)
	for i := range rows {
		if text := w.book.outcomeOf(&rows[i]); text != "" {
			w.violate("outcomes are true", fmt.Sprintf("%s (%s): %s", describe(&rows[i]), rows[i].Reason, text))
			continue
		}
		if text := w.book.heldToOverlap(&rows[i]); text != "" {
			w.violate("no overlap", fmt.Sprintf("%s (%s): %s", describe(&rows[i]), rows[i].Reason, text))
		}
		if text := w.book.heldToSayings(&rows[i]); text != "" {
			w.violate("overrides", fmt.Sprintf("%s (%s): %s", describe(&rows[i]), rows[i].Reason, text))
		}
		if text := w.book.evidenceOf(&rows[i]); text != "" {
			w.violate("late evidence", fmt.Sprintf("%s (%s): %s", describe(&rows[i]), rows[i].Reason, text))
		}
	}
	for i := range rows {
		if !w.book.known(&rows[i]) {
			w.violate("closed means closed", describe(&rows[i])+" is in the ledger, and no occurrence")
		}
	}
	w.checkComplete(newIndex(rows))
	w.checkReported()
	w.checkWishes()
	w.checkPetitions(rows)
	w.checkAlive()
}

// runs returns the rows of the ledger.
func (w *World) runs() []tradeclock.Run {
	rows, err := w.database.Runs(whole, store.Query{Scheduler: schedulerName})
	if err != nil {
		panic(err)
	}
	return rows
}

// outcomeOf holds a row to what the world saw.
func (b *book) outcomeOf(row *tradeclock.Run) string {
	mine := b.rowsOf[slotOf(row)]
	if mine == nil || mine.outcome != row.Outcome || mine.token != row.Token || mine.run.Occurrences() != row.Occurrences() {
		return "the world's account has another"
	}
	var last *execution
	for _, x := range b.bySlot[slotOf(row)] {
		if x.run.Token == row.Token && row.Token != "" {
			last = x
		}
		if row.Token == "" && x.task.Delivery == tradeclock.AtMostOnce {
			return "it was executed"
		}
	}
	switch {
	case row.Outcome == tradeclock.Armed && b.w.wallAt(b.w.now-near).Before(row.Due):
		return "" // it is still to come, or its process's clock was set
	case row.Outcome.Open():
		if last != nil && (!last.over || b.w.now < last.gone()) {
			return ""
		}
		return "nothing runs any more"
	case row.Outcome == tradeclock.Interrupted && last == nil:
		return b.usedUp(row)
	case row.Outcome == tradeclock.Interrupted:
		return b.whyInterrupted(row, last)
	case row.Started.IsZero():
		if last != nil {
			return "it was executed"
		}
		return ""
	case last == nil:
		return "it was never executed"
	}
	return last.agrees(row.Outcome)
}

// known reports whether a row stands for an occurrence of a version of the rows and
// one of the calendar that were in force around when it was due and written.
func (b *book) known(row *tradeclock.Run) bool {
	if wish := b.wishes[row.Actor]; row.Manual && wish != nil && !wish.req.ForToday {
		return true
	}
	due, at := row.Due.Sub(b.w.script.start), b.rowsOf[slotOf(row)].at
	from, to := min(due, at)-near, max(due, at)+near
	if b.isChain(row.Account, row.Task) {
		from -= 24 * time.Hour // it may have waited
	}
	if b.rows.uncertain(from, to) || b.calendars.uncertain(from, to) {
		from, to = 0, b.w.now // it may have been planned by any
	}
	failed := b.calendarFailed.touch(from, to)
	for r := b.rows.at(from); r <= b.rows.at(to); r++ {
		if failed && b.knownWithout(r, row) {
			return true
		}
		for c := b.calendars.at(from); c <= b.calendars.at(to); c++ {
			for _, o := range b.occurrences(r, c, row.Account, row.Task, row.Session) {
				if b.isRecordOf(row, o) {
					return true
				}
			}
		}
	}
	return false
}

// knownWithout reports whether a row stands for an occurrence that is skipped since the
// calendar failed to tell of its day.
func (b *book) knownWithout(rows int, row *tradeclock.Run) bool {
	found := b.w.script.occurrencesOn(b.rows.all[rows-1], row.Account, row.Task, row.Session, session{unknown: true})
	return slices.ContainsFunc(found, func(o occurrence) bool {
		return b.isRecordOf(row, o) && (!o.skip || row.Outcome == tradeclock.Skipped)
	})
}

// agrees reports how an outcome differs from what the last attempt did.
func (x *execution) agrees(outcome tradeclock.Outcome) string {
	took := x.end - x.begin
	timedOut := x.task.Timeout > 0 && (!x.over || took >= x.task.Timeout)
	want := map[string]tradeclock.Outcome{
		returnsNil: tradeclock.Succeeded, returnsError: tradeclock.Failed, panics: tradeclock.Failed, returnsSkip: tradeclock.Skipped,
	}[x.result]
	if outcome == want || outcome == tradeclock.TimedOut && timedOut {
		return ""
	}
	return fmt.Sprintf("it returned %q after %v", x.result, took)
}

// whyInterrupted finds a reason for an interrupted row: its process died, its
// context was ended, or its term was over before its outcome was stored.
func (b *book) whyInterrupted(row *tradeclock.Run, last *execution) string {
	mine := b.rowsOf[slotOf(row)]
	switch {
	case last.interrupted(), mine.term < b.term.Number:
		return b.saysWhoCancelled(row, last)
	}
	return fmt.Sprintf("it returned %q, and neither its process nor its term came to an end", last.result)
}

// index finds the ledger's row of an occurrence.
type index struct {
	slots  map[slotKey]int
	ranges map[rowKey][]tradeclock.Run
}

func newIndex(rows []tradeclock.Run) *index {
	ix := &index{slots: make(map[slotKey]int), ranges: make(map[rowKey][]tradeclock.Run)}
	for _, r := range rows {
		if r.Occurrences() > 1 {
			key := rowKey{r.Account, r.Task}
			ix.ranges[key] = append(ix.ranges[key], r)
			continue
		}
		ix.slots[slotOf(&r)]++
	}
	return ix
}

// count is in how many rows an occurrence is.
func (ix *index) count(account string, o occurrence) int {
	n := ix.slots[slotKey{account, o.task, o.slot}]
	for _, r := range ix.ranges[rowKey{account, o.task}] {
		if !o.due.Before(r.Due) && !o.due.After(r.Through()) {
			n++
		}
	}
	return n
}

// checkComplete looks for each occurrence that must be accounted for.
func (w *World) checkComplete(ix *index) {
	b := w.book
	for date := w.script.firstDay.AddDays(-1); !date.After(w.script.firstDay.AddDays(w.script.days)); date = date.AddDays(1) {
		for _, t := range taskNames {
			for _, account := range w.script.accounts {
				for _, o := range b.dueOn(account, t, date) {
					due := o.due.Sub(w.script.start)
					accounted, ok, kept := b.mustBeAccounted(account, o, due)
					if n := ix.count(account, o); n > 1 || (ok || kept) && n != 1 {
						w.violate("complete", fmt.Sprintf("%s %s %s, due %v, is in %d rows", account, o.task, o.slot, w.local(due), n))
					}
					if !ok {
						continue
					}
					b.checked.Accounted++
					b.checkOrder(account, o, accounted)
					b.checkSaid(account, o)
					b.checkChain(account, o)
					if !b.wasAway(account, due-time.Hour, due+near) {
						b.checkNormal(account, o, due)
						b.checkCaughtUp(account, o, due)
					}
				}
			}
		}
	}
}

// dueOn lists what is due of a task of an account on a session, by what was in force then
// and what people have said of it.
func (b *book) dueOn(account, task string, date calendar.Date) (found []occurrence) {
	seen := make(map[string]bool)
	for c := range b.calendars.all {
		for r := range b.rows.all {
			for _, o := range b.occurrences(r+1, c+1, account, task, date) {
				o = b.asSaid(account, o)
				at := o.due.Sub(b.w.script.start)
				key := o.slot + o.due.String()
				if !seen[key] && b.rows.at(at) == r+1 && b.calendars.at(at) == c+1 {
					seen[key] = true
					found = append(found, o)
				}
			}
		}
	}
	return found
}

// mustBeAccounted reports whether an occurrence must be in the ledger, and when the
// watermark passed it: no change was near, and the account was enrolled, or away for no
// longer than the catch-up. If a change was near it may have to be kept all the same.
func (b *book) mustBeAccounted(account string, o occurrence, due time.Duration) (accounted time.Duration, ok, kept bool) {
	for _, m := range b.marks {
		switch {
		case m.mark.Before(o.due):
			ok = false // or it was set back
		case !ok:
			accounted, ok = m.at, true
		}
	}
	first, known := b.enrolledAt[account]
	if !ok || !known || due <= first {
		return 0, false, false
	}
	b.checked.Occurrences++
	from, to := min(due, accounted), max(due, accounted)
	changed := b.rows.uncertain(from-poll, to) || b.calendars.uncertain(from-poll, to)
	if b.mayBeAway(account, b.taskOf(account, o.task).catchUp(), due) {
		return accounted, false, false
	}
	return accounted, !changed, changed && b.mustBeKept(account, o, due, accounted)
}

// mayBeAway reports whether an account may have been away when something was due, for
// longer than its catch-up, or for as long as a calendar took to hide the day from it. A
// process whose clock is wrong takes other instants for it.
func (b *book) mayBeAway(account string, catchUp, due time.Duration) bool {
	if since, away := b.left[account]; away && due > since-near {
		return true
	}
	for _, sp := range *b.absent[account] {
		margin := time.Second
		if b.broken.touch(sp.from-near, sp.to+near) {
			margin = near
		}
		longer := sp.to-sp.from+margin > catchUp
		if due > sp.from-margin && due < sp.to+margin && (longer || b.calendars.uncertain(due, sp.to+near)) {
			return true
		}
	}
	return false
}

// wasAway reports whether an account was away at some time, or is by now.
func (b *book) wasAway(account string, from, to time.Duration) bool {
	since, away := b.left[account]
	absent := b.absent[account] // nil if it never was to be enrolled
	return away && since <= to || absent != nil && absent.touch(from, to)
}

// checkOrder holds the watermark to coming after what it passes.
func (b *book) checkOrder(account string, o occurrence, passed time.Duration) {
	row := b.rowsOf[slotKey{account, o.task, o.slot}]
	if row == nil || row.run.Backdated || row.run.Manual {
		return
	}
	if row.at > passed {
		b.w.violate("complete", fmt.Sprintf("%s %s %s: the watermark passed it %v before it was claimed or recorded",
			account, o.task, o.slot, row.at-passed))
	}
}

// checkNormal holds an occurrence in calm times to run at once.
func (b *book) checkNormal(account string, o occurrence, due time.Duration) {
	if b.isChain(account, o.task) {
		b.checkChainNormal(account, o, due)
		return
	}
	if row := b.rowsOf[slotKey{account, o.task, o.slot}]; row != nil && (row.run.Manual || row.run.Due.Before(o.due)) {
		return // a person was earlier, or it was due earlier by another version
	}
	t, ran := b.taskOf(account, o.task), b.bySlot[slotKey{account, o.task, o.slot}]
	start, bound := due, 2*time.Second
	if len(ran) > 0 {
		start += ran[0].run.Offset
	}
	if t.StartLimit != "" {
		bound *= 5 // for the others that count against it
	}
	if o.skip || o.late || b.wasAway(account, due, due) || b.disturbed.touch(due-calm-10*time.Second, due+t.Spread+10*time.Second) || b.held(account, o, start) {
		return
	}
	b.checked.AtOnce++
	for _, x := range ran {
		if x.begin >= start && x.begin <= start+bound {
			return
		}
	}
	b.w.violate("normal after faults", fmt.Sprintf("%s %s %s, due %v, did not run at once", account, o.task, o.slot, b.w.local(due)))
}

// held reports whether an occurrence may have to wait for other runs.
func (b *book) held(account string, o occurrence, due time.Duration) bool {
	t := b.taskOf(account, o.task)
	going := 0
	for _, x := range b.executions {
		end := x.gone()
		if !x.over {
			end = b.w.now
		}
		if x.begin > due+time.Second || end < due-time.Second {
			continue
		}
		going++
		other := x.run.Account == account && (x.run.Task != o.task || x.run.Slot != o.slot)
		if b.w.script.logins && x.run.Account == account && b.wasAway(account, x.begin, end) {
			return true // who came back is logged in when what went on has returned
		}
		if other && (x.run.Task == o.task || t.Exclusive != "" && x.task.Exclusive == t.Exclusive) {
			return true
		}
	}
	return b.w.script.places > 0 && going >= b.w.script.places
}

// triesAgain reports whether another attempt is to follow.
func (x *execution) triesAgain() bool {
	return x.run.Attempt < x.task.Retry.Attempts && (x.result == returnsError || x.result == panics)
}

// gone is when the run is over at the latest, and its outcome stored, if all is
// well: it may be tried again.
func (x *execution) gone() time.Duration {
	if x.triesAgain() {
		return x.end + 2*time.Minute
	}
	return x.end + time.Second
}

// checkAlive holds the processes, long after the last fault, to be as they should.
func (w *World) checkAlive() {
	active := 0
	for _, p := range w.processes {
		if p == nil || p.ended {
			w.violate("alive", "a replica is down")
			return
		}
		st := p.sched.Status()
		if st.State == tradeclock.StateActive {
			active++
			w.heldToQuarantine(p, st.Quarantined)
		}
		if st.State == tradeclock.StateStandby && len(p.online) > 0 {
			w.violate("logins", fmt.Sprintf("%s stands by, and %d accounts are still logged in", p.name, len(p.online)))
		}
		if gap := w.now - p.beat; gap > beatGap {
			w.violate("alive", fmt.Sprintf("%s did not beat for %v", p.name, gap))
		}
		if st.Unstored > 0 && len(st.Running) == 0 {
			w.violate("alive", fmt.Sprintf("%s still has %d outcomes to store", p.name, st.Unstored))
		}
		for _, condition := range st.Degraded {
			if !w.isOrdinary(condition) {
				w.violate("alive", p.name+" is degraded: "+condition)
			}
		}
	}
	if active != 1 {
		w.violate("alive", fmt.Sprintf("%d replicas are active", active))
	}
}

// isOrdinary reports whether a condition of health says nothing of a fault: a task
// that did nothing for long, a calendar that does not know a day, a row of an account that
// is still to come, or one that is bad.
func (w *World) isOrdinary(condition string) bool {
	if strings.HasPrefix(condition, "schedules of accounts that are not enrolled") {
		return slices.ContainsFunc(w.script.accounts, func(account string) bool { return !w.enrolled[account] })
	}
	if strings.HasPrefix(condition, "scheduled once, in the past") {
		return slices.ContainsFunc(w.script.tasks, func(t task) bool {
			return t.kind == "once" && w.script.instant(t.date, t.from).Before(w.wallAt(w.now))
		})
	}
	return strings.Contains(condition, "times in a row") || strings.Contains(condition, "has missed a run") ||
		strings.Contains(condition, "does not know") || strings.Contains(condition, "not known") ||
		strings.HasPrefix(condition, "quarantined: ") || strings.Contains(condition, stuckSlot)
}
