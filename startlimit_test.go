package tradeclock

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/rule"
)

// limitStep is something that happens to limits, at a time in milliseconds.
type limitStep struct {
	at      int
	do      string // reserve, start (reserve and started), started, release or hold off
	account string
	ok      bool
	next    int // in milliseconds, or 0
}

func TestStartLimits(t *testing.T) {
	two := StartLimit{Name: "broker", Starts: 2}
	for _, test := range []struct {
		name   string
		limits []StartLimit
		steps  []limitStep
	}{
		{"a second slides", []StartLimit{two}, []limitStep{
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
		{"all accounts together", []StartLimit{two}, []limitStep{
			{at: 0, do: "start", account: "42", ok: true},
			{at: 0, do: "start", account: "43", ok: true},
			{at: 0, do: "start", account: "44", next: 1000},
		}},
		{"each account by itself", []StartLimit{{Name: "broker", Starts: 1, Per: 3 * time.Second, PerAccount: true}}, []limitStep{
			{at: 0, do: "start", account: "42", ok: true},
			{at: 10, do: "start", account: "43", ok: true},
			{at: 20, do: "start", account: "42", next: 3000},
			{at: 20, do: "start", account: "43", next: 3010},
			{at: 3000, do: "start", account: "42", ok: true},
		}},
		{"two limits of a name", []StartLimit{{Name: "broker", Starts: 1, PerAccount: true}, {Name: "broker", Starts: 3, Per: 10 * time.Second}}, []limitStep{
			{at: 0, do: "start", account: "42", ok: true},
			{at: 100, do: "start", account: "42", next: 1000},
			{at: 100, do: "start", account: "43", ok: true},
			{at: 1000, do: "start", account: "42", ok: true},
			{at: 1050, do: "start", account: "42", next: 10000},
			{at: 1050, do: "start", account: "44", next: 10000},
		}},
		{"a reservation counts until the run starts", []StartLimit{two}, []limitStep{
			{at: 0, do: "reserve", ok: true},
			{at: 0, do: "reserve", ok: true},
			{at: 5000, do: "reserve"},
			{at: 5000, do: "started"},
			{at: 5000, do: "reserve", next: 6000},
			{at: 5500, do: "started"},
			{at: 6000, do: "start", ok: true},
			{at: 6000, do: "start", next: 6500},
		}},
		{"a reservation is released", []StartLimit{two}, []limitStep{
			{at: 0, do: "start", ok: true},
			{at: 0, do: "reserve", ok: true},
			{at: 10, do: "start", next: 1000},
			{at: 20, do: "release"},
			{at: 30, do: "start", ok: true},
			{at: 40, do: "start", next: 1000},
		}},
		{"the clock is set back", []StartLimit{two}, []limitStep{
			{at: 50_000, do: "start", ok: true},
			{at: 50_400, do: "start", ok: true},
			{at: 10_000, do: "start", next: 11_000},
			{at: 10_999, do: "start", next: 11_000},
			{at: 11_000, do: "start", ok: true},
			{at: 11_000, do: "start", ok: true},
		}},
		{"the clock is set back during a claim", []StartLimit{two}, []limitStep{
			{at: 50_000, do: "start", ok: true},
			{at: 50_000, do: "reserve", ok: true},
			{at: 10_000, do: "started"},
			{at: 10_500, do: "start", next: 11_000},
			{at: 11_000, do: "start", ok: true},
		}},
		{"a later term", []StartLimit{two, {Name: "broker", Starts: 5, Per: 2 * time.Second}}, []limitStep{
			{at: 1000, do: "hold off"},
			{at: 1000, do: "start", next: 3000},
			{at: 2000, do: "start", next: 3000},
			{at: 3000, do: "start", ok: true},
			{at: 3000, do: "start", ok: true},
			{at: 3000, do: "start", next: 4000},
		}},
		{"a later term, and the clock is set back", []StartLimit{two}, []limitStep{
			{at: 50_000, do: "hold off"},
			{at: 10_000, do: "start", next: 11_000},
			{at: 11_000, do: "start", ok: true},
		}},
		{"another name", []StartLimit{{Name: "exchange", Starts: 2}}, []limitStep{
			{at: 0, do: "start"},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			limits := newStartLimits(test.limits)
			for i, step := range test.steps {
				now := time.UnixMilli(int64(step.at))
				switch step.do {
				case "started":
					limits.started("broker", step.account, now)
					continue
				case "release":
					limits.release("broker", step.account)
					continue
				case "hold off":
					limits.holdOff(now)
					continue
				}
				ok, next := limits.reserve("broker", step.account, now)
				if ok && step.do == "start" {
					limits.started("broker", step.account, now)
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
func TestStartLimitsForgetAccounts(t *testing.T) {
	limits := newStartLimits([]StartLimit{{Name: "broker", Starts: 1, Per: 3 * time.Second, PerAccount: true}})
	counter := limits["broker"][0]
	reserve := func(account string, at int) {
		ok, _ := limits.reserve("broker", account, time.UnixMilli(int64(at)))
		require.True(t, ok, account)
	}
	for i := range 1000 {
		reserve(fmt.Sprint(i), i)
		if i != 500 {
			limits.started("broker", fmt.Sprint(i), time.UnixMilli(int64(i)))
		}
	}
	assert.Len(t, counter.windows, 1000)

	reserve("42a", 3500)
	assert.Len(t, counter.windows, 499+2, "of those whose starts count, one that has not started, and the latest")

	limits.started("broker", "500", time.UnixMilli(3600))
	limits.release("broker", "42a")
	reserve("42b", 9000)
	assert.Len(t, counter.windows, 1)

	limits.started("broker", "42b", time.UnixMilli(9000))
	reserve("42c", 100) // the clock is set back
	limits.release("broker", "42c")
	reserve("42d", 3100)
	assert.Len(t, counter.windows, 1)
}

// Of a task whose starts are limited, pending runs are made of no more accounts than may
// start, though runs of another task that come after them are ready.
func TestStartLimitMakesNoRunsInAdvance(t *testing.T) {
	clock := clockwork.NewFakeClockAt(time.Date(2026, 11, 23, 8, 59, 0, 0, time.UTC))
	buy := Schedule{Task: "buy", Rule: rule.MustParse("daily 09:00"), StartLimit: "broker"}
	sell := Schedule{Task: "sell", Rule: rule.MustParse("daily 09:00")}
	s, err := New(Config{
		Name: "paper", Schedules: FixedSchedules(buy, sell), Calendar: calendar.AlwaysOpen(time.UTC), Clock: clock,
		Ledger: NewStore(clock), Logger: slog.New(slog.DiscardHandler),
		StartLimits: []StartLimit{{Name: "broker", Starts: 10}}, MaxConcurrent: 20,
	})
	require.NoError(t, err)
	long := ExecutorFunc(func(ctx context.Context, _ Run) error { return Sleep(ctx, time.Hour) })
	for i := range 1000 {
		require.NoError(t, s.Enroll(t.Context(), fmt.Sprint(i), long))
	}
	require.NoError(t, s.Tick(t.Context()))
	clock.Advance(time.Minute)
	require.NoError(t, s.Tick(t.Context()))
	assert.Len(t, s.queue.running, 20, "as many as there are places")

	clock.Advance(time.Second) // the limit lets ten more start, if there were places
	require.NoError(t, s.Quiesce(t.Context()))
	s.mu.Lock()
	defer s.mu.Unlock()
	var ready int
	for _, p := range s.queue.ready {
		if p.task.name == "buy" {
			ready++
		}
	}
	assert.Equal(t, 10, ready)
	assert.Len(t, s.queue.running, 20)
}

func TestNoStartLimit(t *testing.T) {
	limits := newStartLimits(nil)
	for range 1000 {
		ok, _ := limits.reserve("", "42", time.Time{})
		require.True(t, ok)
		limits.started("", "42", time.Time{})
	}
}

// Whoever asks at once and again when told to starts as soon as can be, and never
// sooner: no stretch of time has more starts than the limit, and each start that
// waited comes exactly when one more than a stretch before it has passed.
func TestStartLimitIsExact(t *testing.T) {
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 7))
		limit := StartLimit{Name: "broker", Starts: 1 + random.IntN(5), Per: time.Duration(1+random.IntN(50)) * time.Millisecond}
		limits := newStartLimits([]StartLimit{limit})
		now := time.Unix(1_800_000_000, 0)
		var starts []time.Time
		for range 300 {
			asked := now.Add(time.Duration(random.IntN(30)-10) * time.Millisecond)
			if asked.After(now) {
				now = asked
			}
			ok, next := limits.reserve("broker", "", now)
			if !ok {
				require.True(t, next.After(now))
				require.Equal(t, starts[len(starts)-limit.Starts].Add(limit.Per), next, "no later than it must be")
				now = next
				ok, _ = limits.reserve("broker", "", now)
				require.True(t, ok)
			}
			limits.started("broker", "", now)
			starts = append(starts, now)
		}
		for i := limit.Starts; i < len(starts); i++ {
			require.GreaterOrEqual(t, starts[i].Sub(starts[i-limit.Starts]), limit.Per, "seed %d: start %d", seed, i)
		}
	}
}

// However long claims take, and however they end, no stretch of time has more
// starts than the limit.
func TestStartLimitHoldsWhateverClaimsTake(t *testing.T) {
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 8))
		limit := StartLimit{Name: "broker", Starts: 1 + random.IntN(5), Per: time.Duration(1+random.IntN(50)) * time.Millisecond}
		limits := newStartLimits([]StartLimit{limit})
		now, reserved := time.Unix(1_800_000_000, 0), 0
		var starts []time.Time
		for range 2000 {
			now = now.Add(time.Duration(random.IntN(10)) * time.Millisecond)
			switch random.IntN(4) {
			case 0:
				if reserved > 0 {
					limits.started("broker", "", now)
					starts, reserved = append(starts, now), reserved-1
				}
			case 1:
				if reserved > 0 && random.IntN(3) == 0 {
					limits.release("broker", "")
					reserved--
				}
			default:
				if ok, _ := limits.reserve("broker", "", now); ok {
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
func TestStartLimitKeepsNoMoreThanItCounts(t *testing.T) {
	limits := newStartLimits([]StartLimit{{Name: "broker", Starts: 10}})
	now := time.Unix(1_800_000_000, 0)
	for range 10_000 {
		ok, next := limits.reserve("broker", "42", now)
		if !ok {
			now = next
			continue
		}
		limits.started("broker", "42", now)
		require.LessOrEqual(t, cap(limits["broker"][0].window("42").starts), 4*10)
	}
}

func TestConfigRefusesStartLimits(t *testing.T) {
	limited := Schedule{Task: "buy", Rule: rule.MustParse("daily 09:15"), StartLimit: "broker"}
	for _, test := range []struct {
		name   string
		limits []StartLimit
		want   []string
	}{
		{"good", []StartLimit{{Name: "broker", Starts: 10}, {Name: "broker", Starts: 200, Per: time.Minute, PerAccount: true}}, nil},
		{"none", nil, []string{`field Schedules: schedule of buy: StartLimit: the configuration has no limit "broker"`}},
		{"another", []StartLimit{{Name: "exchange", Starts: 1}}, []string{`the configuration has no limit "broker"`}},
		{"misspelled", []StartLimit{{Name: "brokre", Starts: 1}}, []string{`no limit "broker": did you mean "brokre"?`}},
		{"everything", []StartLimit{{Name: "broker", Starts: 0, Per: time.Hour}, {Starts: maxStarts + 1, Per: 1}}, []string{
			`field StartLimits: limit "broker": Starts: 0 is not between 1 and 100000`,
			"Per: 1h0m0s is not between 1ms and 1m0s",
			`limit "": Name: a name is required`, "Starts: 100001 is not between", "Per: 1ns is not between",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := New(Config{Schedules: FixedSchedules(limited), StartLimits: test.limits, Ledger: NewStore(nil)})
			if test.want == nil {
				assert.NoError(t, err)
			}
			for _, want := range test.want {
				assert.ErrorContains(t, err, want)
			}
		})
	}
}

func BenchmarkStartLimit(b *testing.B) {
	limits := newStartLimits([]StartLimit{{Name: "broker", Starts: 10, Per: time.Millisecond}})
	now := time.Unix(1_800_000_000, 0)
	b.ReportAllocs()
	for b.Loop() {
		if ok, next := limits.reserve("broker", "42", now); !ok {
			now = next
			continue
		}
		limits.started("broker", "42", now)
	}
}
