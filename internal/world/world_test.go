package world

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// report fails the test with the shortest failing world of the seed.
func report(t *testing.T, r Result) {
	t.Helper()
	if len(r.Findings) == 0 {
		return
	}
	for _, line := range Shrink(r).Report() {
		t.Log(line)
	}
	t.Errorf("seed %d: %s: %s", r.Seed, r.Findings[0].Invariant, r.Findings[0].Text)
}

func TestReading(t *testing.T) {
	wall := time.Date(2026, time.November, 23, 9, 15, 30, 42, time.UTC)
	a, b := reading(wall, time.Hour), reading(wall.Add(-time.Minute), time.Hour+time.Second)
	assert.Equal(t, wall, a.Round(0).UTC())
	assert.Equal(t, time.Second, b.Sub(a), "monotonic")
	assert.Equal(t, -time.Minute, b.Round(0).Sub(a.Round(0)), "of the wall clock")
	assert.True(t, a.Add(time.Second).Equal(b))
}

// TestFaultless runs worlds in which nothing goes wrong: every occurrence runs at
// once.
func TestFaultless(t *testing.T) {
	for seed := range uint64(8) {
		r := Run(seed, Options{Days: 2, Faultless: true})
		report(t, r)
		require.NotZero(t, r.Runs)
		require.Empty(t, r.Faults)
	}
}

// TestReplay runs worlds twice, and compares their timelines whole.
func TestReplay(t *testing.T) {
	for seed := range uint64(8) {
		first := Run(seed, Options{Days: 2, Whole: true})
		second := Run(seed, Options{Days: 2, Whole: true})
		require.Equal(t, first, second, "seed %d", seed)
		require.NotEmpty(t, first.Timeline)
	}
}

// TestWorlds holds a few hundred worlds to the invariants: mornings, and some that
// go on to the next day. The command in cmd runs whole weeks.
func TestWorlds(t *testing.T) {
	for _, part := range []struct {
		name        string
		from, seeds uint64
		days        int
	}{
		{"mornings", 0, 100, 1},
		{"more mornings", 100, 100, 1},
		{"two days", 1000, 20, 2},
		{"two other days", 1020, 15, 2},
	} {
		t.Run(part.name, func(t *testing.T) {
			t.Parallel()
			runs := 0
			for seed := part.from; seed < part.from+part.seeds && !t.Failed(); seed++ {
				r := Run(seed, Options{Days: part.days})
				report(t, r)
				runs += r.Runs
			}
			assert.NotZero(t, runs)
		})
	}
}
