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
	t.Parallel()
	for seed := range uint64(4) {
		r := Run(seed, Options{Days: 2, Faultless: true})
		report(t, r)
		require.NotZero(t, r.Runs)
		require.Empty(t, r.Faults)
	}
}

// TestReplay runs worlds twice, and compares their timelines whole.
func TestReplay(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		first := Run(seed, Options{Days: 2, Whole: true})
		second := Run(seed, Options{Days: 2, Whole: true})
		require.Equal(t, first, second, "seed %d", seed)
		require.NotEmpty(t, first.Timeline)
	}
}

// TestReport tells what a failure must be told with.
func TestReport(t *testing.T) {
	r := Result{
		Seed: 7, Days: 2, Without: map[int]bool{5: true, 3: true}, Timeline: []string{"r0.1: boots"},
		Incidents: []Incident{{4, crash, "Mon 23 09:00:00 #4 crash"}}, Findings: []Finding{{"at most once", "twice", 0}},
	}
	assert.Equal(t, []string{
		"seed 7, 2 days, 1 incidents:", "Mon 23 09:00:00 #4 crash",
		"timeline:", "r0.1: boots",
		"seed 7: violation of at most once: twice",
		"repeat it with: go run ./internal/world/cmd -from 7 -seeds 1 -days 2 -without 3,5 -brief -v",
	}, r.Report())
}

// TestInstant holds the world's own reading of wall times to the days on which clocks
// change.
func TestInstant(t *testing.T) {
	spring, autumn := newYork[0], newYork[1]
	for _, test := range []struct {
		place exchangePlace
		clock time.Duration
		want  string
	}{
		{spring, 90 * time.Minute, "2026-03-08T01:30:00-05:00"},
		{spring, 150 * time.Minute, "2026-03-08T03:00:00-04:00"},
		{spring, 9 * time.Hour, "2026-03-08T09:00:00-04:00"},
		{autumn, 90 * time.Minute, "2026-11-01T01:30:00-04:00"},
		{autumn, 2 * time.Hour, "2026-11-01T02:00:00-05:00"},
		{autumn, 9 * time.Hour, "2026-11-01T09:00:00-05:00"},
	} {
		at := test.place.instant(test.place.firstDay.AddDays(1), test.clock)
		assert.Equal(t, test.want, at.Format(time.RFC3339))
	}
}

// TestWorlds holds worlds to the invariants: mornings, and some that go on to the next
// day. The command in cmd runs whole weeks.
func TestWorlds(t *testing.T) {
	for _, part := range []struct {
		name        string
		from, seeds uint64
		days        int
	}{
		{"mornings", 328, 120, 1},
		{"two days", 1000, 20, 2},
	} {
		t.Run(part.name, func(t *testing.T) {
			t.Parallel()
			var checked Checked
			for seed := part.from; seed < part.from+part.seeds/raceShare && !t.Failed(); seed++ {
				r := Run(seed, Options{Days: part.days})
				report(t, r)
				checked.Add(r.Checked)
			}
			assert.Greater(t, checked.Accounted, checked.Occurrences*9/10, "few occurrences are too near to a change to be held to one row")
			assert.Positive(t, checked.Chained, "what is chained is held to run when the other has succeeded")
			assert.Greater(t, checked.AtOnce, checked.Occurrences/3, "many are far enough from any fault to be held to run at once")
		})
	}
}
