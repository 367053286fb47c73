package world

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
)

// execution is one call of Execute that the world saw.
type execution struct {
	p          *process
	run        tradeclock.Run
	task       task
	begin, end time.Duration
	over       bool   // it returned, or its process died
	result     string // empty if its process died
	cause      error  // why its context had ended, if it had
	// halted is when a halt, or who cancelled it, was to end its context, or zero.
	halted time.Duration
}

// begin notes a call of Execute, and holds it to everything that must be true then.
func (b *book) begin(p *process, run tradeclock.Run) *execution {
	x := &execution{p: p, run: run, begin: b.w.now, task: b.taskOf(run.Account, run.Task)}
	b.w.note(p, "executes %s, attempt %d, in term %d", describe(&run), run.Attempt, run.Term)
	key := slotOf(&run)
	for _, check := range []func(*execution) (invariant, text string){
		b.once, b.cancelled, b.obeys, b.entitled, b.alone, b.inTime, b.spread, b.limited, b.tried, b.enabled, b.allowed, b.ordered, b.wished, b.informed, b.chained,
	} {
		if invariant, text := check(x); text != "" {
			b.w.violate(invariant, fmt.Sprintf("%s at %s: %s", describe(&run), p.name, text))
		}
	}
	b.executions = append(b.executions, x)
	b.bySlot[key] = append(b.bySlot[key], x)
	b.running = append(b.running, x)
	return x
}

// end notes that Execute returns.
func (b *book) end(x *execution, result string, cause error) {
	x.over, x.end, x.result, x.cause = true, b.w.now, result, cause
	b.running = slices.DeleteFunc(b.running, func(o *execution) bool { return o == x })
	b.w.note(x.p, "returns from %s: %s", describe(&x.run), result)
	late := x.end - x.begin - x.task.Timeout
	if x.task.Timeout > 0 && late > time.Second && cause == nil && !x.p.frozen(x.begin) {
		b.w.violate("deadlines are kept", fmt.Sprintf("%s: its context has not ended %v after its deadline", describe(&x.run), late))
	}
	lasted := cause == nil || errors.Is(cause, tradeclock.ErrTimeout) && x.halted-x.begin < x.task.Timeout-time.Second
	if x.halted > 0 && lasted {
		b.w.violate("halted", describe(&x.run)+": it was to be cancelled, and its context went on")
	}
	b.heldToCancel(x)
}

// died ends the executions of a process that crashed.
func (b *book) died(p *process) {
	b.running = slices.DeleteFunc(b.running, func(x *execution) bool {
		if x.p == p {
			x.over, x.end = true, b.w.now
		}
		return x.p == p
	})
}

// taskOf returns the row of a task of an account, as it is by now.
func (b *book) taskOf(account, name string) task {
	t, _ := rowFor(b.w.script.tasks, account, name)
	return t
}

// once: an occurrence runs once, but for the attempts that its retries allow, and,
// if it is delivered at least once, but for other terms.
func (b *book) once(x *execution) (invariant, text string) {
	attempts := 0
	for _, o := range b.bySlot[slotOf(&x.run)] {
		switch {
		case o.run.Token == x.run.Token && o.p == x.p:
			attempts = o.run.Attempt
		case x.task.Delivery == tradeclock.AtMostOnce || x.run.Manual:
			return "at most once", fmt.Sprintf("it was executed already, by %s in term %d", o.p.name, o.run.Term)
		case o.p == x.p && x.run.Term <= o.run.Term && !errors.Is(o.cause, tradeclock.ErrTermLost):
			return "at least once", fmt.Sprintf("it was executed already in term %d", o.run.Term)
		}
	}
	if x.run.Attempt != attempts+1 {
		return "at most once", fmt.Sprintf("attempt %d follows attempt %d", x.run.Attempt, attempts)
	}
	return "", ""
}

// entitled: what runs at most once is claimed, and starts while its term lasts.
func (b *book) entitled(x *execution) (invariant, text string) {
	if x.task.Delivery == tradeclock.AtLeastOnce {
		return "", ""
	}
	row := b.rowsOf[slotOf(&x.run)]
	switch {
	case row == nil || row.token != x.run.Token:
		return "at most once", "it is not claimed"
	case x.run.Term < b.term.Number:
		return "within a term", fmt.Sprintf("it starts in term %d, and term %d has begun", x.run.Term, b.term.Number)
	case x.run.Attempt == 1 && !row.outcome.Open():
		return "at most once", "it is settled already as " + row.outcome.String()
	}
	return "", ""
}

