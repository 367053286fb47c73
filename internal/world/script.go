package world

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
)

// Options say how much of a seed's world there is. Two worlds with the same seed
// and options are the same.
type Options struct {
	// Days is how long the world goes on. Zero means a week.
	Days int
	// Faultless leaves out everything that goes wrong and every intervention.
	Faultless bool
	// Without leaves out the incidents with these numbers.
	Without map[int]bool
	// Database makes the store that is under the world, on its clock. If it is nil, that
	// is in memory.
	Database func(clock tradeclock.Clock) Database
	// Whole keeps every line of the timeline, and not only the last ones.
	Whole bool
}

// script is what a seed lays down before its world begins.
type script struct {
	exchangePlace
	chance    chance
	days      int
	start     time.Time
	replicas  int
	asks      bool // people ask from another process, too
	accounts  []string
	tasks     []task
	sessions  map[calendar.Date]session
	places    int           // Config.MaxConcurrent
	ahead     time.Duration // Config.ArmAhead
	limit     tradeclock.StartLimit
	term      time.Duration
	direct    bool // the calendar answers from memory
	newcomers bool // all accounts but the first come later
	logins    bool // the executors log in to a broker
	incidents []incident
}

// incident is something that happens to the world: a fault, or an intervention.
type incident struct {
	number  int
	kind    string
	at, end time.Duration
	replica int    // -1 for all
	op      string // a call of the store, or empty for all
	rate    int    // of 1000 calls
	by      time.Duration
	task    int // index of the task
	account string
}

// String returns the incident in a line.
func (in incident) String() string {
	text := fmt.Sprintf("#%d %s", in.number, in.kind)
	if in.op != "" {
		text += " of " + in.op
	}
	if in.replica >= 0 {
		text += fmt.Sprintf(" at replica %d", in.replica)
	}
	if in.by != 0 {
		text += fmt.Sprintf(" by %v", in.by)
	}
	return text + fmt.Sprintf(" for %v", in.end-in.at)
}

// tail is how long a world goes on, undisturbed, at the end: faults have stopped
// by then, and the market is open.
const tail = 20*time.Minute + 40*time.Second

func newScript(seed uint64, opts Options) *script {
	c := chance(seed)
	days := cmp.Or(opts.Days, 7)
	s := &script{
		exchangePlace: choosePlace(c, days),

		chance:   c,
		days:     days,
		replicas: 1 + c.pick(4, "replicas", "", 0)*2/3,
		asks:     c.oneIn(2, "asks", "", 0),
		accounts: []string{"a", "b", "c"}[:1+c.pick(3, "accounts", "", 0)],
		term:     []time.Duration{30, 30, 60, 90}[c.pick(4, "term", "", 0)] * time.Second,
		places:   []int{0, 0, 4, 6}[c.pick(4, "places", "", 0)],
		ahead:    []time.Duration{0, 3, 10}[c.pick(3, "ahead", "", 0)] * time.Second,
		limit:    tradeclock.StartLimit{Name: limitName, Starts: 2, Per: 2 * time.Second, PerAccount: c.oneIn(2, "limit of an account", "", 0)},
		direct:   c.oneIn(2, "direct calendar", "", 0),
		tasks:    makeTasks(c),
	}
	s.start = s.instant(s.firstDay, 8*time.Hour)
	s.tasks[11].date = s.firstDay.AddDays(c.pick(days, "once", "", 0))
	if s.firstDay != mumbai.firstDay {
		runAtNight(s.tasks)
	}
	s.addRows()
	s.newcomers = c.oneIn(3, "newcomers", "", 0)
	s.logins = c.oneIn(2, "logins", "", 0)
	s.makeSessions()
	if !opts.Faultless {
		s.layIncidents(opts)
	}
	return s
}

// length is how long the world goes on: until 11:00 and a little on the last day.
func (s *script) length() time.Duration {
	return time.Duration(s.days-1)*24*time.Hour + 3*time.Hour + tail
}

// The wall times at which a regular session begins and ends.
const (
	regularOpen  = 9*time.Hour + 15*time.Minute
	regularClose = 15*time.Hour + 30*time.Minute
)

