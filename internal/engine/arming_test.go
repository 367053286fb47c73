package engine

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/internal/plan"
	"github.com/tradeclock/tradeclock/internal/why"
)

var arms = Config{ArmAhead: 5 * time.Second}

// arm has the ledger hold what is to be armed by now, and returns it.
func (d *desk) arm() []string {
	claims := d.ToArm(d.now, Obstacles{})
	for _, p := range claims {
		d.Armed(p, true, p.Repeats, false)
	}
	return texts(claims)
}

// ring starts what is armed and due at an instant, as the clock does.
func (d *desk) ring(at string) {
	d.at(at)
	d.PlanUpTo(d.now)
	d.going = append(d.going, d.PickArmed(d.now)...)
}

// Armed is what is due within the bound, once, and only what is sure to be admitted.
func TestWhatIsArmed(t *testing.T) {
	plain := Handling{CatchUp: time.Minute}
	for _, test := range []struct {
		name   string
		cfg    Config
		h      Handling
		before func(d *desk)
		ob     Obstacles
		want   []string
	}{
		{"a plain row, for each account", arms, plain, nil, Obstacles{}, []string{"buy 42 09:00", "buy 43 09:00"}},
		{"nothing without the bound", Config{}, plain, nil, Obstacles{}, nil},
		{"no more than there are places", Config{ArmAhead: 5 * time.Second, MaxConcurrent: 1}, plain, nil, Obstacles{}, []string{"buy 42 09:00"}},
		{"nothing with a spread", arms, Handling{CatchUp: time.Minute, Spread: time.Second}, nil, Obstacles{}, nil},
		{"nothing of a group", arms, Handling{CatchUp: time.Minute, Exclusive: "orders"}, nil, Obstacles{}, nil},
		{"nothing with a start limit", Config{ArmAhead: 5 * time.Second, Limits: []Limit{{Name: "broker", Starts: 9, Per: time.Second}}}, Handling{CatchUp: time.Minute, StartLimit: "broker"}, nil, Obstacles{}, nil},
		{"nothing of an account that is halted", arms, plain, func(d *desk) { d.halted["42"] = why.HaltedBy + "ada" }, Obstacles{}, []string{"buy 43 09:00"}},
		{"nothing of an account whose executor has not started", arms, plain, func(d *desk) { d.Accounts.SetStarted(d.Accounts.Get("42"), false) }, Obstacles{}, []string{"buy 43 09:00"}},
		{"nothing of an account that is withdrawn", arms, plain, func(d *desk) { d.Withdraw(d.Accounts.Get("42"), d.now) }, Obstacles{}, []string{"buy 43 09:00"}},
		{"nothing that is accounted for", arms, plain, func(d *desk) {
			d.NoteAhead(Entry{Key: Key{"buy", "42"}, Slot: "2026-11-23"})
		}, Obstacles{}, []string{"buy 43 09:00"}},
		{"nothing while the term is trusted no longer", arms, plain, func(d *desk) { d.Term.Granted(1, d.now) }, Obstacles{}, nil},
		{"nothing while the halts are not read", arms, plain, nil, Obstacles{HaltsUnread: true}, nil},
		{"nothing while older terms are reconciled", arms, plain, nil, Obstacles{Reconciling: true}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := newDesk(t, test.cfg, "08:59:00", []string{"42", "43"}, newRow("buy", "daily 09:00", always, test.h))
			d.tick("08:59:54")
			require.Empty(t, d.arm(), "it is too early")
			d.tick("08:59:55")
			if test.before != nil {
				test.before(d)
			}
			claims := d.ToArm(d.now, test.ob)
			assert.Equal(t, test.want, texts(claims))
			assert.Empty(t, d.ToArm(d.now, Obstacles{HaltsUnread: test.want == nil}), "not twice")
		})
	}
}

