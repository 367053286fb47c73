package engine

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/internal/why"
)

func accountsOf(n int) (names []string) {
	for i := range n {
		names = append(names, fmt.Sprintf("%04d", i))
	}
	return names
}

// Of a task whose starts are limited, runs are made of no more accounts than may
// start, though runs of another task that come after them are ready.
func TestStartLimitMakesNoRunsInAdvance(t *testing.T) {
	catchUp := 2 * time.Minute
	d := newDesk(t, Config{MaxConcurrent: 20, Limits: []Limit{{Name: "broker", Starts: 10}}}, "08:59:00", accountsOf(1000),
		newRow("buy", "daily 09:00", always, Handling{CatchUp: catchUp, StartLimit: "broker"}),
		newRow("sell", "daily 09:00", always, Handling{CatchUp: catchUp}))
	d.tick("09:00:00")
	require.Len(t, d.going, 20, "as many as there are places")

	d.tick("09:00:01") // the limit lets ten more start, if there were places
	made := 0
	for _, p := range d.queue.ready {
		if p.Row.Task() == "buy" {
			made++
		}
	}
	assert.Equal(t, 10, made)
	assert.Len(t, d.going, 20)
	assert.Equal(t, 2000-20, d.Waiting(), "those that were not made count too")
}

func TestWhatWasMissedIsOneRow(t *testing.T) {
	d := newDesk(t, Config{}, "08:59:00", []string{"42"}, newRow("watch", "every 1m 09:00-10:00", always, Handling{CatchUp: 90 * time.Second}))
	d.tick("09:10:00")
	assert.Equal(t, []string{"watch 42 09:10"}, d.running())
	told, mark := d.recorded()
	assert.Equal(t, []string{"watch 42 09:00 missed: " + why.Superseded + " (to 09:09)"}, told)
	assert.Equal(t, "09:10:00", mark)
}

// The watermark passes nothing that is neither claimed nor recorded.
func TestTheWatermarkWaits(t *testing.T) {
	long := Handling{CatchUp: time.Hour}
	for _, test := range []struct {
		name string
		do   func(d *desk)
		want string
	}{
		{"for nothing", func(*desk) {}, "09:02:00"},
		{"for a claim that was not answered", func(d *desk) { d.pick() }, "08:59:59"},
		{"for one that failed", func(d *desk) {
			d.pick()
			d.Answered()
			d.ClaimsFail(d.claims, "the ledger", d.now)
		}, "08:59:59"},
		{"for a slot that is to be free again", func(d *desk) {
			d.pick()
			d.Answered()
			d.Outlived(d.claims[0], true)
		}, "08:59:59"},
		{"no longer than that", func(d *desk) {
			d.pick()
			d.Answered()
			d.Outlived(d.claims[0], true)
			d.Released(1, d.now)
		}, "09:02:00"},
	} {
		t.Run(test.name, func(t *testing.T) {
			row := newRow("buy", "daily 09:00", always, long)
			if test.name == "for nothing" {
				row = newRow("buy", "daily 10:00", always, long)
			}
			d := newDesk(t, Config{}, "08:58:00", []string{"42"}, row)
			d.at("09:02:00")
			d.PlanUpTo(d.now)
			d.Enrolled(d.ToEnrol())
			test.do(d)
			assert.Equal(t, test.want, d.safeMark().Format(time.TimeOnly))
		})
	}
}

