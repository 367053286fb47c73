package engine

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/internal/plan"
	"github.com/tradeclock/tradeclock/internal/why"
)

func TestWhyAManualRunCannotStart(t *testing.T) {
	for _, test := range []struct {
		name string
		do   func(d *desk)
		want string
	}{
		{"it can", func(*desk) {}, ""},
		{"no executor", func(d *desk) { d.Accounts.SetStarted(d.Accounts.Get("42"), false) }, "the executor has not started"},
		{"the task runs", func(d *desk) { d.tick("09:00:00") }, "the task is running"},
		{"the task is being claimed", func(d *desk) { d.at("09:00:00"); d.PlanUpTo(d.now); d.pick() }, "the task is running"},
		{"its group runs", func(d *desk) { d.tick("09:01:00"); d.returns("buy", "42") }, "group orders is running"},
		{"the places are taken", func(d *desk) { d.tick("09:01:30"); d.returns("buy", "42"); d.returns("sell", "42") }, "no place is free among the concurrent runs"},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := Handling{CatchUp: time.Hour, Exclusive: "orders"}
			buy := newRow("buy", "daily 09:00", always, h)
			d := newDesk(t, Config{MaxConcurrent: 2}, "08:59:00", []string{"42"}, buy, newRow("sell", "daily 09:01", always, h),
				newRow("one", "daily 09:01:30", always, Handling{CatchUp: time.Hour}), newRow("two", "daily 09:01:30", always, Handling{CatchUp: time.Hour}))
			test.do(d)
			assert.Equal(t, test.want, d.WhyBusy(d.Accounts.Get("42"), buy))
		})
	}
}

// A manual run counts for its start limit.
func TestAManualRunHasALimit(t *testing.T) {
	buy := newRow("buy", "daily 09:00", always, Handling{CatchUp: time.Hour, StartLimit: "broker"})
	d := newDesk(t, Config{Limits: []Limit{{Name: "broker", Starts: 1, Per: time.Minute}}}, "08:59:00", []string{"42"}, buy)
	for _, allowed := range []bool{true, false} {
		p := d.NewManual(d.Accounts.Get("42"), buy, plan.Occurrence{Row: buy.Row, Due: d.now}, "ada", d.now)
		assert.Equal(t, allowed, d.PickManual(p, d.now))
	}
}

// A manual run counts for its task, and what it stands for waits.
func TestAManualRunCounts(t *testing.T) {
	buy := newRow("buy", "daily 09:00", always, Handling{CatchUp: time.Hour})
	d := newDesk(t, Config{}, "08:59:00", []string{"42"}, buy)
	a := d.Accounts.Get("42")
	p := d.NewManual(a, buy, plan.Occurrence{Row: buy.Row, Due: d.now, Slot: "2026-11-23"}, "ada", d.now)
	require.True(t, d.PickManual(p, d.now))
	assert.Equal(t, "the task is running", d.WhyBusy(a, buy))
	d.tick("09:00:00")
	assert.Empty(t, d.going)
	waits := make(map[string]string)
	d.Tell(Key{"buy", "42"}, func(slot, what string) { waits[slot] = what })
	assert.Equal(t, map[string]string{"2026-11-23": "waiting for " + why.WaitsForTrigger}, waits)

	d.Start(p, d.now)
	d.pump()
	taken := d.Take().Taken
	require.Len(t, taken, 1, "its slot has had a start")
	assert.Same(t, p, taken[0].By)
}
