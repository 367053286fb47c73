package tradeclock_test

import (
	"testing"
	"time"
	"unsafe"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/memstore"
	"github.com/tradeclock/tradeclock/tradeclocktest"
)

// hostClock is a fake clock as a host has one: its instants carry a monotonic reading,
// and its wall clock can be set beside it.
type hostClock struct {
	*clockwork.FakeClock
	set time.Duration
}

// Now is the fake clock's instant with the wall time moved, and its monotonic reading
// as it was. No function of package time makes such an instant.
func (c *hostClock) Now() time.Time {
	now := c.FakeClock.Now().Add(c.set)
	reading := (*struct {
		wall uint64
		ext  int64 // the monotonic reading, if there is one
		loc  *time.Location
	})(unsafe.Pointer(&now))
	reading.ext -= int64(c.set)
	return now
}

// newHostWorld is newWorld on such a clock. The clock of the world is the one that goes
// on, whatever the wall clock is set to.
func newHostWorld(t testing.TB, start string) (*world, *hostClock) {
	t.Helper()
	w := newWorld(t, start)
	real := clockwork.NewRealClock().Now()
	w.clock = clockwork.NewFakeClockAt(real.Add(at(start).Sub(real)))
	host := &hostClock{FakeClock: w.clock}
	w.store = memstore.New(host)
	w.rec = tradeclocktest.NewRecorder(host)
	return w, host
}

func TestRule04_AHostWhoseClockIsSetBackRunsNothingAgain(t *testing.T) {
	for name, back := range map[string]time.Duration{"by minutes": 10 * time.Minute, "by less than one": 40 * time.Second} {
		t.Run(name, func(t *testing.T) {
			w, host := newHostWorld(t, "2026-11-23 08:59:00")
			log := new(eventLog)
			cfg := w.config(row("watch", "every 10s 09:00-09:30"))
			cfg.Clock, cfg.Observers = host, []tradeclock.Observer{log}
			s, d := w.drive(cfg)
			d.For(6 * time.Minute)
			watermark := at("2026-11-23 09:05:00").UTC()
			require.Equal(t, watermark, s.Status().Watermark)
			before := w.rec.Count("watch")

			host.set = -back
			d.Tick()
			assert.Equal(t, 1, s.Status().ClockSteps)
			assert.Equal(t, watermark, s.Status().Watermark, "it never goes back")
			require.Len(t, s.Status().Degraded, 1)
			assert.Contains(t, s.Status().Degraded[0], "the clock is "+back.String()+" behind")

			for range int(back/time.Second) - 1 {
				d.For(time.Second)
			}
			assert.Equal(t, before, w.rec.Count("watch"), "nothing is due before the watermark")
			assert.Equal(t, watermark, s.Status().Watermark)
			for range 60 {
				d.For(time.Second)
			}
			assert.Greater(t, w.rec.Count("watch"), before, "and after it, it goes on")
			assert.Empty(t, s.Status().Degraded)
			require.NoError(t, s.Close(t.Context()))
			require.Len(t, eventsOf[tradeclock.ClockStepped](log), 1)
			assert.Equal(t, -back, eventsOf[tradeclock.ClockStepped](log)[0].By)
		})
	}
}

// TestRule05_AStepOfAHostsClockLosesNothing: between two plans no time need have passed
// by the monotonic reading, and what the step passed over is due all the same.
func TestRule05_AStepOfAHostsClockLosesNothing(t *testing.T) {
	w, host := newHostWorld(t, "2026-11-23 09:00:00")
	cfg := w.config(row("buy", "daily 09:01"))
	cfg.Clock = host
	_, d := w.drive(cfg)
	d.Tick()
	host.set = 90 * time.Second
	d.Tick()
	for range 15 { // the term, which has ended by the wall clock, is renewed
		d.For(time.Second)
	}
	assert.Equal(t, []string{"09:01 succeeded"}, became(w.runs("buy")))
}

// TestRule27_ATermIsTrustedByBothClocks: what comes due runs once the term is renewed,
// and not while either clock says that it is over.
func TestRule27_ATermIsTrustedByBothClocks(t *testing.T) {
	for name, test := range map[string]struct {
		set time.Duration
		due string
	}{
		"the wall clock was set ahead":               {26 * time.Second, "09:00:15"},
		"the wall clock was set back":                {-5 * time.Second, "09:00:15"},
		"due just when it is over by the wall clock": {5 * time.Second, "09:00:17"},
		"due just when it is over by the other one":  {-5 * time.Second, "09:00:12"},
	} {
		t.Run(name, func(t *testing.T) {
			w, host := newHostWorld(t, "2026-11-23 08:59:50")
			faulty := tradeclocktest.NewFaulty(w.store)
			cfg := w.config(row("orders", "daily "+test.due))
			cfg.Clock, cfg.Ledger = host, faulty
			s, d := w.run(cfg)
			w.seconds(d, "2026-11-23 08:59:52")
			faulty.Hang(tradeclocktest.OpLead)
			host.set = test.set

			// The term was taken at 08:59:50, and is trusted for 27 of its 30 seconds.
			w.seconds(d, "2026-11-23 09:00:24")
			assert.Empty(t, w.rec.Runs())
			assert.NotZero(t, s.Status().Term, "nobody else has taken it")

			faulty.Heal()
			w.seconds(d, "2026-11-23 09:00:35")
			assert.Equal(t, 1, w.rec.Count("orders"))
		})
	}
}

// TestRule24_SchedulesAreReadOnAClockThatWasSetBack: the minute of the last poll lies
// ahead then.
func TestRule24_SchedulesAreReadOnAClockThatWasSetBack(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:55:00")
	faulty := tradeclocktest.NewFaulty(w.store)
	cfg := w.config()
	cfg.Schedules = faulty
	_, d := w.drive(cfg)
	d.Until(at("2026-11-23 10:00:00"))
	for minute := range 3 {
		before := faulty.Calls(tradeclocktest.OpRevision)
		w.clock.Advance(map[bool]time.Duration{true: -time.Hour, false: time.Minute}[minute == 0])
		d.Tick()
		assert.Equal(t, before+1, faulty.Calls(tradeclocktest.OpRevision), "in minute %d after it", minute)
	}
}

// TestRule19_AResetRunsNothingBeforeWhatHasRun sets the watermark back to before a monitor
// that was skipped for a halt, after the next one has run.
func TestRule19_AResetRunsNothingBeforeWhatHasRun(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:00:00")
	s, d := w.driver(row("watch", "every 5m 09:05-10:00", catchUp(time.Hour)))
	d.Until(at("2026-11-23 09:06:00"))
	require.NoError(t, s.Halt(t.Context(), tradeclock.HaltRequest{Reason: "lunch", Actor: "ana"}))
	d.Until(at("2026-11-23 09:11:00"))
	require.NoError(t, s.Lift(t.Context(), tradeclock.LiftRequest{Actor: "ana"}))
	d.Until(at("2026-11-23 09:16:00"))
	require.NoError(t, s.ResetWatermark(t.Context(), at("2026-11-23 09:01:00"), "a wrong clock", "ana"))
	d.For(2 * time.Minute)
	assert.Equal(t, []string{"09:05 succeeded", "09:10 missed", "09:15 succeeded"}, became(w.runs("watch")))
}