// makeSessions makes the exchange's calendar: weekdays, with a holiday, an early
// close, or a special Saturday now and then. It reaches beyond the world's end.
func (s *script) makeSessions() {
	s.sessions = make(map[calendar.Date]session)
	for i := -40; i < s.days+40; i++ {
		date := s.firstDay.AddDays(i)
		roll := s.chance.pick(20, "session", date.String(), 0)
		weekend := date.Weekday() == time.Saturday || date.Weekday() == time.Sunday
		is := session{kind: calendar.Regular, open: regularOpen, close: regularClose}
		switch {
		case weekend && roll == 0:
			is = session{kind: calendar.Special, open: regularOpen, close: 10*time.Hour + 15*time.Minute}
		case weekend, roll == 1 && i != s.days-1:
			is = session{}
		case roll == 2:
			is.kind, is.close = calendar.Shortened, 12*time.Hour+30*time.Minute
		case roll == 3 && i != s.days-1:
			is.kind, is.unknown = calendar.Closed, true
		case roll == 4 && i != s.days-1:
			is.unsaid = true
		}
		s.sessions[date] = is
	}
}

// incidentKinds are the kinds of what happens, each with its share.
var incidentKinds = []struct {
	kind  string
	share int
}{
	{refuse, 8}, {lose, 8}, {hang, 6}, {swallow, 6}, {deaf, 5}, {slow, 6}, {stale, 5}, {crashBefore, 10}, {crashAfter, 14}, {freezeAfter, 12},
	{nonsense, 2}, {partition, 5}, {crash, 7}, {stop, 4}, {freeze, 6}, {suspend, 3}, {step, 4},
	{busyTasks, 6}, {hungTasks, 3}, {brokenTasks, 3},
	{halt, 6}, {withdraw, 4}, {edit, 5}, {disable, 3}, {closure, 3}, {silence, 3}, {badCalendar, 4},
	{badLogins, 6}, {trigger, 5}, {standIn, 7}, {rekind, 4}, {shorten, 3}, {prune, 3}, {outage, 2}, {inquiry, 4}, {reset, 3}, {stopBefore, 3}, {stopAfter, 3},
	{cancelling, 9}, {skipOne, 10}, {moveOne, 12}, {restoreOne, 3},
}

// layIncidents lays down those of every day: a few bursts, with rest between them,
// in which everything must be normal.
func (s *script) layIncidents(opts Options) {
	number := 0
	last := s.length() - tail
	for day := range s.days {
		for burst := range 3 + s.chance.pick(4, "bursts", "", day) {
			key := fmt.Sprintf("day %d burst %d", day, burst)
			at := time.Duration(day)*24*time.Hour + s.hour(key)
			for i := range 1 + s.chance.pick(3, "incidents", key, 0) {
				for _, in := range s.makeIncidents(key, i) {
					in.number = number
					number++
					in.at += at
					in.end += at
					if in.end+max(in.by, 0) < last && !opts.Without[in.number] {
						s.incidents = append(s.incidents, in)
					}
				}
			}
		}
	}
	slices.SortStableFunc(s.incidents, func(a, b incident) int { return cmp.Compare(a.at, b.at) })
}

// hour returns when a burst begins, since 08:00: mostly around what is due.
func (s *script) hour(key string) time.Duration {
	if s.chance.oneIn(3, "any time", key, 0) {
		return s.chance.between(0, 23*time.Hour, "hour", key, 0)
	}
	due := s.around(key).firstDue(s.tasks)
	hours := time.Duration(s.chance.pick(7, "hours", key, 0)) * time.Hour
	return max(0, due-8*time.Hour+s.chance.between(-90*time.Second, 30*time.Second, "hour", key, 1)+hours*time.Duration(s.chance.pick(2, "later", key, 0)))
}

// around is the task around whose occurrences a burst is.
func (s *script) around(key string) task {
	return s.tasks[s.chance.pick(len(taskNames), "around", key, 0)]
}

// makeIncidents makes an incident, with what goes with it, and with a fault that strikes
// who does what a person asks for.
func (s *script) makeIncidents(key string, i int) []incident {
	made := s.withAnother(s.makeIncident(key, i), key, i)
	if op, asked := askedOps[made[0].kind]; asked && s.chance.oneIn(2, "trouble", key, i) {
		made = append(made, s.troubleOf(made[0], op, key, i))
	}
	return made
}

// askedOps are the calls by which is done what people ask for.
var askedOps = map[string]string{
	trigger: "Claim", standIn: "Claim", halt: "Halt", cancelling: "Answer", skipOne: "Override", moveOne: "Override", restoreOne: "Override",
}

