// Package world is a simulated world for schedulers: the real engine, in one to
// three replicas, on a store in memory or another, with time, goroutines, faults and
// people that a seed decides about. The world keeps an account of its own of what it saw,
// outside the store, and holds the scheduler and the ledger to it.
//
// One seed has one world, to the last call: routines run one at a time, in an order
// that the seed chooses, and each chance depends on the seed, the operation, the
// slot and the attempt alone.
package world

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/memstore"
)

// schedulerName is the name of the one scheduler of a world.
const schedulerName = "paper"

// World is one simulated world.
type World struct {
	script   *script
	opts     Options
	now      time.Duration // since the start
	steps    int
	routines routines

	database  Database
	processes []*process // those that are up, by replica; nil if it is down
	graveyard []*process // crashed, and not buried yet
	booted    int
	events    []event // by time
	active    []incident
	attempts  map[string]int
	enrolled  map[string]bool

	pruned   []tradeclock.Run
	book     *book
	timeline timeline
	faults   map[string]int
	staled   map[string]time.Duration // when a read was last stale, by operation
	findings []Finding
}

// Finding is a violation of an invariant.
type Finding struct {
	Invariant string
	Text      string
	At        time.Duration
}

// Result is what became of a world.
type Result struct {
	Seed      uint64
	Days      int
	Without   map[int]bool // the incidents that were left out
	Findings  []Finding
	Faults    map[string]int // injected, by kind
	Incidents []Incident     // planned
	Runs      int            // executions
	Checked   Checked
	Steps     int // turns of routines
	Timeline  []string
	Digest    uint64 // of the whole timeline

	database func(tradeclock.Clock) Database // as in Options
}

// Incident is one of those that the script of a world had.
type Incident struct {
	Number int
	Kind   string
	Text   string // with its time, in a line
}

// Checked says how much of what was due was held to the strictest invariants. The rest
// was too near to a change, or to a fault, to go one way only.
type Checked struct {
	Occurrences int // that the watermark passed, by account
	Accounted   int // must be in the ledger once, written before the watermark passed
	AtOnce      int // must have run within two seconds
	Chained     int // must have run when another had succeeded
}

// Add adds what another world checked.
func (c *Checked) Add(o Checked) {
	c.Occurrences += o.Occurrences
	c.Accounted += o.Accounted
	c.AtOnce += o.AtOnce
	c.Chained += o.Chained
}

// event is something that the world does at an instant.
type event struct {
	at time.Duration
	do func()
}

// Run lets the world of a seed go on to its end, or to its first violation.
func Run(seed uint64, opts Options) Result {
	w := newWorld(seed, opts)
	w.begin()
	w.runUntil(w.script.length())
	if len(w.findings) == 0 {
		w.check()
		w.questionAll()
		w.runUntil(w.now + time.Minute)
	}
	if len(w.findings) == 0 {
		w.stopAll()
	}
	w.clear()
	return w.result(seed)
}

func newWorld(seed uint64, opts Options) *World {
	w := &World{
		script:   newScript(seed, opts),
		opts:     opts,
		attempts: make(map[string]int),
		enrolled: make(map[string]bool),
		faults:   make(map[string]int),
		staled:   make(map[string]time.Duration),
		timeline: timeline{whole: opts.Whole, digest: fnv.New64a()},
	}
	if w.database = memstore.New(worldClock{w: w}); opts.Database != nil {
		w.database = opts.Database(worldClock{w: w})
	}
	w.routines.turn = func(n int) int {
		w.steps++
		return w.script.chance.pick(n, "turn", "", w.steps)
	}
	w.book = newBook(w)
	w.processes = make([]*process, w.script.replicas)
	for i, account := range w.script.accounts {
		if w.enrolled[account] = i == 0 || !w.script.newcomers; w.enrolled[account] {
			w.book.asked(account)
		}
	}
	return w
}

// begin stores the rows, lays out what is to happen, and boots the replicas.
func (w *World) begin() {
	for i := range w.script.tasks {
		w.putRow(i)
	}
	w.book.rows.change(0, slices.Clone(w.script.tasks))
	w.book.calendars.change(0, w.script.sessions)
	for _, in := range w.script.incidents {
		w.at(in.at, func() { w.beginIncident(in) })
	}
	if w.script.newcomers {
		for _, account := range w.script.accounts[1:] {
			w.at(5*time.Hour, func() { w.enroll(account) })
		}
	}
	for replica := range w.processes {
		w.boot(replica)
	}
}

func (w *World) wallAt(at time.Duration) time.Time { return w.script.start.Add(at).UTC() }

// local is an instant as it is read at the exchange.
func (w *World) local(at time.Duration) time.Time { return w.script.start.Add(at).In(w.script.zone) }

// at notes something to do at an instant.
func (w *World) at(at time.Duration, do func()) {
	i, _ := slices.BinarySearchFunc(w.events, at, func(e event, at time.Duration) int {
		return cmp.Or(cmp.Compare(e.at, at), -1) // after its equals
	})
	w.events = slices.Insert(w.events, i, event{at, do})
}

