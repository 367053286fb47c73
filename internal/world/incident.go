package world

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/store"
)

// The kinds of what goes wrong, and of what people do.
const (
	refuse      = "error before commit"
	lose        = "error after commit"
	hang        = "hang"              // until the caller has had enough
	swallow     = "answer never came" // after the commit
	deaf        = "late commit"       // long after the caller has had enough
	slow        = "slow call"
	stale       = "stale read"
	nonsense    = "nonsense"
	partition   = "partition" // no call reaches the store
	crashBefore = "crash before commit"
	crashAfter  = "crash after commit"
	freezeAfter = "freeze after commit"
	stopBefore  = "stop before commit"
	stopAfter   = "stop after commit"
	crash       = "crash"
	outage      = "outage" // of all replicas, for many hours
	stop        = "stop and start"
	freeze      = "freeze"
	suspend     = "suspended host"
	step        = "clock step"
	busyTasks   = "slow tasks"
	hungTasks   = "tasks that ignore their context"
	brokenTasks = "failing tasks"
	badLogins   = "slow and failing logins"
	halt        = "halt"
	cancelling  = "cancel"
	skipOne     = "skip"
	moveOne     = "move"
	restoreOne  = "restore"
	withdraw    = "withdrawal"
	trigger     = "trigger"
	standIn     = "trigger for today"
	inquiry     = "question"
	reset       = "reset of the watermark"
	edit        = "edit"
	rekind      = "change of kind"
	disable     = "disabling"
	prune       = "pruning"
	closure     = "ad-hoc closure"
	shorten     = "ad-hoc early close"
	silence     = "calendar knows nothing"
	badCalendar = "failing calendar"
)

// faultOf returns what is wrong with a call, and how long it takes.
func (w *World) faultOf(p *process, op, key string) (fault string, takes time.Duration) {
	attempt := w.attempt(p, op, key)
	c := w.script.chance
	who := fmt.Sprint(op, " ", p.replica, " ", key)
	for _, in := range w.active {
		hits := in.replica < 0 || in.replica == p.replica
		about := in.op == op || in.op == "" && in.kind != stale
		if !hits || !about || !isStoreFault(in.kind) || c.pick(1000, in.kind, who, attempt) >= in.rate {
			continue
		}
		switch in.kind {
		case crashBefore, crashAfter:
			w.drop(in)
			takes = w.downtime(p, op)
		case freezeAfter:
			w.drop(in)
			takes = c.between(20*time.Second, 5*time.Minute, "freeze", who, attempt)
		case stopBefore, stopAfter:
			w.drop(in)
			takes = c.between(0, 20*time.Second, "stop", who, attempt)
		case slow:
			takes = c.between(100*time.Millisecond, 90*time.Second, "slow", who, attempt)
		case stale:
			w.staled[op] = w.now
		case deaf:
			takes = c.between(time.Second, 4*time.Minute, "deaf", who, attempt)
		}
		w.inject(in.kind)
		w.breakDown(w.now, w.now+takes)
		w.note(p, "%s of %s %s", in.kind, op, key)
		return in.kind, takes
	}
	if w.script.replicas == 0 || w.opts.Faultless || !c.oneIn(4, "latency", who, attempt) {
		return "", 0
	}
	return "", c.between(time.Millisecond, 20*time.Millisecond, "latency", who, attempt)
}

func isStoreFault(kind string) bool {
	switch kind {
	case refuse, lose, hang, swallow, deaf, slow, stale, nonsense, partition, crashBefore, crashAfter, freezeAfter, stopBefore, stopAfter:
		return true
	}
	return false
}

// crashesAt reports whether the process crashes at a call that is not one of the
// store's, and lets it.
func (w *World) crashesAt(p *process, op string) bool {
	for _, in := range w.active {
		if in.op != op || in.replica >= 0 && in.replica != p.replica {
			continue
		}
		w.drop(in)
		w.inject(in.kind)
		w.note(p, "%s at %s", in.kind, op)
		w.crash(p, w.now+w.downtime(p, op))
		return true
	}
	return false
}

// attempt counts the calls for one purpose.
func (w *World) attempt(p *process, op, key string) int {
	k := fmt.Sprint(p.replica, op, key)
	w.attempts[k]++
	return w.attempts[k]
}

// downtime is how long a replica that crashed is down.
func (w *World) downtime(p *process, op string) time.Duration {
	n := w.attempt(p, "down", op)
	if w.script.chance.oneIn(6, "long down", op, n) {
		return w.script.chance.between(time.Minute, 40*time.Minute, "down", op, n)
	}
	return w.script.chance.between(time.Second, time.Minute, "down", op, n)
}

// beginIncident makes an incident happen.
func (w *World) beginIncident(in incident) {
	w.note(nil, "%v", in)
	if isStoreFault(in.kind) || slices.Contains([]string{busyTasks, hungTasks, brokenTasks, badLogins, badCalendar}, in.kind) {
		if in.kind == badCalendar {
			w.breakCalendar(in)
		}
		w.active = append(w.active, in)
		w.at(in.end, func() { w.drop(in) })
		return
	}
	w.inject(in.kind)
	switch in.kind {
	case crash, stop, freeze, suspend, step:
		w.disturb(w.now, in.end)
		if p := w.processes[in.replica]; p != nil {
			w.harm(p, in)
		}
	case outage:
		for _, p := range slices.Clone(w.processes) {
			if p != nil {
				w.crash(p, in.end)
			}
		}
	case halt:
		w.halt(in)
	case withdraw:
		w.withdraw(in)
	case trigger, standIn:
		w.trigger(in)
	case cancelling:
		w.cancelRuns(in)
	case skipOne, moveOne, restoreOne:
		w.override(in)
	case inquiry:
		w.question(in)
	case reset:
		w.resetMark(in)
	case prune:
		w.prune()
	case edit, rekind, disable:
		w.editRow(in)
	case closure, shorten, silence:
		w.changeCalendar(in)
	}
}

