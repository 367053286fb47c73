// Package monitor reads heartbeats back, in any process that reaches their sink, and tells
// whether anybody runs the tasks. It owns nothing, is told a scheduler's name, and answers
// with a verdict. It imports store and internal/naming.
package monitor

import (
	"context"
	"fmt"
	"time"

	"github.com/tradeclock/tradeclock/internal/naming"
	"github.com/tradeclock/tradeclock/store"
)

// Liveness is a monitor's verdict on a scheduler.
type Liveness uint8

// The verdicts, from the worst to the best. Only Alive says that tasks run: a name
// of which the best instance is another has nobody who runs them.
const (
	Dead    Liveness = iota // no heartbeat for as long as Monitor.Dead, or ever
	Stopped                 // its last heartbeat said so, and is not that old yet
	Late                    // no heartbeat for as long as Monitor.Late
	Standby                 // it beats and ticks, and does not hold the term
	Wedged                  // it beats, but its last tick is over two minutes old
	Alive                   // it beats, ticks and holds the term, or is draining
)

var livenessNames = []string{"dead", "stopped", "late", "standby", "wedged", "alive"}

// String returns the verdict's name.
func (l Liveness) String() string { return naming.Of(livenessNames, int(l)) }

// MarshalText returns the name, and an error for a value that has none.
func (l Liveness) MarshalText() ([]byte, error) {
	return naming.Marshal("liveness", livenessNames, int(l))
}

// UnmarshalText parses what MarshalText wrote.
func (l *Liveness) UnmarshalText(text []byte) error {
	i, err := naming.Unmarshal("liveness", livenessNames, string(text))
	if err == nil {
		*l = Liveness(i)
	}
	return err
}

const wedgedAfter = 2 * time.Minute

// Monitor reads heartbeats back and tells how the scheduler's instances are. It
// is safe for concurrent use if its fields are not changed.
type Monitor struct {
	// Reader is where the heartbeats are. Required.
	Reader store.HeartbeatReader
	// Late and Dead are the ages of the last heartbeat from which on an instance
	// is late or dead. Zero means 90 seconds and five minutes.
	Late, Dead time.Duration
}

// Instance is the verdict on one instance, and its last heartbeat.
type Instance struct {
	Heartbeat store.ReceivedHeartbeat `json:"heartbeat"`
	Liveness  Liveness                `json:"liveness"`
}

// Check returns the verdict on each instance of the scheduler that ever beat,
// the newest heartbeat first, and on the whole: that of its best instance, Dead
// if there is none. Between a clean stop and the next start the whole is Stopped
// or Standby, and after a crash Late or Standby, until somebody has taken over: page
// on what is not Alive for longer than that takes.
func (m Monitor) Check(ctx context.Context, scheduler string) (Liveness, []Instance, error) {
	beats, err := m.Reader.Heartbeats(ctx, scheduler)
	if err != nil {
		return Dead, nil, fmt.Errorf("read heartbeats of %s: %w", scheduler, err)
	}
	whole := Dead
	instances := make([]Instance, len(beats))
	for i, beat := range beats {
		instances[i] = Instance{beat, m.verdict(beat)}
		whole = max(whole, instances[i].Liveness)
	}
	return whole, instances, nil
}

func (m Monitor) verdict(beat store.ReceivedHeartbeat) Liveness {
	late, dead := m.Late, m.Dead
	if late == 0 {
		late = 90 * time.Second
	}
	if dead == 0 {
		dead = 5 * time.Minute
	}
	switch {
	case beat.Age >= dead:
		return Dead
	case beat.State == store.StateStopped:
		return Stopped
	case beat.Age >= late:
		return Late
	case beat.At.Sub(beat.LastTick)+beat.Age > wedgedAfter:
		return Wedged
	case beat.State == store.StateStandby:
		return Standby
	}
	return Alive
}
