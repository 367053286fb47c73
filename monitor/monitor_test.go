package monitor_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/monitor"
	"github.com/tradeclock/tradeclock/store"
)

// readings is a reader of given heartbeats.
type readings struct {
	beats []store.ReceivedHeartbeat
	err   error
}

func (r readings) Heartbeats(context.Context, string) ([]store.ReceivedHeartbeat, error) {
	return r.beats, r.err
}

// heard is a heartbeat of some age, of a scheduler whose last tick was some time
// before it.
func heard(age, sinceTick time.Duration) store.ReceivedHeartbeat {
	sent := time.Date(2026, time.November, 23, 3, 30, 0, 0, time.UTC)
	return store.ReceivedHeartbeat{
		Heartbeat: store.Heartbeat{At: sent, LastTick: sent.Add(-sinceTick), State: store.StateActive}, Age: age,
	}
}

// heardAs is one that says a state.
func heardAs(state store.SchedulerState, age, sinceTick time.Duration) store.ReceivedHeartbeat {
	beat := heard(age, sinceTick)
	beat.State = state
	return beat
}

func TestRule31_Monitor(t *testing.T) {
	for _, test := range []struct {
		name  string
		beats []store.ReceivedHeartbeat
		late  time.Duration
		dead  time.Duration
		want  monitor.Liveness
		each  []monitor.Liveness
	}{
		{name: "never heard of", want: monitor.Dead},
		{name: "alive", beats: []store.ReceivedHeartbeat{heard(30*time.Second, 0)}, want: monitor.Alive},
		{name: "alive until late", beats: []store.ReceivedHeartbeat{heard(90*time.Second-1, 0)}, want: monitor.Alive},
		{name: "late", beats: []store.ReceivedHeartbeat{heard(90*time.Second, 0)}, want: monitor.Late},
		{name: "late until dead", beats: []store.ReceivedHeartbeat{heard(5*time.Minute-1, 0)}, want: monitor.Late},
		{name: "dead", beats: []store.ReceivedHeartbeat{heard(5*time.Minute, 0)}, want: monitor.Dead},
		{name: "wedged", beats: []store.ReceivedHeartbeat{heard(time.Second, 2*time.Minute)}, want: monitor.Wedged},
		{name: "not wedged yet", beats: []store.ReceivedHeartbeat{heard(0, 2*time.Minute)}, want: monitor.Alive},
		{name: "its own bounds", beats: []store.ReceivedHeartbeat{heard(20*time.Second, 0)}, late: 10 * time.Second, dead: 30 * time.Second, want: monitor.Late},
		{
			name:  "the best of several",
			beats: []store.ReceivedHeartbeat{heard(time.Second, time.Hour), heard(30*time.Second, 0), heard(time.Hour, 0)},
			want:  monitor.Alive,
			each:  []monitor.Liveness{monitor.Wedged, monitor.Alive, monitor.Dead},
		},
		{name: "halted", beats: []store.ReceivedHeartbeat{heardAs(store.StateHalted, 0, 0)}, want: monitor.Alive},
		{name: "draining", beats: []store.ReceivedHeartbeat{heardAs(store.StateDraining, 0, 0)}, want: monitor.Alive},
		{name: "stopped", beats: []store.ReceivedHeartbeat{heardAs(store.StateStopped, 0, 0)}, want: monitor.Stopped},
		{name: "stopped is not late", beats: []store.ReceivedHeartbeat{heardAs(store.StateStopped, 5*time.Minute-1, 0)}, want: monitor.Stopped},
		{name: "stopped, and nobody followed", beats: []store.ReceivedHeartbeat{heardAs(store.StateStopped, 5*time.Minute, 0)}, want: monitor.Dead},
		{name: "standbys alone", beats: []store.ReceivedHeartbeat{
			heardAs(store.StateStandby, 0, 0), heardAs(store.StateStandby, time.Second, 0)}, want: monitor.Standby},
		{name: "a standby that does not tick", beats: []store.ReceivedHeartbeat{heardAs(store.StateStandby, time.Second, 2*time.Minute)}, want: monitor.Wedged},
		{name: "a standby that is late", beats: []store.ReceivedHeartbeat{heardAs(store.StateStandby, 2*time.Minute, 0)}, want: monitor.Late},
		{
			name:  "a holder that died, and its standby",
			beats: []store.ReceivedHeartbeat{heardAs(store.StateStandby, 0, 0), heard(2*time.Minute, 0)},
			want:  monitor.Standby, each: []monitor.Liveness{monitor.Standby, monitor.Late},
		},
		{
			name:  "a holder that hangs, and its standby",
			beats: []store.ReceivedHeartbeat{heardAs(store.StateStandby, 0, 0), heard(0, time.Hour)},
			want:  monitor.Wedged,
		},
		{
			name:  "one that died, and one that was stopped before",
			beats: []store.ReceivedHeartbeat{heard(2*time.Minute, 0), heardAs(store.StateStopped, 3*time.Minute, 0)},
			want:  monitor.Late, each: []monitor.Liveness{monitor.Late, monitor.Stopped},
		},
		{
			name:  "an active one, and its standby",
			beats: []store.ReceivedHeartbeat{heardAs(store.StateStandby, 0, 0), heard(0, 0)},
			want:  monitor.Alive,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			watcher := monitor.Monitor{Reader: readings{beats: test.beats}, Late: test.late, Dead: test.dead}
			whole, instances, err := watcher.Check(t.Context(), "paper")
			require.NoError(t, err)
			assert.Equal(t, test.want.String(), whole.String())
			require.Len(t, instances, len(test.beats))
			for i, liveness := range test.each {
				assert.Equal(t, liveness.String(), instances[i].Liveness.String())
			}
		})
	}
	_, _, err := monitor.Monitor{Reader: readings{err: errors.New("disk gone")}}.Check(t.Context(), "paper")
	assert.EqualError(t, err, "read heartbeats of paper: disk gone")
}

// TestJSON writes a verdict for a page, and reads it back.
func TestJSON(t *testing.T) {
	instance := monitor.Instance{Heartbeat: heardAs(store.StateStandby, 90*time.Second, time.Second), Liveness: monitor.Late}
	text, err := json.Marshal(instance)
	require.NoError(t, err)
	assert.Contains(t, string(text), `"age":"1m30s"`)
	assert.Contains(t, string(text), `"liveness":"late"`)
	var read monitor.Instance
	require.NoError(t, json.Unmarshal(text, &read))
	assert.Equal(t, instance, read)

	_, err = monitor.Liveness(9).MarshalText()
	assert.Error(t, err)
	assert.Error(t, new(monitor.Liveness).UnmarshalText(nil), "which it is must be said")
	assert.EqualError(t, new(monitor.Liveness).UnmarshalText([]byte("fine")), `liveness "fine" is none of dead, stopped, late, standby, wedged, alive`)
}