func (w *World) drop(in incident) {
	w.active = slices.DeleteFunc(w.active, func(o incident) bool { return o.number == in.number })
}

// harm does to a process what the incident says.
func (w *World) harm(p *process, in incident) {
	switch in.kind {
	case crash:
		w.crash(p, in.end)
	case stop:
		w.stop(p, in.end, in.number%2 == 0)
	case freeze, suspend:
		w.fallAsleep(w.now, in.end)
		p.freeze(in.end, in.kind == suspend)
	case step:
		p.offset += in.by
		w.breakDown(w.now, in.end+max(in.by, 0))
		w.book.stepped.add(w.now, in.end)
		w.at(in.end, func() { p.offset -= in.by })
	}
}

// stop tells a process to stop, as a signal does. The next one begins at back, or as
// soon as it has ended.
func (w *World) stop(p *process, back time.Duration, atOnce bool) {
	if p.stopping {
		return
	}
	p.stopping, p.leaves = true, w.now
	w.note(p, "is told to stop")
	w.disturb(w.now, w.now)
	if p.cancel(); atOnce {
		p.next = func() { w.at(w.now, func() { w.replace(p) }) }
		back = w.now + 2*time.Minute // it has ended by then
	}
	w.at(back, func() { w.replace(p) })
}

// replace boots a replica anew whose process was told to stop. One that has not
// ended by now is killed.
func (w *World) replace(p *process) {
	if p.dead {
		return
	}
	w.disturb(w.now, w.now)
	if !p.ended {
		w.crash(p, w.now+time.Second)
		return
	}
	p.dead = true
	w.processes[p.replica] = nil
	w.boot(p.replica)
}

// prune removes what is old from the ledger. The world keeps it, to hold it to the
// invariants at the end.
func (w *World) prune() {
	before := w.book.mark.Add(-store.MinRetention)
	var old []tradeclock.Run
	for _, r := range w.runs() {
		if r.Outcome.Final() && r.Through().Before(before) {
			old = append(old, r)
		}
	}
	n, err := w.database.Prune(whole, schedulerName, before)
	if err != nil || n != len(old) {
		w.violate("complete", fmt.Sprintf("%d rows were pruned, want %d, error: %v", n, len(old), err))
	}
	w.pruned = append(w.pruned, old...)
}

// editRow moves a task's time, gives it a rule of another kind, or disables it, and
// undoes that at the end.
func (w *World) editRow(in incident) {
	original := w.script.tasks[in.task]
	if !original.isStored() {
		return
	}
	edited := original
	switch move := time.Duration(1+in.number%20) * time.Minute; {
	case in.kind == disable:
		edited.Disabled = true
	case in.kind == rekind && original.ruleKind() != "after":
		edited = original.ofAnotherKind()
	case original.kind == "open" || original.kind == "close" || original.ruleKind() == "after":
		edited.every += move
	default:
		edited.from += move
	}
	w.edit(in.task, edited)
	w.at(in.end, func() { w.edit(in.task, original) })
}

// edit replaces a row.
func (w *World) edit(i int, to task) {
	w.script.tasks[i] = to.replaces(w.script.tasks[i], w.wallAt(w.now))
	w.putRow(i)
	w.note(nil, "the row of %s is %s, disabled: %v", to.Task, to.rule(), to.Disabled)
	w.book.rows.change(w.now, slices.Clone(w.script.tasks))
}

func (w *World) putRow(i int) {
	if !w.script.tasks[i].isStored() {
		return
	}
	if _, err := w.database.PutSchedule(whole, store.By{Actor: "ops", Reason: "a test"}, w.script.tasks[i].schedule()); err != nil {
		panic(err)
	}
}

// changeCalendar closes the exchange today or tomorrow, or earlier, or lets the
// calendar know nothing of some days, for a while.
func (w *World) changeCalendar(in incident) {
	today := calendar.DateOf(w.local(w.now))
	was := w.script.sessions
	is := maps.Clone(was)
	for i := range 2 {
		date := today.AddDays(i)
		switch {
		case in.kind == silence:
			is[date] = session{kind: calendar.Closed, unknown: true}
		case in.kind == closure && i == in.number%2:
			is[date] = session{}
		case in.kind == shorten && is[date].kind == calendar.Regular && !is[date].unsaid:
			is[date] = session{kind: calendar.Shortened, open: is[date].open, close: 12 * time.Hour}
		}
	}
	if w.changed() {
		return
	}
	w.script.sessions = is
	w.book.calendars.change(w.now, is)
	w.at(in.end, func() {
		w.script.sessions = was
		w.book.calendars.change(w.now, was)
	})
}

// changed reports whether a change of the calendar is in force.
func (w *World) changed() bool { return w.book.calendars.latest()%2 == 0 }

// knowHolder notes what a process calls itself, of which a part is random.
func (w *World) knowHolder(p *process, holder string) {
	if p.holder == "" {
		p.holder = holder
		inSlot := strings.ReplaceAll(holder, "/", "-")
		w.book.holders = append(w.book.holders, holder, p.name, inSlot, p.name)
		w.book.named = strings.NewReplacer(w.book.holders...)
	}
}
