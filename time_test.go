package tradeclock_test

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/tradeclocktest"
)

// forbidden are the functions that take time from elsewhere than the injected
// clock, by the path of their package.
var forbidden = map[string][]string{
	"time":    {"Now", "Sleep", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick", "Since", "Until"},
	"context": {"WithTimeout", "WithTimeoutCause", "WithDeadline", "WithDeadlineCause"},
	"github.com/jonboulle/clockwork": {"WithTimeout", "WithDeadline", "NewRealClock", "NewFakeClock", "NewFakeClockAt",
		"FromContext"},
}

// realClockDefaults are the places in which a nil Clock becomes the real one.
var realClockDefaults = []string{
	"clock.go clockwork.NewRealClock",
	"config.go clockwork.NewRealClock",
	"memstore/store.go clockwork.NewRealClock",
}

func TestRule01_TheInjectedClockIsTheOnlySourceOfTime(t *testing.T) {
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	stores, err := filepath.Glob("memstore/*.go")
	require.NoError(t, err)
	quiet, err := filepath.Glob("internal/quiet/*.go") // where all that waits for the clock does
	require.NoError(t, err)
	require.NotEmpty(t, quiet)
	var uses []string
	for _, file := range slices.Concat(files, stores, quiet) {
		if !strings.HasSuffix(file, "_test.go") {
			uses = append(uses, forbiddenUses(t, file)...)
		}
	}
	assert.Equal(t, realClockDefaults, uses)
}

// forbiddenUses names the uses of forbidden functions in a file.
func forbiddenUses(t *testing.T, file string) (uses []string) {
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	require.NoError(t, err)
	names := make(map[string][]string)
	for _, spec := range parsed.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		require.NoError(t, err)
		name := filepath.Base(path)
		if spec.Name != nil {
			name = spec.Name.Name
		}
		if functions := forbidden[path]; functions != nil {
			assert.NotEqual(t, ".", name, "%s: a dot import of %s hides where time comes from", file, path)
			names[name] = functions
		}
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		if selector, ok := n.(*ast.SelectorExpr); ok {
			if pkg, ok := selector.X.(*ast.Ident); ok && slices.Contains(names[pkg.Name], selector.Sel.Name) {
				uses = append(uses, file+" "+pkg.Name+"."+selector.Sel.Name)
			}
		}
		return true
	})
	return uses
}

func TestRule01_TimeoutsAndRetriesAreTimedByTheClock(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	_, d := w.driver(
		row("hanging", "daily 09:00", func(s *tradeclock.Schedule) { s.Timeout = 90 * time.Second }),
		row("failing", "daily 09:00", catchUp(time.Hour), func(s *tradeclock.Schedule) {
			s.Retry = tradeclock.Retry{Attempts: 3, Backoff: 10 * time.Minute, MaxBackoff: time.Hour}
		}),
	)
	w.rec.Do("hanging", takes(24*time.Hour))
	w.rec.Do("failing", func(context.Context, tradeclock.Run) error { return errors.New("no") })

	w.seconds(d, "2026-11-23 09:02:00")
	d.Until(at("2026-11-23 09:40:00"))

	hanging := w.runs("hanging")[0]
	assert.Equal(t, tradeclock.TimedOut, hanging.Outcome)
	assert.Equal(t, at("2026-11-23 09:01:30").UTC(), hanging.Finished)
	var attempts []time.Time
	for _, e := range w.rec.Runs() {
		if e.Run.Task == "failing" {
			attempts = append(attempts, e.Start)
		}
	}
	require.Len(t, attempts, 3)
	for i, want := range []string{"09:00:00", "09:10:00", "09:30:00"} {
		assert.True(t, attempts[i].Equal(at("2026-11-23 "+want)), "attempt %d was at %v", i+1, attempts[i])
	}
}

func TestRule02_TheHostsZoneNeverMatters(t *testing.T) {
	host := time.Local
	defer func() { time.Local = host }()
	for _, zone := range []string{"UTC", "America/New_York", "Pacific/Kiritimati", "Asia/Kolkata"} {
		t.Run(zone, func(t *testing.T) {
			time.Local = mustZone(zone)
			w := newWorld(t, "2026-11-23 00:00:00")
			_, d := w.driver(row("buy", "daily 09:01"), row("watch", "hourly 22:30-23:30"))

			d.Until(at("2026-11-24 00:00:00"))

			assert.Equal(t, []string{"2026-11-23 succeeded"}, tell(w.runs("buy")))
			assert.Equal(t, []string{"2026-11-23T22+05:30 succeeded", "2026-11-23T23+05:30 succeeded"}, tell(w.runs("watch")))
			for _, r := range w.runs("") {
				for _, instant := range []time.Time{r.Due, r.Started, r.Finished} {
					assert.Same(t, time.UTC, instant.Location(), "%s %s", r.Task, instant)
				}
			}
			assert.Equal(t, at("2026-11-23 09:01:00").UTC(), w.runs("buy")[0].Started)
		})
	}
}

