package engine

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// Accounts are in the order of their names, in whichever order they were enrolled, and
// whenever they are asked for meanwhile. To enrol one moves no other.
func TestAccountsAreInOrder(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	as := &New(Config{}).Accounts
	var names []string
	for _, i := range random.Perm(1000) {
		name := fmt.Sprint(i)
		names = append(names, name)
		before := slices.Clone(as.order)
		as.Enrol(&Account{Name: name}, true, time.Unix(0, 0))
		assert.Equal(t, before, as.order)
		if random.IntN(50) > 0 {
			continue
		}
		slices.Sort(names)
		var got []string
		for _, a := range as.All() {
			got = append(got, a.Name)
		}
		assert.Equal(t, names, got)
	}
	assert.Len(t, as.All(), 1000)
	assert.Empty(t, as.added)

	as.Enrol(as.Get("42"), true, time.Unix(0, 0))
	assert.Len(t, as.All(), 1000, "it was enrolled before, and has come back")
}

// Whether all executors have started, and whether any account is served, is known at each
// step.
func TestWhatIsKnownOfAllAccounts(t *testing.T) {
	as := &New(Config{}).Accounts
	now := time.Unix(0, 0)
	known := func(any, all bool, step string) {
		t.Helper()
		assert.Equal(t, any, as.HasAny(), step)
		assert.Equal(t, all, as.AllStarted(), step)
	}
	known(false, true, "there is none")
	as.Enrol(&Account{Name: "42"}, false, now)
	known(true, false, "one has not started")
	as.Enrol(&Account{Name: "43"}, true, now)
	known(true, false, "the other has")
	as.SetStarted(as.Get("42"), true)
	as.SetStarted(as.Get("42"), true)
	known(true, true, "both have")
	as.Enrol(as.Get("42"), false, now)
	known(true, false, "one has come back")
	as.SetStarted(as.Get("42"), true)
	known(true, true, "and has started")
	as.Get("42").gone = true
	known(true, true, "one has gone")
	assert.Nil(t, as.Enrolled("42"))
	as.Get("43").gone = true
	known(false, true, "the other has gone")
}

// The first instant is told of those that may have something to be planned.
func TestOpenFrom(t *testing.T) {
	as := &New(Config{}).Accounts
	assert.Zero(t, as.OpenFrom())
	for i, behind := range []bool{true, true, true, false} {
		as.open = append(as.open, &Account{behind: behind, served: Served{From: minute([]int{5, 3, 4, 1}[i])}})
	}
	assert.Equal(t, minute(3), as.OpenFrom())
}

// What is due at an edge of an absence is owned or not by one rule.
func TestWhatAnAccountOwns(t *testing.T) {
	r := newRow("buy", "daily 09:00", always, Handling{CatchUp: 10 * time.Minute})
	for _, test := range []struct {
		name   string
		served Served
		due    time.Time
		want   bool
	}{
		{"at its beginning", Served{From: minute(0)}, minute(0), false},
		{"after it", Served{From: minute(0)}, minute(0).Add(1), true},
		{"before a long absence", Served{minute(0), minute(20), minute(40)}, minute(19), true},
		{"as a long absence begins", Served{minute(0), minute(20), minute(40)}, minute(20), true},
		{"in a long absence", Served{minute(0), minute(20), minute(40)}, minute(20).Add(1), false},
		{"as a long absence ends", Served{minute(0), minute(20), minute(40)}, minute(40), false},
		{"after a long absence", Served{minute(0), minute(20), minute(40)}, minute(40).Add(1), true},
		{"in an absence of just the catch-up", Served{minute(0), minute(20), minute(30)}, minute(25), true},
		{"in one that is longer by the least", Served{minute(0), minute(20), minute(30).Add(1)}, minute(25), false},
	} {
		assert.Equal(t, test.want, test.served.Owns(r, test.due), test.name)
	}
}