// A run that goes on when the next comes due is treated as the row says.
func TestOverlap(t *testing.T) {
	for _, test := range []struct {
		overlap  Overlap
		running  []string
		told     []string
		canceled int
		then     []string // once the first has returned
	}{
		{OverlapSkip, []string{"watch 42 09:00"}, []string{
			"watch 42 09:01 skipped: the run of 2026-11-23T09:00:00+00:00 had not finished",
			"watch 42 09:02 skipped: the run of 2026-11-23T09:00:00+00:00 had not finished",
		}, 0, nil},
		{OverlapQueue, []string{"watch 42 09:00"}, []string{"watch 42 09:01 missed: " + why.Superseded + ": it waited for the previous run"}, 0, []string{"watch 42 09:02"}},
		{OverlapCancel, []string{"watch 42 09:00"}, []string{"watch 42 09:01 missed: " + why.Superseded + ": it waited for the previous run"}, 2, []string{"watch 42 09:02"}},
		{OverlapAllow, []string{"watch 42 09:00", "watch 42 09:01", "watch 42 09:02"}, nil, 0, nil},
	} {
		t.Run(fmt.Sprint(test.overlap), func(t *testing.T) {
			d := newDesk(t, Config{}, "08:59:00", []string{"42"},
				newRow("watch", "every 1m 09:00-10:00", always, Handling{CatchUp: 5 * time.Minute, Overlap: test.overlap}))
			d.tick("09:00:00")
			d.tick("09:01:00")
			d.tick("09:02:00")
			assert.Equal(t, test.running, d.running())
			told, _ := d.recorded()
			assert.Equal(t, test.told, told)
			assert.Len(t, d.Take().Cancel, test.canceled)
			d.returns("watch", "42")
			assert.Equal(t, test.then, d.running())
		})
	}
}

// Runs of one account in one group wait for each other, in order.
func TestGroups(t *testing.T) {
	alone := Handling{CatchUp: time.Hour, Exclusive: "orders"}
	d := newDesk(t, Config{}, "08:59:00", []string{"42", "43"},
		newRow("buy", "daily 09:00", always, alone), newRow("sell", "daily 09:00", always, alone), newRow("hedge", "daily 09:01", always, alone))
	d.tick("09:00:00")
	assert.Equal(t, []string{"buy 42 09:00", "buy 43 09:00"}, d.running())
	d.tick("09:01:00")
	d.returns("buy", "42")
	assert.Equal(t, []string{"buy 43 09:00", "sell 42 09:00"}, d.running())
	d.returns("sell", "42")
	assert.Equal(t, []string{"buy 43 09:00", "hedge 42 09:01"}, d.running())
}

// Whatever a run waits for, at the end of its catch-up it is missed with that reason.
func TestWhatWaitsIsMissed(t *testing.T) {
	for _, test := range []struct {
		name string
		h    Handling
		do   func(d *desk)
		want string
	}{
		{"a place", Handling{}, nil, "a place among the concurrent runs"},
		{"a group", Handling{Exclusive: "orders"}, nil, "group orders"},
		{"the term", Handling{}, func(d *desk) { d.Term.Granted(1, d.now) }, "the term, which could not be renewed"},
		{"its executor", Handling{}, func(d *desk) { d.Accounts.SetStarted(d.Accounts.Get("42"), false) }, "the start of its executor"},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.h.CatchUp = time.Minute
			places := 2
			if test.name == "a place" {
				places = 1
			}
			first := newRow("buy", "daily 09:00", always, test.h)
			d := newDesk(t, Config{MaxConcurrent: places}, "08:59:00", []string{"42"}, first, newRow("sell", "daily 09:01", always, test.h))
			d.tick("09:00:00")
			if test.do != nil {
				d.returns("buy", "42")
				test.do(d)
			}
			d.tick("09:01:00")
			d.tick("09:02:00")
			told, _ := d.recorded()
			assert.Equal(t, []string{"sell 42 09:01 missed: its catch-up of 1m0s had passed: it waited for " + test.want}, told)
		})
	}
}

// What somebody asked for is skipped with that as the reason.
func TestWhatDoesNotStartIsSkipped(t *testing.T) {
	for _, test := range []struct {
		name string
		do   func(d *desk)
		want string
	}{
		{"halted", func(d *desk) { d.halted["42"] = why.HaltedBy + "ada: rejects" }, why.HaltedBy + "ada: rejects"},
		{"removed", func(d *desk) { delete(d.rows, Key{Task: "buy"}) }, why.Disabled},
		{"withdrawn", func(d *desk) { d.Withdraw(d.Accounts.Get("42"), d.now) }, why.Withdrawn},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := newDesk(t, Config{}, "08:59:00", []string{"42"}, newRow("buy", "daily 09:00", always, Handling{CatchUp: time.Minute}))
			d.at("09:00:00")
			d.PlanUpTo(d.now)
			test.do(d)
			d.pump()
			told, _ := d.recorded()
			assert.Equal(t, []string{"buy 42 09:00 skipped: " + test.want}, told)
			assert.Empty(t, d.running())
		})
	}
}