func TestRule02_WallTimesAreThoseOfTheConfiguredLocation(t *testing.T) {
	tokyo := mustZone("Asia/Tokyo")
	w := newWorldIn(t, tokyo, "2026-11-23 08:00:00")
	cfg := w.config(row("buy", "daily 09:00"), row("watch", "hourly 10:00-11:00"))
	cfg.Location = tokyo // and the calendar's is Kolkata
	_, d := w.drive(cfg)

	d.For(4 * time.Hour)

	require.Len(t, w.runs("buy"), 1)
	assert.Equal(t, "09:00", w.runs("buy")[0].Due.In(tokyo).Format("15:04"))
	assert.Equal(t, []string{"2026-11-23T10+09:00", "2026-11-23T11+09:00"}, w.rec.Slots("watch"))
}

func TestRule03_ChangeOverDays(t *testing.T) {
	tests := []struct {
		name, zone, start string   // midnight of the day before the change
		night             []string // due times of daily 01:30, in the order of the days
		later             []string // and of daily 02:30
		hourly            []int    // occurrences of hourly 00:30-04:30 on each day
	}{
		{
			"spring in New York, where 02:30 is skipped", "America/New_York", "2026-03-07 00:00:00",
			[]string{"03-07T06:30Z", "03-08T06:30Z", "03-09T05:30Z"},
			[]string{"03-07T07:30Z", "03-08T07:00Z", "03-09T06:30Z"},
			[]int{5, 4, 5},
		},
		{
			"autumn in New York, where 01:30 is twice", "America/New_York", "2026-10-31 00:00:00",
			[]string{"10-31T05:30Z", "11-01T05:30Z", "11-02T06:30Z"},
			[]string{"10-31T06:30Z", "11-01T07:30Z", "11-02T07:30Z"},
			[]int{5, 6, 5},
		},
		{
			"spring in London, where 01:30 is skipped", "Europe/London", "2026-03-28 00:00:00",
			[]string{"03-28T01:30Z", "03-29T01:00Z", "03-30T00:30Z"},
			[]string{"03-28T02:30Z", "03-29T01:30Z", "03-30T01:30Z"},
			[]int{5, 4, 5},
		},
		{
			"autumn in London, where 01:30 is twice", "Europe/London", "2026-10-24 00:00:00",
			[]string{"10-24T00:30Z", "10-25T00:30Z", "10-26T01:30Z"},
			[]string{"10-24T01:30Z", "10-25T02:30Z", "10-26T02:30Z"},
			[]int{5, 6, 5},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			loc := mustZone(test.zone)
			w := newWorldIn(t, loc, test.start)
			cfg := w.config(row("night", "daily 01:30"), row("later", "daily 02:30"), row("hourly", "hourly 00:30-04:30"))
			cfg.Calendar = calendar.AlwaysOpen(loc)
			_, d := w.drive(cfg)

			d.For(3 * 24 * time.Hour)

			assert.Equal(t, test.night, startedAt(t, w.runs("night")))
			assert.Equal(t, test.later, startedAt(t, w.runs("later")))
			perDay := make(map[calendar.Date]int)
			for _, r := range w.runs("hourly") {
				assert.Equal(t, tradeclock.Succeeded, r.Outcome)
				perDay[r.Session]++
			}
			first := day(test.start[:10])
			for i, want := range test.hourly {
				assert.Equal(t, want, perDay[first.AddDays(i)], "on day %d", i)
			}
		})
	}
}

// startedAt tells when runs started, each of which must have succeeded at its due
// time.
func startedAt(t *testing.T, runs []tradeclock.Run) (instants []string) {
	for _, r := range runs {
		assert.Equal(t, tradeclock.Succeeded, r.Outcome, r.Slot)
		assert.Equal(t, r.Due, r.Started, r.Slot)
		instants = append(instants, r.Started.UTC().Format("01-02T15:04Z"))
	}
	return instants
}

