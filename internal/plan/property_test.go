package plan

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/internal/planworld"
)

// How many cuts checkPlan makes up: fewer than so many.
const (
	wholeCuts = 40
	quickCuts = 8
)

// TestRule05_CuttingARangeNeverChangesWhatIsDue plans made-up schedules over made-up
// ranges, whole and cut at made-up points, and compares with the oracle.
func TestRule05_CuttingARangeNeverChangesWhatIsDue(t *testing.T) {
	var due, skipped int
	for seed := range uint64(300) {
		for _, o := range checkPlan(t, seed, nil, planworld.Whole, wholeCuts) {
			due++
			if o.Skipped {
				skipped++
			}
		}
	}
	assert.Greater(t, due, 10_000, "the worlds have something to plan")
	assert.Greater(t, skipped, 500)
	assert.Less(t, skipped, due/2)
}

// FuzzPlanCut does the same for any small world and any cuts, which are given as two
// bytes each: how far into the range.
func FuzzPlanCut(f *testing.F) {
	for seed := range uint64(50) { // half of the worlds have nothing due
		f.Add(seed, []byte{17, 3, 17, 4, 128, 0})
	}
	f.Fuzz(func(t *testing.T, seed uint64, cuts []byte) {
		if len(cuts) > 16 {
			cuts = cuts[:16]
		}
		checkPlan(t, seed, cuts, planworld.Quick, quickCuts)
	})
}

// checkPlan compares three plans of one world with the oracle: of the whole range,
// of its pieces by one plan, and of its pieces by a fresh one each. It makes up
// more cuts.
func checkPlan(t *testing.T, seed uint64, cuts []byte, size planworld.Size, more int) []planworld.Due {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 5))
	w := planworld.New(seed, random, size)
	from, to := w.SomeRange(random)
	points := []time.Time{from, to}
	for ; len(cuts) >= 2; cuts = cuts[2:] {
		share := time.Duration(cuts[0])<<8 | time.Duration(cuts[1])
		points = append(points, from.Add(to.Sub(from)/65536*share))
	}
	for range random.IntN(more) {
		points = append(points, from.Add(time.Duration(random.Int64N(int64(to.Sub(from))))))
	}
	want := w.Due(from, to)
	points = cutAtDueTimes(points, want, random)

	rows := rowsOf(w)
	fresh := func() *Plan { return New(rows.all) }
	whole := rows.due(fresh().Between(from, to))
	w.Same(t, want, whole, "the whole range")

	one := fresh()
	var pieces, afresh []planworld.Due
	for i := range points[1:] {
		pieces = append(pieces, rows.due(one.Between(points[i], points[i+1]))...)
		afresh = append(afresh, rows.due(fresh().Between(points[i], points[i+1]))...)
		checkNext(t, one, points[i+1], want) // as a tick does, which goes on from there
		if i%3 == 0 {
			checkNext(t, one, points[i], want)
		}
	}
	w.Same(t, want, pieces, "the pieces")
	w.Same(t, want, afresh, "the pieces, each planned afresh,")
	return want
}

// cutAtDueTimes adds cuts at, just before and just after what is due, and puts the
// points in order.
func cutAtDueTimes(points []time.Time, due []planworld.Due, random *rand.Rand) []time.Time {
	from, to := points[0], points[1]
	for range 12 {
		if len(due) == 0 {
			break
		}
		at := due[random.IntN(len(due))].At.Add(time.Duration(random.IntN(3)-1) * time.Nanosecond)
		if at.After(from) && at.Before(to) {
			points = append(points, at)
		}
	}
	slices.SortFunc(points, time.Time.Compare)
	return points
}

// checkNext holds the next due time after an instant to what is due: it may be too
// early only where the calendar is unsure, and never too late.
func checkNext(t *testing.T, p *Plan, after time.Time, want []planworld.Due) {
	t.Helper()
	next, found := p.Next(after)
	i := slices.IndexFunc(want, func(o planworld.Due) bool { return o.At.After(after) })
	if i < 0 {
		return
	}
	require.False(t, next.After(want[i].At), "the next after %v is %v, and %v is due at %v", after, next, want[i].Task, want[i].At)
	if found && !slices.ContainsFunc(p.markets, func(m *market) bool { return len(m.unsure) > 0 }) {
		require.Equal(t, want[i].At.UTC(), next.UTC(), "the next after %v", after)
	}
}
