package engine

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/internal/why"
)

// became is what has become of the one run of a desk: it goes on, it is to be claimed
// again, its claim is given back, or it was recorded.
func (d *desk) became() string {
	told, _ := d.recorded()
	switch {
	case len(d.going) > 0 && d.going[0].IsUnclaimed():
		return "started unclaimed"
	case len(d.going) > 0:
		return "started"
	case len(d.Releases()) > 0:
		r := d.Releases()[0]
		return map[Outcome]string{NoOutcome: "free", Skipped: "to be skipped: ", Missed: "to be missed: "}[r.Outcome] + r.Reason
	case len(told) > 0:
		return told[0]
	case d.Waiting() > 0:
		return "waits"
	}
	return "dropped"
}

// What a claim comes to depends on the ledger's answer, and on what changed while it was
// asked.
func TestClaims(t *testing.T) {
	once, atLeast := Handling{CatchUp: 5 * time.Minute}, Handling{CatchUp: 5 * time.Minute, AtLeastOnce: true}
	held := func(d *desk) { d.held() }
	failed := func(d *desk) {
		d.Answered()
		d.going = append(d.going, d.ClaimsFail(d.claims, "the ledger: disk full", d.now)...)
	}
	for _, test := range []struct {
		name   string
		h      Handling
		asked  func(d *desk) // meanwhile
		answer func(d *desk)
		want   string
	}{
		{"held", once, nil, held, "started"},
		{"taken", once, nil, func(d *desk) { d.Answered(); d.Unpick(d.claims[0]) }, "dropped"},
		{"failed", once, nil, failed, "waits"},
		{"failed, at least once", atLeast, nil, failed, "started unclaimed"},
		{"failed, at least once, with a halt", atLeast, func(d *desk) { d.halted["42"] = why.HaltedBy + "ada" }, failed, "waits"},
		{"held, with a halt", once, func(d *desk) { d.halted["42"] = why.HaltedBy + "ada" }, held, "waits"},
		{"held, past the catch-up", once, func(d *desk) { d.at("09:05:00") }, held, "waits"},
		{"held, past the term", once, func(d *desk) { d.Term.Granted(1, d.now) }, held, "waits"},
		{"held, of an account that went", once, func(d *desk) { d.Withdraw(d.Accounts.Get("42"), d.now) }, held, "to be skipped: the account was withdrawn before it started"},
		{"held, of an account that went and came back", once, func(d *desk) {
			a := d.Accounts.Get("42")
			d.Withdraw(a, d.now)
			d.Accounts.Enrol(a, false, d.now)
		}, held, "waits"},
		{"held, in a drain", once, nil, func(d *desk) {
			d.Answered()
			require.False(d.t, d.Claimed(d.claims[0], true, d.now))
		}, "free"},
		{"held, and planned anew", once, func(d *desk) { d.Lose() }, func(d *desk) { d.Answered(); d.Outlived(d.claims[0], true) }, "free"},
		{"taken, and planned anew", once, func(d *desk) { d.Lose() }, func(d *desk) { d.Answered(); d.Outlived(d.claims[0], false) }, "dropped"},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := newDesk(t, Config{}, "08:59:00", []string{"42"}, newRow("buy", "daily 09:00", always, test.h))
			d.at("09:00:00")
			d.PlanUpTo(d.now)
			d.pick()
			require.Len(t, d.claims, 1)
			if test.asked != nil {
				test.asked(d)
			}
			test.answer(d)
			assert.Equal(t, test.want, d.became())
		})
	}
}

// A claim that got no answer is repeated as the same start, once claims are tried again.
// One that never comes to that is given back with what it is recorded with.
func TestAClaimThatFailedIsRepeated(t *testing.T) {
	for _, test := range []struct {
		name, at, want string
	}{
		{"within the catch-up", "09:00:05", "started"},
		{"past the catch-up", "09:05:00", "to be missed: its catch-up of 5m0s had passed: it waited for the ledger: disk full"},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := newDesk(t, Config{}, "08:59:00", []string{"42"}, newRow("buy", "daily 09:00", always, Handling{CatchUp: 5 * time.Minute}))
			d.at("09:00:00")
			d.PlanUpTo(d.now)
			d.pick()
			first := d.claims[0].Serial
			d.Answered()
			d.ClaimsFail(d.claims, "the ledger: disk full", d.now)
			d.claims = nil
			d.pump()
			require.Equal(t, "waits", d.became(), "claims are not tried yet")

			d.TryClaims()
			d.at(test.at)
			d.pump()
			require.Equal(t, test.want, d.became())
			if len(d.going) > 0 {
				assert.Equal(t, first, d.going[0].Serial)
			}
		})
	}
}

