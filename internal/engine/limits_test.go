package engine

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// limitStep is something that happens to limits, at a time in milliseconds.
type limitStep struct {
	at      int
	do      string // reserve, start (reserve and started), started, release or hold off
	account string
	ok      bool
	next    int // in milliseconds, or 0
}

func TestLimits(t *testing.T) {
	two := Limit{Name: "broker", Starts: 2}
	for _, test := range []struct {
		name   string
		limits []Limit
		steps  []limitStep
	}{
		{"a second slides", []Limit{two}, []limitStep{
			{at: 0, do: "start", ok: true},
			{at: 400, do: "start", ok: true},
			{at: 500, do: "start", next: 1000},
			{at: 999, do: "start", next: 1000},
			{at: 1000, do: "start", ok: true},
			{at: 1000, do: "start", next: 1400},
			{at: 1400, do: "start", ok: true},
			{at: 9000, do: "start", ok: true},
			{at: 9000, do: "start", ok: true},
			{at: 9000, do: "start", next: 10000},
		}},
		{"all accounts together", []Limit{two}, []limitStep{
			{at: 0, do: "start", account: "42", ok: true},
			{at: 0, do: "start", account: "43", ok: true},
			{at: 0, do: "start", account: "44", next: 1000},
		}},
		{"each account by itself", []Limit{{Name: "broker", Starts: 1, Per: 3 * time.Second, PerAccount: true}}, []limitStep{
			{at: 0, do: "start", account: "42", ok: true},
			{at: 10, do: "start", account: "43", ok: true},
			{at: 20, do: "start", account: "42", next: 3000},
			{at: 20, do: "start", account: "43", next: 3010},
			{at: 3000, do: "start", account: "42", ok: true},
		}},
		{"two limits of a name", []Limit{{Name: "broker", Starts: 1, PerAccount: true}, {Name: "broker", Starts: 3, Per: 10 * time.Second}}, []limitStep{
			{at: 0, do: "start", account: "42", ok: true},
			{at: 100, do: "start", account: "42", next: 1000},
			{at: 100, do: "start", account: "43", ok: true},
			{at: 1000, do: "start", account: "42", ok: true},
			{at: 1050, do: "start", account: "42", next: 10000},
			{at: 1050, do: "start", account: "44", next: 10000},
		}},
		{"a reservation counts until the run starts", []Limit{two}, []limitStep{
			{at: 0, do: "reserve", ok: true},
			{at: 0, do: "reserve", ok: true},
			{at: 5000, do: "reserve"},
			{at: 5000, do: "started"},
			{at: 5000, do: "reserve", next: 6000},
			{at: 5500, do: "started"},
			{at: 6000, do: "start", ok: true},
			{at: 6000, do: "start", next: 6500},
		}},
		{"a reservation is released", []Limit{two}, []limitStep{
			{at: 0, do: "start", ok: true},
			{at: 0, do: "reserve", ok: true},
			{at: 10, do: "start", next: 1000},
			{at: 20, do: "release"},
			{at: 30, do: "start", ok: true},
			{at: 40, do: "start", next: 1000},
		}},
		{"the clock is set back", []Limit{two}, []limitStep{
			{at: 50_000, do: "start", ok: true},
			{at: 50_400, do: "start", ok: true},
			{at: 10_000, do: "start", next: 11_000},
			{at: 10_999, do: "start", next: 11_000},
			{at: 11_000, do: "start", ok: true},
			{at: 11_000, do: "start", ok: true},
		}},
		{"the clock is set back during a claim", []Limit{two}, []limitStep{
			{at: 50_000, do: "start", ok: true},
			{at: 50_000, do: "reserve", ok: true},
			{at: 10_000, do: "started"},
			{at: 10_500, do: "start", next: 11_000},
			{at: 11_000, do: "start", ok: true},
		}},
		{"a later term", []Limit{two, {Name: "broker", Starts: 5, Per: 2 * time.Second}}, []limitStep{
			{at: 1000, do: "hold off"},
			{at: 1000, do: "start", next: 3000},
			{at: 2000, do: "start", next: 3000},
			{at: 3000, do: "start", ok: true},
			{at: 3000, do: "start", ok: true},
			{at: 3000, do: "start", next: 4000},
		}},
		{"a later term, and the clock is set back", []Limit{two}, []limitStep{
			{at: 50_000, do: "hold off"},
			{at: 10_000, do: "start", next: 11_000},
			{at: 11_000, do: "start", ok: true},
		}},
		{"another name", []Limit{{Name: "exchange", Starts: 2}}, []limitStep{
			{at: 0, do: "start"},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			limits := NewLimits(test.limits)
			for i, step := range test.steps {
				now := time.UnixMilli(int64(step.at))
				switch step.do {
				case "started":
					limits.Started("broker", step.account, now)
					continue
				case "release":
					limits.Release("broker", step.account)
					continue
				case "hold off":
					limits.HoldOff(now)
					continue
				}
				ok, next := limits.Reserve("broker", step.account, now)
				if ok && step.do == "start" {
					limits.Started("broker", step.account, now)
				}
				assert.Equal(t, step.ok, ok, "step %d: %v", i, step)
				if step.next == 0 {
					assert.Zero(t, next, "step %d: %v", i, step)
				} else {
					assert.Equal(t, time.UnixMilli(int64(step.next)), next, "step %d: %v", i, step)
				}
			}
		})
	}
}