func TestRule04_RunWakesAtMinuteBoundaries(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:57:20")
	log := new(eventLog)
	cfg := w.config(row("later", "daily 18:00"))
	cfg.Observers = []tradeclock.Observer{log}
	d, stop := tradeclocktest.StartDriver(t, w.scheduler(cfg), w.clock)

	w.seconds(d, "2026-11-23 09:00:30")

	require.NoError(t, stop())
	var wakes []string
	for _, tick := range eventsOf[tradeclock.Ticked](log) {
		wakes = append(wakes, tick.To.In(kolkata).Format("15:04:05"))
	}
	assert.Equal(t, []string{"08:57:20", "08:58:00", "08:59:00", "09:00:00"}, wakes)
}

func TestRule04_RunWakesEarlierForRulesFinerThanAMinute(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	_, d := w.run(w.config(
		row("fast", "every 1s 09:00:57-09:01:02"),
		row("slow", "every 20s 09:00-09:01"),
		row("odd", "daily 09:00:07"),
	))

	w.seconds(d, "2026-11-23 09:02:00")

	for task, want := range map[string]int{"fast": 5, "slow": 3, "odd": 1} {
		runs := w.runs(task)
		assert.Len(t, runs, want, task)
		for _, r := range runs {
			assert.Equal(t, tradeclock.Succeeded, r.Outcome, r.Slot)
			assert.Equal(t, r.Due, r.Started, r.Slot)
		}
	}
}

func TestRule04_AClockThatStepsBackRunsNothingAgain(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	log := new(eventLog)
	cfg := w.config(row("buy", "daily 09:01"), row("watch", "every 1m 09:00-09:30"))
	cfg.Observers = []tradeclock.Observer{log}
	s, d := w.drive(cfg)
	d.Until(at("2026-11-23 09:05:00"))
	require.Equal(t, 6, w.rec.Count("watch"))

	w.clock.Advance(-10 * time.Minute)
	d.Tick()

	assert.Equal(t, 1, s.Status().ClockSteps)
	require.Len(t, s.Status().Degraded, 1)
	assert.Contains(t, s.Status().Degraded[0], "the clock is 10m0s behind")
	assert.Equal(t, at("2026-11-23 09:05:00").UTC(), s.Status().Watermark)

	d.Until(at("2026-11-23 09:05:00"))
	assert.Equal(t, 6, w.rec.Count("watch"), "nothing is due before the watermark")
	assert.Empty(t, s.Status().Degraded, "the clock has caught up")

	d.Until(at("2026-11-23 09:31:00"))
	assert.Equal(t, 1, w.rec.Count("buy"))
	assert.Equal(t, 30, w.rec.Count("watch"))
	require.NoError(t, s.Close(t.Context()))
	steps := eventsOf[tradeclock.ClockStepped](log)
	require.Len(t, steps, 1)
	assert.Negative(t, steps[0].By)
}

func TestRule04_ARestartOnAClockThatIsBehindRunsNothingAgain(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	s, d := w.driver(row("buy", "daily 09:01"))
	d.Until(at("2026-11-23 09:05:00"))
	require.NoError(t, s.Close(t.Context()))

	w.clock.Advance(-10 * time.Minute)
	s, d = w.driver(row("buy", "daily 09:01"))
	d.Until(at("2026-11-23 09:04:00"))

	assert.Equal(t, 1, w.rec.Count("buy"))
	require.Len(t, s.Status().Degraded, 1)
	assert.Contains(t, s.Status().Degraded[0], "behind")
}

