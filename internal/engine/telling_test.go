package engine

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/plan"
	"github.com/tradeclock/tradeclock/rule"
)

// session is one of an exchange, with hours.
var session = calendar.Weekdays(time.UTC, calendar.Hours{Phase: calendar.PhaseRegular, Start: calendar.Wall(9, 15), End: calendar.Wall(15, 30)})

// step does what a line of a story says.
func (d *teller) step(words []string) {
	name, args, opts := words[0], []string(nil), make(map[string]string)
	for _, word := range words[1:] {
		if key, value, is := strings.Cut(word, "="); is {
			opts[key] = value
		} else {
			args = append(args, word)
		}
	}
	switch name {
	case "serve":
		d.serve(args, opts)
		return
	case "row":
		d.row(strings.Join(words[1:], " "))
		return
	}
	if d.Engine == nil {
		d.begin()
	}
	do := steps[name]
	require.NotNil(d.t, do, "there is no step %s", name)
	do(d, args, opts)
	d.told()
}

func (d *teller) serve(accounts []string, opts map[string]string) {
	d.served, d.began = accounts, opts["at"]
	d.cfg = Config{ArmAhead: span(d, opts["arm"]), Remembers: opts["remembers"] != ""}
	d.cfg.MaxConcurrent, _ = strconv.Atoi(opts["places"])
	if name, bound, limited := strings.Cut(opts["limit"], ":"); limited {
		parts := strings.Split(bound, "/")
		starts, err := strconv.Atoi(parts[0])
		require.NoError(d.t, err)
		d.cfg.Limits = []Limit{{Name: name, Starts: starts, Per: span(d, parts[1]), PerAccount: len(parts) > 2}}
	}
}

// begin makes the engine, under a first term.
func (d *teller) begin() {
	rows := d.inOrder()
	halted := d.halted
	d.desk = newDesk(d.t, d.cfg, d.began, nil, rows...)
	d.desk.halted = halted
	for _, name := range d.served {
		a := &Account{Name: name}
		d.Accounts.Enrol(a, true, d.now)
		d.Return(a, d.now)
	}
	d.Enrolled(d.ToEnrol())
}

// row puts a row in force: at the beginning, or as an edit that holds from now on.
func (d *teller) row(text string) {
	head, when, _ := strings.Cut(text, ": ")
	words := strings.Fields(head)
	h, p, opts := Handling{CatchUp: 2 * time.Minute}, &plan.Policy{Task: words[0]}, make(map[string]string)
	for _, word := range words[1:] {
		key, value, _ := strings.Cut(word, "=")
		opts[key] = value
	}
	if text, has := opts["catchup"]; has {
		h.CatchUp = span(d, text)
	}
	if text, has := opts["until"]; has {
		until, err := rule.ParseMoment(text)
		require.NoError(d.t, err)
		h.CatchUpUntil = &until
	}
	h.Exclusive, h.StartLimit, h.Spread = opts["group"], opts["limit"], span(d, opts["spread"])
	h.Overlap = map[string]Overlap{"queue": OverlapQueue, "cancel": OverlapCancel, "allow": OverlapAllow}[opts["overlap"]]
	_, h.AtLeastOnce = opts["atleastonce"]
	_, p.Disabled = opts["disabled"]
	p.Priority, _ = strconv.Atoi(opts["priority"])
	p.Timing = plan.TimingOf(rule.MustParse(when))
	r := &Row{Row: &plan.Row{Policy: p, Account: opts["account"], Calendar: always}, Handling: &h}
	if _, exchange := opts["exchange"]; exchange {
		r.Calendar = session
	}
	r.Row.Of = r
	version, _ := strconv.ParseInt(opts["version"], 10, 64)
	r.Version = version
	if d.Engine == nil {
		d.rows[r.key()] = r
		return
	}
	d.edit(r, opts)
	d.told()
}

// edit has the engine know of a row that has changed, as a poll does.
func (d *teller) edit(r *Row, opts map[string]string) {
	r.Since = wall(d.now)
	if text, has := opts["since"]; has {
		r.Since = d.instant(text)
	}
	read := d.now
	if text, has := opts["read"]; has {
		read = d.instant(text)
	}
	old := make(map[Key]*Row)
	for key, row := range d.rows {
		old[key] = row
	}
	d.rows[r.key()] = r
	if shared := d.rows[Key{Task: r.Task()}]; r.Account != "" && shared != nil {
		shared.Shadowed = map[string]bool{r.Account: true}
	}
	before := d.planning.plan
	d.KeepDue(before, []*Row{r}, func(key Key) *Row { return old[key] }, d.now)
	d.PlanLate([]*Row{r}, read)
	d.inForce()
}

// inOrder are the rows that are in force.
func (d *teller) inOrder() []*Row {
	return slices.SortedFunc(maps.Values(d.rows), func(a, b *Row) int {
		return cmp.Or(strings.Compare(a.Task(), b.Task()), strings.Compare(a.Account, b.Account))
	})
}

// inForce plans by the rows as they are.
func (d *teller) inForce() {
	var planned []*plan.Row
	for _, r := range d.inOrder() {
		planned = append(planned, r.Row)
	}
	made := plan.New(planned)
	made.CarryOver(d.planning.plan)
	d.Use(made)
}

// instant is a time of 2026-11-23, or of another day: 24/09:00:00.
func (d *teller) instant(text string) time.Time {
	day, of, other := strings.Cut(text, "/")
	if !other {
		day, of = "23", text
	}
	at, err := time.Parse(time.DateTime, "2026-11-"+day+" "+of)
	require.NoError(d.t, err)
	return at
}

func span(d *teller, text string) time.Duration {
	if text == "" {
		return 0
	}
	length, err := time.ParseDuration(text)
	require.NoError(d.t, err)
	return length
}