// runUntil lets everything happen up to an instant, or the first violation.
func (w *World) runUntil(end time.Duration) {
	for len(w.findings) == 0 {
		w.bury()
		if w.routines.step(func(p *process) bool { return !p.dead }) {
			continue
		}
		next := w.next()
		if next > end {
			w.now = max(w.now, end)
			return
		}
		w.now = max(w.now, next)
		for _, p := range w.processes {
			if p != nil {
				p.fire()
			}
		}
		for len(w.events) > 0 && w.events[0].at <= w.now {
			do := w.events[0].do
			w.events = w.events[1:]
			do()
		}
	}
}

// next is when something happens next.
func (w *World) next() time.Duration {
	next := never
	for _, r := range w.routines.all {
		next = min(next, r.p.arrives(r.until))
	}
	for _, p := range w.processes {
		if p == nil {
			continue
		}
		for _, t := range p.timers {
			next = min(next, p.arrives(t.at))
		}
	}
	if len(w.events) > 0 {
		next = min(next, w.events[0].at)
	}
	return next
}

// boot starts a replica, if it is down.
func (w *World) boot(replica int) {
	if w.processes[replica] != nil {
		return
	}
	w.booted++
	p := newProcess(w, replica, w.booted)
	w.processes[replica] = p
	w.note(p, "boots")
	p.run()
}

// crash ends a process as a power cut does: all that it had in memory is gone, and
// the replica is started again a little later.
func (w *World) crash(p *process, back time.Duration) {
	if p.dead {
		return
	}
	w.note(p, "crashes")
	p.crashed = true
	p.die()
	w.book.died(p)
	w.graveyard = append(w.graveyard, p)
	w.processes[p.replica] = nil
	w.disturb(w.now, back)
	w.at(back, func() { w.boot(p.replica) })
}

// bury brings the routines of crashed processes to their end. Nothing that they do
// reaches the world. It also shows that Run returns even if nothing works.
func (w *World) bury() {
	for len(w.graveyard) > 0 {
		p := w.graveyard[0]
		w.graveyard = w.graveyard[1:]
		for turns := 0; p.routines() > 0; turns++ {
			if turns > 1_000_000 {
				w.violate("ends within a bound", p.name+" did not end with nothing in reach")
				return
			}
			if !w.routines.step(func(o *process) bool { return o == p }) {
				p.lapse()
			}
		}
	}
}

// stopAll stops the replicas as a signal does, and holds them to a clean end.
func (w *World) stopAll() {
	up := slices.DeleteFunc(slices.Clone(w.processes), func(p *process) bool { return p == nil })
	for _, p := range up {
		p.cancel()
	}
	w.runUntil(w.now + 3*time.Minute)
	for _, p := range up {
		if len(w.findings) == 0 && (!p.ended || p.err != nil) {
			w.violate("ends cleanly", fmt.Sprintf("%s: ended: %v, error: %v", p.name, p.ended, p.err))
		}
	}
}

// clear lets everything end that still goes on.
func (w *World) clear() {
	for _, p := range w.processes {
		if p != nil && !p.dead {
			p.die()
			w.graveyard = append(w.graveyard, p)
		}
	}
	w.bury()
}

func (w *World) violate(invariant, text string) {
	text = w.book.named.Replace(text)
	w.findings = append(w.findings, Finding{invariant, text, w.now})
	w.note(nil, "VIOLATION of %s: %s", invariant, text)
}

// disturb notes that not everything is normal for a time, and shortly after it.
func (w *World) disturb(from, to time.Duration) { w.book.disturbed.add(from, to) }

// breakDown notes that something is broken for a time, and so that not everything
// is normal.
func (w *World) breakDown(from, to time.Duration) {
	w.book.failing.add(from, to)
	w.fallAsleep(from, to)
}

// fallAsleep notes that a process does nothing for a time.
func (w *World) fallAsleep(from, to time.Duration) {
	w.book.broken.add(from, to)
	w.disturb(from, to)
}

// inject counts a fault.
func (w *World) inject(kind string) { w.faults[kind]++ }

func (w *World) note(p *process, format string, args ...any) {
	who := ""
	if p != nil {
		who = p.name + ": "
	}
	text := fmt.Sprintf(format, args...)
	w.timeline.add(w.local(w.now).Format("Mon 02 15:04:05.000 ") + who + w.book.named.Replace(text))
}

func (w *World) result(seed uint64) Result {
	r := Result{
		Seed: seed, Days: w.script.days, Without: w.opts.Without, Findings: w.findings, Faults: w.faults, Runs: len(w.book.executions), Checked: w.book.checked,
		database: w.opts.Database, Steps: w.steps, Timeline: w.timeline.lines, Digest: w.timeline.digest.Sum64(),
	}
	for _, in := range w.script.incidents {
		text := fmt.Sprintf("%s %v", w.local(in.at).Format("Mon 02 15:04:05"), in)
		r.Incidents = append(r.Incidents, Incident{in.number, in.kind, text})
	}
	return r
}