func TestRule04_AStepForwardIsConfirmedByASecondWake(t *testing.T) {
	rows := []tradeclock.Schedule{row("buy", "daily 09:30"), row("sell", "daily 15:00"), row("watch", "every 1m 09:15-15:30")}

	t.Run("and not if the clock is set right meanwhile", func(t *testing.T) {
		w := newWorld(t, "2026-11-23 09:00:00")
		s, d := w.driver(rows...)
		d.Tick()

		w.clock.Advance(7 * time.Hour)
		d.Tick()
		assert.Empty(t, w.runs(""), "nothing is recorded yet")
		require.Len(t, s.Status().Degraded, 1)
		assert.Contains(t, s.Status().Degraded[0], "stepped forward")

		w.clock.Advance(-7 * time.Hour)
		d.Until(at("2026-11-23 15:31:00"))
		assert.Len(t, w.rec.Runs(), 1+1+375)
		assert.Equal(t, 2, s.Status().ClockSteps)
		assert.Empty(t, s.Status().Degraded)
	})

	t.Run("and then what it passed is missed", func(t *testing.T) {
		w := newWorld(t, "2026-11-23 09:00:00")
		s, d := w.driver(rows...)
		d.Tick()

		w.clock.Advance(7 * time.Hour)
		d.Tick()
		w.clock.Advance(time.Second)
		d.Tick()

		assert.Empty(t, w.rec.Runs())
		assert.Equal(t, []string{"09:15 missed x375", "09:30 missed", "15:00 missed"}, became(w.runs("")))
		for _, text := range s.Status().Degraded {
			assert.Regexp(t, "has missed a run|times in a row", text)
		}
	})

	t.Run("which Run makes within seconds", func(t *testing.T) {
		w := newWorld(t, "2026-11-23 09:00:00")
		_, d := w.run(w.config(rows...))

		w.clock.Advance(7 * time.Hour)
		d.Tick()
		w.seconds(d, "2026-11-23 16:00:02")

		assert.Equal(t, []string{"09:15 missed x375", "09:30 missed", "15:00 missed"}, became(w.runs("")))
	})

	t.Run("but not one of five minutes or less", func(t *testing.T) {
		w := newWorld(t, "2026-11-23 09:29:00")
		s, d := w.driver(row("buy", "daily 09:30"))
		d.Tick()

		w.clock.Advance(time.Minute + 5*time.Minute) // a minute passed, and the clock stepped
		d.Tick()

		assert.Equal(t, []string{"09:30 missed"}, became(w.runs("buy")))
		assert.Equal(t, 1, s.Status().ClockSteps)
	})
}

func TestRule04_AnAuditedCallResetsTheWatermark(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:00:00")
	s, d := w.driver(row("early", "daily 09:10"), row("buy", "daily 09:30"), row("watch", "every 10m 09:15-15:15"))
	d.Until(at("2026-11-23 09:20:00"))
	w.clock.Advance(48 * time.Hour) // the clock goes wrong
	d.Tick()
	d.Tick()
	require.Equal(t, at("2026-11-25 09:20:00").UTC(), s.Status().Watermark)
	w.clock.Advance(-48 * time.Hour) // and is set right
	d.Until(at("2026-11-23 09:25:00"))
	assert.Contains(t, fmt.Sprint(s.Status().Degraded), "behind what was planned already")
	assert.Contains(t, fmt.Sprint(s.Status().Degraded), "has missed a run: 2026-11-25")

	assert.ErrorContains(t, s.ResetWatermark(t.Context(), w.clock.Now(), "", "ann"), "a reason and an actor")
	require.NoError(t, s.ResetWatermark(t.Context(), w.clock.Now(), "NTP failed", "ann"))
	d.Until(at("2026-11-23 15:30:00"))

	assert.Empty(t, s.Status().Degraded)
	assert.Equal(t, []string{"2026-11-23 succeeded"}, tell(w.runs("early")))
	assert.Equal(t, []string{"2026-11-23 succeeded"}, tell(w.runs("buy")))
	assert.Equal(t, 36, w.rec.Count("watch"))
	assert.Len(t, w.runs("watch"), 36, "what the wrong clock recorded is gone")
	audit, err := w.store.Audit(t.Context(), store.AuditQuery{Scheduler: "paper"})
	require.NoError(t, err)
	require.NotEmpty(t, audit)
	last := audit[0]
	assert.Equal(t, "ann", last.Actor)
	assert.Equal(t, "NTP failed", last.Reason)
}

// TestRule04_WhatWaitsDoesNotStartBeforeItsTime sets the clock back while a run
// waits for a place.
func TestRule04_WhatWaitsDoesNotStartBeforeItsTime(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	cfg := w.config(row("analysis", "daily 09:00"), row("buy", "daily 09:01", catchUp(time.Hour)))
	cfg.MaxConcurrent = 1
	_, d := w.drive(cfg)
	done := w.latch()
	w.rec.Do("analysis", done.task)
	d.Until(at("2026-11-23 09:02:00"))

	w.clock.Advance(-30 * time.Minute)
	d.Tick()
	done.release()
	d.Until(at("2026-11-23 09:00:30"))
	assert.Zero(t, w.rec.Count("buy"))

	d.Until(at("2026-11-23 09:02:00"))
	require.Len(t, w.runs("buy"), 1)
	assert.Equal(t, at("2026-11-23 09:01:00").UTC(), w.runs("buy")[0].Started)
}