// What is armed starts when it is due, as what was claimed, unless something has changed:
// then its claim is given back, with what the slot is recorded with.
func TestWhatIsArmedStartsUnlessSomethingChanges(t *testing.T) {
	once := Handling{CatchUp: time.Minute}
	for _, test := range []struct {
		name    string
		changes func(d *desk)
		at      string
		want    string
	}{
		{"nothing", nil, "09:00:00", "started"},
		{"a halt", func(d *desk) { d.halted["42"] = why.HaltedBy + "ada" }, "09:00:00", "to be skipped: halted by ada"},
		{"the account is withdrawn", func(d *desk) { d.Withdraw(d.Accounts.Get("42"), d.now) }, "09:00:00", "free"},
		{"the plan has it no more", func(d *desk) { d.use() }, "09:00:00", "free"},
		{"it is moved on", func(d *desk) { d.use(newRow("buy", "daily 09:30", always, once)) }, "09:00:00", "free"},
		{"it is moved here", func(d *desk) { d.use(newRow("buy", "daily 08:59:57", always, once)) }, "08:59:58", "free"},
		{"the clock is set back", func(d *desk) { d.Woke(d.now); d.Woke(d.now.Add(-time.Minute)) }, "09:00:00", "free"},
		{"the term is lost", func(d *desk) { d.Lose() }, "09:00:00", "free"},
		{"the state is read again", func(d *desk) { d.Reread() }, "09:00:00", "free"},
		{"the stop", func(d *desk) { d.GiveBackPending() }, "08:59:58", "free"},
		{"the term lapses", func(d *desk) { d.Term.Granted(1, d.now) }, "09:00:00", "waits"},
		{"the ledger does not answer to claims", func(d *desk) { d.ClaimsFail(nil, "", d.now) }, "09:00:00", "started"},
		{"it is noticed past the catch-up", nil, "09:05:00", "to be missed: its catch-up of 1m0s had passed"},
		{"a person starts another run", func(d *desk) {
			a, r := d.Accounts.Get("42"), d.rows[Key{Task: "buy"}]
			p := d.NewManual(a, r, plan.Occurrence{Row: r.Row, Due: d.now, Slot: "by hand"}, "ada", d.now)
			require.True(d.t, d.PickManual(p, d.now))
			d.Start(p, d.now)
		}, "09:00:00", "to be skipped: the run of by hand had not finished"},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := newDesk(t, arms, "08:59:00", []string{"42"}, newRow("buy", "daily 09:00", always, once))
			d.tick("08:59:55")
			require.Equal(t, []string{"buy 42 09:00"}, d.arm())
			_, mark := d.recorded()
			require.Equal(t, "08:59:55", mark)
			if test.changes != nil {
				test.changes(d)
			}
			d.ring(test.at)
			d.pick()
			assert.Equal(t, test.want, d.became())
			assert.Empty(t, d.claims, "an earlier claim of the slot is given back first")
			assert.False(t, d.HasArmedBy(d.now), "nothing that is due stays armed")
		})
	}
}

// The watermark waits for what was armed and neither starts nor is recorded.
func TestTheWatermarkWaitsForWhatIsArmed(t *testing.T) {
	d := newDesk(t, arms, "08:59:00", []string{"42"}, newRow("buy", "daily 09:00", always, Handling{CatchUp: time.Minute}))
	d.tick("08:59:55")
	d.arm()
	d.Term.Granted(1, d.now)
	d.ring("09:00:00")
	_, mark := d.recorded()
	assert.Equal(t, "08:59:59", mark, "it waits for its term")
	d.Term.Granted(1, time.Time{})
	d.tick("09:00:01")
	require.Equal(t, []string{"buy 42 09:00"}, d.running())
	_, mark = d.recorded()
	assert.Equal(t, "09:00:01", mark)
}

// A claim without an answer is repeated with the same serial, and one that is not held is
// none: the run asks for itself.
func TestAClaimAheadThatIsNotHeld(t *testing.T) {
	for _, test := range []struct {
		name   string
		answer func(d *desk, p *Run)
		same   bool
	}{
		{"no answer", func(*desk, *Run) {}, true},
		{"not held", func(d *desk, p *Run) { d.Armed(p, false, false, false) }, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := newDesk(t, arms, "08:59:00", []string{"42"}, newRow("buy", "daily 09:00", always, Handling{CatchUp: time.Minute}))
			d.tick("08:59:55")
			claim := d.ToArm(d.now, Obstacles{})[0]
			test.answer(d, claim)
			d.ring("09:00:00")
			require.Empty(t, d.running(), "it is not claimed")
			d.pick()
			require.Len(t, d.claims, 1)
			assert.Equal(t, test.same, d.claims[0].Serial == claim.Serial)
			d.Armed(claim, true, false, false)
			assert.False(t, d.claims[0].IsArmed(), "an answer that comes late is none of a run that claims itself")
		})
	}
}

// Of a repeating rule each run is the first until one has succeeded, whatever the ledger
// answered when it was armed.
func TestAnArmedRunIsTheFirstUntilOneSucceeds(t *testing.T) {
	d := newDesk(t, arms, "08:59:00", []string{"42"}, newRow("watch", "every 2s 09:00-09:01", always, Handling{CatchUp: time.Minute}))
	d.tick("08:59:59")
	require.Len(t, d.arm(), 3)
	d.ring("09:00:00")
	require.True(t, d.going[0].First)
	d.returns("watch", "42")
	d.ring("09:00:02")
	assert.False(t, d.going[0].First)
}

// What an older term left armed certainly never started if its holder did not trust the
// term any more when it was due.
func TestNeverStarted(t *testing.T) {
	due := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		name    string
		trusted time.Time
		want    bool
	}{
		{"trusted beyond", due.Add(time.Nanosecond), false},
		{"trusted until then", due, true},
		{"trusted until before", due.Add(-time.Second), true},
		{"not known", time.Time{}, false},
	} {
		assert.Equal(t, test.want, NeverStarted(due, test.trusted), test.name)
	}
}
