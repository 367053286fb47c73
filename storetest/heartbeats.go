package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/store"
)

// TestHeartbeats holds a sink to the contract of store.HeartbeatSink, and
// to that of HeartbeatReader if it is one, which Has says that it means to be. It calls open for a new and empty
// sink in each of its subtests. The sink must take the age of a heartbeat from
// the given clock, a *clockwork.FakeClock.
func TestHeartbeats(t *testing.T, open func(t *testing.T, clock clockwork.Clock) store.HeartbeatSink, has ...Companion) {
	t.Run("Companions", func(t *testing.T) {
		testCompanions(t, open(t, clockwork.NewFakeClockAt(at(9, 0))), heartbeatCompanions, has)
	})
	cases := []struct {
		name string
		test func(w *heartbeatTest)
	}{
		{"a heartbeat is taken, and again", func(w *heartbeatTest) {
			w.beat(fullHeartbeat("one"))
			w.beat(fullHeartbeat("one"))
			w.beat(store.Heartbeat{Scheduler: paper, Instance: "two"})
		}},
		{"every field is kept", func(w *heartbeatTest) {
			want := fullHeartbeat("one")
			w.beat(want)
			got := w.read(paper)
			require.Len(w.t, got, 1)
			assert.Equal(w.t, want, comparableBeat(got[0].Heartbeat))
		}},
		{"a heartbeat may say very little", func(w *heartbeatTest) {
			want := store.Heartbeat{Scheduler: paper, Instance: "one", At: at(9, 0)}
			w.beat(fullHeartbeat("one"))
			w.beat(want)
			got := w.read(paper)
			require.Len(w.t, got, 1)
			assert.Equal(w.t, want, comparableBeat(got[0].Heartbeat))
		}},
		{"the last heartbeat of each instance is read, the newest first", testLastBeats},
		{"the age is taken on the sink's clock alone", func(w *heartbeatTest) {
			hb := fullHeartbeat("one")
			hb.At = at(9, 0).Add(-6 * time.Hour) // the scheduler's clock is wrong
			w.beat(hb)
			w.clock.Advance(90 * time.Second)
			got := w.read(paper)
			require.Len(w.t, got, 1)
			assert.Equal(w.t, 90*time.Second, got[0].Age)
		}},
		{"what is handed over and out is not shared", testBeatsNotShared},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			clock := clockwork.NewFakeClockAt(at(9, 0))
			c.test(&heartbeatTest{t: t, ctx: t.Context(), clock: clock, sink: open(t, clock)})
		})
	}
}

type heartbeatTest struct {
	t     *testing.T
	ctx   context.Context
	clock *clockwork.FakeClock
	sink  store.HeartbeatSink
}

func (w *heartbeatTest) beat(hb store.Heartbeat) {
	w.t.Helper()
	require.NoError(w.t, w.sink.Beat(w.ctx, hb))
}

// read returns the heartbeats of a scheduler. If the sink is no reader the test is
// skipped.
func (w *heartbeatTest) read(scheduler string) []store.ReceivedHeartbeat {
	w.t.Helper()
	beats, err := companion[store.HeartbeatReader](w.t, w.sink).Heartbeats(w.ctx, scheduler)
	require.NoError(w.t, err)
	return beats
}

func fullHeartbeat(instance string) store.Heartbeat {
	return store.Heartbeat{
		Scheduler: paper,
		Instance:  instance,
		At:        at(9, 0).Add(250 * time.Microsecond),
		Term:      7,
		State:     store.StateHalted,
		Degraded:  []string{"the calendar ends in 12 days", `account 42: "login" failed`},
		LastTick:  at(8, 59),
		Running: []store.RunningTask{
			{Account: "42", Task: "analysis", Slot: "2026-11-23", Started: at(8, 58), Age: 2 * time.Minute, Overdue: true},
			{Account: "43", Task: "sell_monitor", Slot: "2026-11-23T09:00:00Z", Started: at(9, 0)},
		},
		Next: at(9, 1),
	}
}

func comparableBeat(hb store.Heartbeat) store.Heartbeat {
	hb.At, hb.LastTick, hb.Next = toMicrosecond(hb.At), toMicrosecond(hb.LastTick), toMicrosecond(hb.Next)
	for i := range hb.Running {
		hb.Running[i].Started = toMicrosecond(hb.Running[i].Started)
	}
	if len(hb.Running) == 0 {
		hb.Running = nil
	}
	if len(hb.Degraded) == 0 {
		hb.Degraded = nil
	}
	return hb
}

func testLastBeats(w *heartbeatTest) {
	for _, instance := range []string{"one", "two", "three", "one"} {
		hb := fullHeartbeat(instance)
		hb.At = w.clock.Now()
		w.beat(hb)
		w.clock.Advance(time.Minute)
	}
	other := fullHeartbeat("one")
	other.Scheduler = "real"
	w.beat(other)
	got := w.read(paper)
	var instances []string
	var ages []time.Duration
	for _, beat := range got {
		instances, ages = append(instances, beat.Instance), append(ages, beat.Age)
	}
	assert.Equal(w.t, []string{"one", "three", "two"}, instances)
	assert.Equal(w.t, []time.Duration{time.Minute, 2 * time.Minute, 3 * time.Minute}, ages)
	assert.Equal(w.t, at(9, 3), got[0].At.UTC(), "the last one of the instance")

	assert.Empty(w.t, w.read("unknown"))
}

func testBeatsNotShared(w *heartbeatTest) {
	hb := fullHeartbeat("one")
	w.beat(hb)
	hb.Degraded[0], hb.Running[0].Task = "changed", "changed"
	for range 2 {
		got := w.read(paper)
		require.Len(w.t, got, 1)
		assert.Equal(w.t, fullHeartbeat("one"), comparableBeat(got[0].Heartbeat))
		got[0].Degraded[0], got[0].Running[0].Task = "changed", "changed"
	}
}