// alone: no overlap where the policy forbids it, and one run of a group.
func (b *book) alone(x *execution) (invariant, text string) {
	places := 0
	for _, o := range b.running {
		same := o.p == x.p || o.run.Term == x.run.Term
		if o.p == x.p && (o.task.Timeout == 0 || b.w.now-o.begin < o.task.Timeout) {
			places++
		}
		switch {
		case !same || o.run.Account != x.run.Account:
		case o.run.Task == x.run.Task && x.task.Overlap != tradeclock.OverlapAllow:
			return "no overlap", fmt.Sprintf("%s goes on", describe(&o.run))
		case x.task.Exclusive != "" && o.task.Exclusive == x.task.Exclusive:
			return "groups are exclusive", fmt.Sprintf("%s goes on", describe(&o.run))
		}
	}
	if limit := b.w.script.places; limit > 0 && places >= limit {
		return "places", fmt.Sprintf("%d runs go on", places)
	}
	return "", ""
}

// inTime: neither before it is due nor after its catch-up, by the process's clock.
func (b *book) inTime(x *execution) (invariant, text string) {
	late := x.p.wall().Sub(x.run.Due)
	switch {
	case x.run.Manual: // it may stand for an earlier or a later one
	case late < x.run.Offset && x.run.Attempt == 1:
		return "not early", fmt.Sprintf("it may start in %v", x.run.Offset-late)
	case x.run.Attempt == 1 && (late >= x.task.catchUp() || b.pastUntil(x, late)):
		return "catch-up", fmt.Sprintf("it is %v late", late)
	case x.repeats() && !b.isMoved(&x.run) && x.run.Attempt == 1 && late >= time.Minute && (b.followed(x) || b.overtaken(x)):
		return "catch-up", "a newer occurrence is due"
	}
	return "", ""
}

// pastUntil reports whether the moment at which the catch-up also ends has come, by each
// calendar that the process may have. Where it cannot be told, a run is on time or not
// at all.
func (b *book) pastUntil(x *execution, late time.Duration) bool {
	if x.task.CatchUpUntil == nil {
		return false
	}
	for _, c := range b.calendars.given(x.p, b.w.now-poll, 2) {
		until, told := b.w.script.untilOf(x.task, x.run.Session, b.calendars.all[c-1][x.run.Session])
		if told && x.p.wall().Before(until) || !told && late < time.Minute {
			return false
		}
	}
	return true
}

// untilOf returns the moment of a session at which the catch-up of a task also ends.
func (x exchangePlace) untilOf(t task, date calendar.Date, is session) (until time.Time, told bool) {
	if t.CatchUpUntil.Anchor == "" {
		return x.instant(date, time.Duration(t.CatchUpUntil.Wall)*time.Second), true
	}
	return x.instant(date, is.close), is.kind != calendar.Closed && !is.unknown && !is.unsaid
}

// spread: an offset is less than the row's spread, and the same for each start of a slot.
func (b *book) spread(x *execution) (invariant, text string) {
	if x.run.Offset != 0 && (x.run.Manual || x.run.Offset >= x.task.Spread) {
		return "spread", fmt.Sprintf("its offset is %v", x.run.Offset)
	}
	for _, o := range b.bySlot[slotOf(&x.run)] {
		if o.run.Offset != x.run.Offset && !o.run.Manual && !x.run.Manual {
			return "spread", fmt.Sprintf("its offset is %v, and was %v", x.run.Offset, o.run.Offset)
		}
	}
	return "", ""
}

// limited: no stretch of time has more starts than the limit.
func (b *book) limited(x *execution) (invariant, text string) {
	if x.task.StartLimit == "" || x.run.Attempt > 1 {
		return "", ""
	}
	limit := b.w.script.limit
	starts := 1
	for _, o := range slices.Backward(b.executions) {
		if b.w.now-o.begin >= limit.Per {
			break
		}
		if o.task.StartLimit == x.task.StartLimit && o.run.Attempt == 1 && (!limit.PerAccount || o.run.Account == x.run.Account) {
			starts++
		}
	}
	if starts > limit.Starts {
		return "start limits", fmt.Sprintf("it is start %d in %v", starts, limit.Per)
	}
	return "", ""
}

// repeats reports whether of several late occurrences only the newest runs: their slots
// have a time.
func (x *execution) repeats() bool { return strings.Contains(x.run.Slot, "T") }

// overtaken reports whether, in calm times, the task's next occurrence came due so long
// ago that a tick has looked at it.
func (b *book) overtaken(x *execution) bool {
	now, looked := b.w.now, x.p.wall().Add(-15*time.Second)
	if b.disturbed.touch(now-time.Minute, now) || b.rows.uncertain(now-near, now) || b.calendars.uncertain(now-near, now) {
		return false
	}
	return slices.ContainsFunc(b.occurrences(b.rows.at(now), b.calendars.at(now), x.run.Account, x.run.Task, x.run.Session), func(o occurrence) bool {
		o = b.asSaid(x.run.Account, o)
		return !o.skip && !o.moved && o.due.After(x.run.Due) && !o.due.After(looked)
	})
}