// troubleOf makes the fault that strikes who does what a person asks for: as it takes it,
// does it, or answers it.
func (s *script) troubleOf(in incident, op, key string, i int) incident {
	c := s.chance
	if in.kind == halt && c.oneIn(2, "trouble with the lift", key, i) {
		in.at, op = in.end, "Lift"
	}
	in.kind = []string{crashBefore, crashAfter, crashAfter, freezeAfter, refuse, lose, stopBefore, stopAfter}[c.pick(8, "trouble", key, i)]
	in.op = []string{"Take", "Answer", "Answer", op}[c.pick(4, "trouble of", key, i)]
	if in.op == "Answer" && c.oneIn(2, "done and not answered", key, i) {
		in.kind = crashBefore
	}
	in.replica, in.rate, in.account = -1, 1000, ""
	in.end = in.at + c.between(5*time.Second, time.Minute, "trouble for", key, i)
	return in
}

// withAnother returns an incident, or one and another that goes with it: runs take
// long while a replica is frozen or cut off, so that two processes may have the same
// one going on, or when somebody is to cancel them or a process stops; claims are on their
// way when it stops or the watermark is set back; a row is edited shortly before a host
// wakes; a process that crashed finds the rows unread, or the exchange closed, when it
// comes back to what it did; an account that came back goes again, or its process ends
// soon after it went or came; a person who is impatient asks twice; and another has
// another word about an occurrence.
func (s *script) withAnother(in incident, key string, i int) []incident {
	if in.kind != halt && in.kind != suspend && in.kind != cancelling && !s.chance.oneIn(2, "with another", key, i) {
		return []incident{in}
	}
	other := in
	switch in.kind {
	case freeze, freezeAfter, partition, halt, cancelling:
		other.kind, other.op, other.replica, other.at = busyTasks, "", -1, max(0, in.at-time.Minute)
	case stop, reset:
		if in.kind == stop && s.chance.oneIn(2, "cut off", key, i) {
			other.kind, other.replica, other.at = busyTasks, -1, max(0, in.at-time.Minute)
			break
		}
		other.kind, other.op = []string{hang, lose, slow}[s.chance.pick(3, "claims", key, i)], "Claim"
		other.at, other.end, other.by = max(0, in.at-30*time.Second), in.at+s.chance.between(0, 20*time.Second, "claims", key, i), 0
	case trigger, standIn:
		other.at += s.chance.between(0, 10*time.Second, "again", key, i)
		other.end += other.at - in.at
	case crashAfter:
		in.op, in.replica = "Claim", -1
		other.kind, other.op, other.rate, other.replica = refuse, "Schedules", 1000, -1
		other.end = other.at + s.chance.between(time.Minute, 2*time.Minute, "unread", key, i)
	case suspend:
		other.kind, other.replica, other.task = edit, 0, 2+s.chance.pick(2, "edited", key, i)
		other.at = in.end - s.chance.between(0, 15*time.Second, "edited", key, i)
		other.end += 5 * time.Minute
	case skipOne, moveOne: // another has another word
		other.kind = []string{skipOne, moveOne, restoreOne}[s.chance.pick(3, "another word", key, i)]
		other.at += s.chance.between(0, time.Minute, "again", key, i)
		other.end += other.at - in.at
	case closure, silence:
		other.kind, other.op, other.rate, other.replica = crashBefore, "Settle", 1000, -1
		other.at, other.end = max(0, in.at-time.Minute), in.at
	case withdraw: // a process ends once the account is gone or back, or it goes again
		since := []time.Duration{in.at, in.end}[s.chance.pick(2, "since", key, i)]
		other.at = since + s.chance.between(0, 2*time.Minute, "again", key, i)
		other.end += other.at - in.at
		if goes := s.chance.pick(3, "goes", key, i); goes > 0 || since == in.at {
			other.kind, other.replica = []string{crash, stop}[goes%2], max(in.replica, 0)
			other.end = other.at + s.chance.between(time.Second, 40*time.Minute, "down", key, i)
		}
	default:
		return []incident{in}
	}
	return []incident{in, other}
}

func (s *script) makeIncident(key string, i int) incident {
	c := s.chance
	in := incident{kind: c.kindOf("kind", key, i), replica: c.pick(s.replicas, "replica", key, i)}
	in.at = c.between(0, 2*time.Minute, "at", key, i)
	long := c.between(20*time.Second, 4*time.Minute, "for", key, i)
	if c.oneIn(8, "long", key, i) {
		long *= 8
	}
	in.end = in.at + long
	in.rate = []int{1000, 500, 200}[c.pick(3, "rate", key, i)]
	in.task = c.pick(len(s.tasks), "task", key, i)
	in.account = s.accounts[c.pick(len(s.accounts), "account", key, i)]
	if c.oneIn(3, "everywhere", key, i) {
		in.replica = -1
	}
	s.chooseOp(&in, key, i)
	s.chooseExtent(&in, key, i)
	return in
}