// What was given back is recorded once the ledger has answered, but not by a term that
// plans it anew.
func TestReleases(t *testing.T) {
	for _, test := range []struct {
		name    string
		between func(d *desk)
		free    int
		told    []string
	}{
		{"in the same term", nil, 0, []string{"buy 42 09:00 skipped: " + why.Withdrawn}},
		{"in no term", func(d *desk) { d.Lose() }, 0, nil},
		{"in the next term", func(d *desk) {
			d.Lose()
			d.Term.Granted(2, time.Time{})
			d.Resume(State{Term: 2, Watermark: d.now}, d.now)
		}, 1, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := newDesk(t, Config{}, "08:59:00", []string{"42"}, newRow("buy", "daily 09:00", always, Handling{CatchUp: 5 * time.Minute}))
			d.at("09:00:00")
			d.PlanUpTo(d.now)
			d.pick()
			d.Answered()
			d.ClaimsFail(d.claims, "the ledger", d.now)
			d.Withdraw(d.Accounts.Get("42"), d.now)
			require.Len(t, d.NextReleases(), 1)
			told, _ := d.recorded()
			require.Empty(t, told, "the row may be there still")

			if test.between != nil {
				test.between(d)
			}
			assert.Equal(t, test.free, d.Released(1, d.now))
			assert.Empty(t, d.Releases())
			told, _ = d.recorded()
			assert.Equal(t, test.told, told)
		})
	}
}

// Claims of two terms are given back by themselves.
func TestReleasesAreOfOneTerm(t *testing.T) {
	d := newDesk(t, Config{}, "08:59:00", []string{"42"}, newRow("buy", "daily 09:00", always, Handling{CatchUp: 5 * time.Minute}))
	for term := range int64(3) {
		for range 2 {
			d.releases.add(Release{Run: &Run{Row: d.rows[Key{Task: "buy"}], Account: d.Accounts.Get("42")}, Term: term})
		}
	}
	for range 3 {
		assert.Len(t, d.NextReleases(), 2)
		d.Leave(2)
	}
	assert.Empty(t, d.Releases())
}

// A run that started with the ledger out of reach holds the watermark until it is stored.
func TestWhatStartedUnclaimedHoldsTheWatermark(t *testing.T) {
	d := newDesk(t, Config{}, "08:59:00", []string{"42"}, newRow("watch", "daily 09:00", always, Handling{CatchUp: 5 * time.Minute, AtLeastOnce: true}))
	d.at("09:00:00")
	d.PlanUpTo(d.now)
	d.pick()
	d.Answered()
	started := d.ClaimsFail(d.claims, "the ledger", d.now)
	require.Len(t, started, 1)
	d.Ended(started[0], Good, "")
	d.Returned(started[0])
	d.tick("09:01:00")
	assert.Equal(t, "08:59:59", d.safeMark().Format(time.TimeOnly))
	d.Stored(started[0])
	assert.Equal(t, "09:01:00", d.safeMark().Format(time.TimeOnly))
	assert.True(t, d.IsClaimed())
}

// A range whose slot is taken is parted, and one that has grown meanwhile is written with
// what it has now.
func TestRangesThatCannotBeKept(t *testing.T) {
	d := newDesk(t, Config{}, "08:59:00", []string{"42"}, newRow("watch", "every 1m 09:00-10:00", always, Handling{CatchUp: 30 * time.Second}))
	d.tick("09:02:40")
	records, _, _ := d.ToRecord()
	require.Len(t, records, 1)
	assert.Equal(t, 3, records[0].Count)
	assert.False(t, d.RecordLater(records, func(*Record) bool { return false }))
	assert.Len(t, d.Records(), 1, "it is written again as it is")

	records, _, _ = d.ToRecord()
	d.tick("09:03:40")
	assert.False(t, d.RecordLater(records, func(*Record) bool { return true }), "it has grown")
	records, _, _ = d.ToRecord()
	require.Len(t, records, 1)
	assert.Equal(t, 4, records[0].Count)

	assert.True(t, d.RecordLater(records, func(*Record) bool { return true }))
	told, _ := d.recorded()
	var slots []string
	for _, minute := range []string{"09:01", "09:02", "09:03"} {
		slots = append(slots, "watch 42 "+minute+" missed: its catch-up of 30s had passed")
	}
	assert.Equal(t, slots, told)
}