// What accounts have started is kept as long as it counts: some start once a day, and
// some never again.
func TestLimitsForgetAccounts(t *testing.T) {
	limits := NewLimits([]Limit{{Name: "broker", Starts: 1, Per: 3 * time.Second, PerAccount: true}})
	counter := limits["broker"][0]
	reserve := func(account string, at int) {
		ok, _ := limits.Reserve("broker", account, time.UnixMilli(int64(at)))
		require.True(t, ok, account)
	}
	for i := range 1000 {
		reserve(fmt.Sprint(i), i)
		if i != 500 {
			limits.Started("broker", fmt.Sprint(i), time.UnixMilli(int64(i)))
		}
	}
	assert.Len(t, counter.windows, 1000)

	reserve("42a", 3500)
	assert.Len(t, counter.windows, 499+2, "of those whose starts count, one that has not started, and the latest")

	limits.Started("broker", "500", time.UnixMilli(3600))
	limits.Release("broker", "42a")
	reserve("42b", 9000)
	assert.Len(t, counter.windows, 1)

	limits.Started("broker", "42b", time.UnixMilli(9000))
	reserve("42c", 100) // the clock is set back
	limits.Release("broker", "42c")
	reserve("42d", 3100)
	assert.Len(t, counter.windows, 1)
}

func TestNoLimit(t *testing.T) {
	limits := NewLimits(nil)
	for range 1000 {
		ok, _ := limits.Reserve("", "42", time.Time{})
		require.True(t, ok)
		limits.Started("", "42", time.Time{})
	}
}

// Whoever asks at once and again when told to starts as soon as can be, and never
// sooner: no stretch of time has more starts than the limit, and each start that
// waited comes exactly when one more than a stretch before it has passed.
func TestLimitIsExact(t *testing.T) {
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 7))
		limit := Limit{Name: "broker", Starts: 1 + random.IntN(5), Per: time.Duration(1+random.IntN(50)) * time.Millisecond}
		limits := NewLimits([]Limit{limit})
		now := time.Unix(1_800_000_000, 0)
		var starts []time.Time
		for range 300 {
			asked := now.Add(time.Duration(random.IntN(30)-10) * time.Millisecond)
			if asked.After(now) {
				now = asked
			}
			ok, next := limits.Reserve("broker", "", now)
			if !ok {
				require.True(t, next.After(now))
				require.Equal(t, starts[len(starts)-limit.Starts].Add(limit.Per), next, "no later than it must be")
				now = next
				ok, _ = limits.Reserve("broker", "", now)
				require.True(t, ok)
			}
			limits.Started("broker", "", now)
			starts = append(starts, now)
		}
		for i := limit.Starts; i < len(starts); i++ {
			require.GreaterOrEqual(t, starts[i].Sub(starts[i-limit.Starts]), limit.Per, "seed %d: start %d", seed, i)
		}
	}
}

// However long claims take, and however they end, no stretch of time has more
// starts than the limit.
func TestLimitHoldsWhateverClaimsTake(t *testing.T) {
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 8))
		limit := Limit{Name: "broker", Starts: 1 + random.IntN(5), Per: time.Duration(1+random.IntN(50)) * time.Millisecond}
		limits := NewLimits([]Limit{limit})
		now, reserved := time.Unix(1_800_000_000, 0), 0
		var starts []time.Time
		for range 2000 {
			now = now.Add(time.Duration(random.IntN(10)) * time.Millisecond)
			switch random.IntN(4) {
			case 0:
				if reserved > 0 {
					limits.Started("broker", "", now)
					starts, reserved = append(starts, now), reserved-1
				}
			case 1:
				if reserved > 0 && random.IntN(3) == 0 {
					limits.Release("broker", "")
					reserved--
				}
			default:
				if ok, _ := limits.Reserve("broker", "", now); ok {
					reserved++
				}
			}
			require.LessOrEqual(t, reserved, limit.Starts)
		}
		require.Greater(t, len(starts), 100)
		for i := limit.Starts; i < len(starts); i++ {
			require.GreaterOrEqual(t, starts[i].Sub(starts[i-limit.Starts]), limit.Per, "seed %d: start %d", seed, i)
		}
	}
}

// What is kept is bounded by the limit, and not by the number of starts.
func TestLimitKeepsNoMoreThanItCounts(t *testing.T) {
	limits := NewLimits([]Limit{{Name: "broker", Starts: 10}})
	now := time.Unix(1_800_000_000, 0)
	for range 10_000 {
		ok, next := limits.Reserve("broker", "42", now)
		if !ok {
			now = next
			continue
		}
		limits.Started("broker", "42", now)
		require.LessOrEqual(t, cap(limits["broker"][0].window("42").starts), 4*10)
	}
}

func BenchmarkLimit(b *testing.B) {
	limits := NewLimits([]Limit{{Name: "broker", Starts: 10, Per: time.Millisecond}})
	now := time.Unix(1_800_000_000, 0)
	b.ReportAllocs()
	for b.Loop() {
		if ok, next := limits.Reserve("broker", "42", now); !ok {
			now = next
			continue
		}
		limits.Started("broker", "42", now)
	}
}
