package engine

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/plan"
)

// desk is what an engine of a test stands on: it is the caller, and answers for the
// ledger, which takes what it is told.
type desk struct {
	*Engine
	t      *testing.T
	now    time.Time
	rows   map[Key]*Row
	halted map[string]string
	bad    Key    // of a row that is quarantined
	claims []*Run // picked, and not answered yet
	going  []*Run
}

var always = calendar.AlwaysOpen(time.UTC)

// newDesk serves accounts by rows, under a first term that begins at a wall time of
// 2026-11-23.
func newDesk(t *testing.T, cfg Config, at string, accounts []string, rows ...*Row) *desk {
	d := &desk{t: t, rows: make(map[Key]*Row), halted: make(map[string]string)}
	d.at(at)
	cfg.Facts = d
	d.Engine = New(cfg)
	for _, account := range accounts {
		d.Accounts.Enrol(&Account{Name: account}, true, d.now)
	}
	d.use(rows...)
	d.Term.Granted(1, time.Time{})
	d.Resume(State{Term: 1}, d.now)
	d.tick(at)
	return d
}

func (d *desk) at(text string) {
	at, err := time.Parse(time.DateTime, "2026-11-23 "+text)
	require.NoError(d.t, err)
	d.now = at
}

func (d *desk) use(rows ...*Row) {
	var planned []*plan.Row
	for _, r := range rows {
		d.rows[r.key()] = r
		planned = append(planned, r.Row)
	}
	d.Use(plan.New(planned))
}

// tick goes to an instant, plans, and tells the ledger what there is to be told.
func (d *desk) tick(at string) {
	d.at(at)
	d.PlanUpTo(d.now)
	d.Enrolled(d.ToEnrol())
	d.pump()
}

// pump picks until nothing more can start, and has the ledger hold every claim.
func (d *desk) pump() {
	for {
		d.pick()
		if len(d.claims) == 0 && !d.More() {
			return
		}
		d.held()
	}
}

// pick picks once.
func (d *desk) pick() {
	if !d.Prepare(d.now) {
		return
	}
	picked := d.Pick(d.now, Obstacles{})
	d.claims, d.going = picked.Claim, append(d.going, picked.Start...)
}

// held has the ledger hold what was picked.
func (d *desk) held() {
	d.Answered()
	for _, p := range d.claims {
		if d.Claimed(p, false, d.now) {
			d.going = append(d.going, p)
		}
	}
	d.claims = nil
}

// returns ends the run of a task of an account that goes on, and pumps.
func (d *desk) returns(task, account string) {
	for _, p := range slices.Clone(d.going) {
		if p.Key() == (Key{task, account}) {
			d.going = slices.DeleteFunc(d.going, func(o *Run) bool { return o == p })
			d.Ended(p, Good, "")
			d.Returned(p)
		}
	}
	d.pump()
}

// running are the runs that go on, in the order of their starts, with their slots.
func (d *desk) running() []string { return texts(d.going) }

func texts(runs []*Run) []string {
	var all []string
	for _, p := range runs {
		all = append(all, p.Row.Task()+" "+p.Account.Name+" "+p.Due.Format("15:04"))
	}
	return all
}

// recorded writes what did not run, and tells it with the watermark.
func (d *desk) recorded() (told []string, mark string) {
	records, at, _ := d.ToRecord()
	for _, r := range records {
		text := texts([]*Run{r.Run})[0] + map[Outcome]string{Skipped: " skipped: ", Missed: " missed: "}[r.Outcome] + r.Reason
		if r.Count > 1 {
			text += r.LastDue.Format(" (to 15:04)")
		}
		told = append(told, text)
	}
	if !at.IsZero() {
		d.Recorded(at)
	}
	return told, d.Mark().Format(time.TimeOnly)
}

func (d *desk) InForce(account, task string) *Row {
	if r := d.rows[Key{task, account}]; r != nil {
		return r
	}
	if r := d.rows[Key{Task: task}]; r != nil && r.HoldsFor(account) {
		return r
	}
	return nil
}

func (d *desk) Row(key Key) *Row         { return d.rows[key] }
func (d *desk) Quarantined(key Key) bool { return key == d.bad }

func (d *desk) Halted(account string) (string, bool) {
	reason, halted := d.halted[account]
	return reason, halted
}