// chooseOp chooses the call that an incident is about, if it is about one.
func (s *script) chooseOp(in *incident, key string, i int) {
	c := s.chance
	switch in.kind {
	case nonsense:
		in.op = []string{"Lead", "Claim", "Record", "Settle"}[c.pick(4, "op", key, i)]
	case refuse, lose, hang, swallow, deaf, slow:
		in.op = faultyOps[c.pick(len(faultyOps), "op", key, i)]
	case stale:
		in.op = []string{"Schedules", "Halts"}[c.pick(2, "op", key, i)]
	case stopBefore, stopAfter:
		in.op = []string{"Claim", "Claim", "Claim", "Record", "Settle", "Lead", "Resume", "Enroll", "Schedules"}[c.pick(9, "op", key, i)]
		in.rate = 1000
	case crashBefore, crashAfter:
		in.op = crashingOps[c.pick(len(crashingOps), "op", key, i)]
		in.rate = 1000
	case freezeAfter:
		in.op, in.rate, in.replica = []string{"Claim", "Claim", "Claim", "Lead", "Record"}[c.pick(5, "op", key, i)], 1000, -1
		in.end += 10 * time.Minute // it happens once
	}
}

// chooseExtent chooses whom an incident is about, and how long it lasts, by its kind.
func (s *script) chooseExtent(in *incident, key string, i int) {
	c := s.chance
	switch in.kind {
	case disable, closure, shorten, rekind:
		in.end += 25 * time.Minute // or else nothing is due meanwhile
		if in.kind == disable && c.oneIn(2, "one rule", key, i) {
			in.task = 2 + c.pick(2, "one rule", key, i) // of two rows that mostly have one rule
			in.end += time.Hour                         // and begin at 09:15
		}
	case halt:
		if c.oneIn(2, "all", key, i) {
			in.account = ""
		}
	case standIn:
		in.task = slices.Index(taskNames, s.around(key).Task)
		in.at = c.between(0, 8*time.Minute, "stands in", key, i)
		in.end = in.at
	case skipOne, moveOne, restoreOne:
		in.task = 2 + c.pick(2, "spoken of", key, i) // of which something always comes soon
		if c.oneIn(2, "around", key, i) {
			in.task = slices.Index(taskNames, s.around(key).Task)
		}
		if s.tasks[in.task].kind == "stuck" {
			in.task = 0 // its slot is no occurrence's own
		}
		in.end = in.at
	case outage:
		in.end = in.at + c.between(10*time.Hour, 50*time.Hour, "outage", key, i)
	case reset:
		in.by = c.between(10*time.Second, 10*time.Minute, "back", key, i) * time.Duration(1+7*c.pick(2, "far back", key, i))
	case withdraw:
		if c.oneIn(2, "brief", key, i) {
			in.end = in.at + c.between(100*time.Millisecond, 20*time.Second, "brief", key, i)
		}
	case crash, freeze, suspend, stop, step:
		in.replica = max(in.replica, 0)
	}
	if in.kind == freeze && c.oneIn(2, "brief", key, i) {
		// It comes back when another has just taken over what it did.
		in.end = in.at + s.term + c.between(0, 40*time.Second, "brief", key, i)
	}
	if in.kind == withdraw && c.oneIn(2, "brief", key, i) {
		in.end = in.at + c.between(0, 30*time.Second, "brief", key, i)
	}
	if in.kind == step {
		in.by = []time.Duration{-time.Hour, -10 * time.Minute, -40 * time.Second, 40 * time.Second, 4 * time.Minute, 2 * time.Hour}[c.pick(6, "by", key, i)]
	}
}

// faultyOps are the calls that break, the more important ones more often.
var faultyOps = []string{"", "", "Claim", "Claim", "Settle", "Settle", "Record", "Record", "Lead", "Lead", "Resume", "Enroll",
	"Schedules", "Halts", "Beat"}

// crashingOps are the calls at which a process crashes.
var crashingOps = []string{"Claim", "Claim", "Claim", "Record", "Record", "Settle", "Settle", "Lead", "Resume", "Enroll",
	"Schedules", "Halts", "Beat", "Resign", "Execute", "Start"}

// kindOf chooses a kind of incident, each as often as its share says.
func (c chance) kindOf(what, key string, i int) string {
	total := 0
	for _, k := range incidentKinds {
		total += k.share
	}
	roll := c.pick(total, what, key, i)
	for _, k := range incidentKinds {
		if roll -= k.share; roll < 0 {
			return k.kind
		}
	}
	return crash
}