// followed reports whether the task's next occurrence had been executed before.
func (b *book) followed(x *execution) bool {
	return slices.ContainsFunc(b.executions, func(o *execution) bool {
		return !o.run.Manual && !b.isMoved(&o.run) && o.run.Account == x.run.Account && o.run.Task == x.run.Task && o.run.Due.After(x.run.Due) &&
			o.p == x.p && o.run.Term == x.run.Term && x.run.Attempt == 1
	})
}

// tried: attempts are as many and as far apart as the row says.
func (b *book) tried(x *execution) (invariant, text string) {
	before := slices.DeleteFunc(slices.Clone(b.bySlot[slotOf(&x.run)]), func(o *execution) bool { return o.run.Token != x.run.Token })
	if x.run.Attempt == 1 || len(before) == 0 {
		return "", ""
	}
	last, retry := before[len(before)-1], x.task.Retry
	switch {
	case x.run.Attempt > retry.Attempts:
		return "retries", fmt.Sprintf("attempt %d of %d", x.run.Attempt, retry.Attempts)
	case last.result != returnsError && last.result != panics:
		return "retries", "the attempt before it returned " + last.result
	case b.w.now-last.end < retry.Backoff:
		return "retries", fmt.Sprintf("%v after the attempt before it", b.w.now-last.end)
	}
	return "", ""
}

// enabled: nothing starts of a row that is disabled, and no further attempt of it either.
func (b *book) enabled(x *execution) (invariant, text string) {
	if x.run.Manual {
		return "", ""
	}
	for _, r := range b.rows.given(x.p, b.w.now-beatGap, 1) {
		if t, _ := rowFor(b.rows.all[r-1], x.run.Account, x.run.Task); !t.Disabled {
			return "", ""
		}
	}
	return "disabled", "its row is disabled"
}

// allowed: the occurrence is one of the rows and the calendar that the process was
// given. An attempt that follows another needs neither.
func (b *book) allowed(x *execution) (invariant, text string) {
	if x.run.Attempt > 1 || x.run.Manual {
		return "", ""
	}
	planned := min(b.w.now, x.run.Due.Sub(b.w.script.start)-x.p.offset)
	if x.p.offset != 0 || x.task.kind == "chain" {
		planned = x.p.born // its clock was set meanwhile, or it has waited
	}
	found := false
	for _, r := range b.rows.given(x.p, planned, 2) {
		for _, c := range b.calendars.given(x.p, planned, 2) {
			for _, o := range b.occurrences(r, c, x.run.Account, x.run.Task, x.run.Session) {
				o = b.asSaid(x.run.Account, o)
				found = found || !o.skip && o.isOf(&x.run)
			}
		}
	}
	if !found {
		return "closed means closed", fmt.Sprintf("it is no occurrence of session %v", x.run.Session)
	}
	return "", ""
}

// ordered: nothing starts for an account that is halted or withdrawn.
func (b *book) ordered(x *execution) (invariant, text string) {
	if at, withdrawn := x.p.withdrawn[x.run.Account]; withdrawn && at < b.w.now {
		return "withdrawn", "its account was withdrawn"
	}
	// Halts are read before each batch of claims. With a store that is slow, a tick
	// may go by; what is delivered at least once does without them for longer.
	bound := 2 * time.Second
	if b.broken.touch(b.w.now-time.Minute, b.w.now) {
		bound = time.Minute
	}
	at, halted := b.haltFor(x.run.Account)
	strict := x.task.Delivery == tradeclock.AtMostOnce || !b.broken.touch(at, b.w.now)
	if halted && strict && x.run.Attempt == 1 && b.w.now-at > bound && !b.w.staleHalts() {
		return "halted", fmt.Sprintf("its account has been halted for %v", b.w.now-at)
	}
	return "", ""
}

// haltFor is since when a halt of an account, or of all, is stored.
func (b *book) haltFor(account string) (at time.Duration, halted bool) {
	own, halted := b.halts[account]
	all, everybody := b.halts[""]
	if everybody && (!halted || all.at < own.at) {
		return all.at, true
	}
	return own.at, halted
}

var errCancelled = []error{tradeclock.ErrTermLost, tradeclock.ErrStopped, tradeclock.ErrTimeout, tradeclock.ErrHalted, tradeclock.ErrCancelled}

// interrupted reports whether the execution was cut short, by whatever. The next
// occurrence may also come between two attempts.
func (x *execution) interrupted() bool {
	replaced := x.task.Overlap == tradeclock.OverlapCancel
	if x.cause == nil {
		return x.result == "" || replaced && x.triesAgain()
	}
	return x.result == returnsCause || replaced || slices.ContainsFunc(errCancelled, func(err error) bool { return errors.Is(x.cause, err) })
}

// staleHalts reports whether a reading of the halts was stale a moment ago.
func (w *World) staleHalts() bool {
	at, ok := w.staled["Halts"]
	return ok && w.now-at <= time.Minute
}
