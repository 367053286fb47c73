package store

import (
	"context"
	"time"

	"github.com/tradeclock/tradeclock/internal/naming"
)

// HeartbeatSink receives a scheduler's heartbeats, one a minute. An error is
// retried before the next minute and counted; neither it nor a call that hangs
// is felt elsewhere.
type HeartbeatSink interface {
	Beat(ctx context.Context, hb Heartbeat) error
}

// HeartbeatReader is a HeartbeatSink whose heartbeats can be read back.
type HeartbeatReader interface {
	// Heartbeats returns the last heartbeat of each instance of the scheduler,
	// the newest first.
	Heartbeats(ctx context.Context, scheduler string) ([]ReceivedHeartbeat, error)
}

// ReceivedHeartbeat is a heartbeat with its age.
type ReceivedHeartbeat struct {
	Heartbeat
	// Age is the time since the sink received it. Both instants are taken from
	// the sink's clock, so that the clocks of two hosts never meet in it.
	Age time.Duration `json:"age"`
}

// SchedulerState is what a scheduler is doing. The zero value is StateStopped.
type SchedulerState uint8

// The states.
const (
	StateStopped  SchedulerState = iota // not running, or not yet
	StateStandby                        // it does not hold the term: another does, or nobody yet
	StateActive                         // it holds the term
	StateHalted                         // active, and halted for all accounts
	StateDraining                       // stopping: running tasks may finish
)

var stateNames = []string{"stopped", "standby", "active", "halted", "draining"}

// String returns the state's name, which ParseSchedulerState reads.
func (s SchedulerState) String() string { return naming.Of(stateNames, int(s)) }

// ParseSchedulerState parses the name of a state.
func ParseSchedulerState(text string) (SchedulerState, error) {
	i, err := naming.Parse("state", stateNames, text)
	return SchedulerState(i), err
}

// MarshalText returns the name, and an error for a value that has none.
func (s SchedulerState) MarshalText() ([]byte, error) {
	return naming.Marshal("state", stateNames, int(s))
}

// UnmarshalText parses what MarshalText wrote.
func (s *SchedulerState) UnmarshalText(text []byte) (err error) {
	*s, err = ParseSchedulerState(string(text))
	return err
}

// Heartbeat is what a scheduler says of itself once a minute, whatever runs and
// whatever day it is.
type Heartbeat struct {
	Scheduler string `json:"scheduler"`
	// Instance tells the processes of one scheduler name apart.
	Instance string `json:"instance"`
	// At is the scheduler's clock.
	At time.Time `json:"at"`
	// Term is the number of the term that it holds, or zero.
	Term  int64          `json:"term,omitzero"`
	State SchedulerState `json:"state"`
	// Degraded says what is wrong, one sentence each. Empty is healthy.
	Degraded []string `json:"degraded,omitzero"`
	// LastTick is when the last tick began, on the scheduler's clock, or when Run did
	// if there was none yet.
	LastTick time.Time `json:"last_tick,omitzero"`
	// Running are the runs whose Execute has not returned.
	Running []RunningTask `json:"running,omitzero"`
	// Next is when the next run may start, or zero: the due time of the next
	// occurrence, or a time until which a spread or a start limit makes a run wait.
	Next time.Time `json:"next,omitzero"`
}

// RunningTask is a run whose Execute has not returned.
type RunningTask struct {
	Account string        `json:"account"`
	Task    string        `json:"task"`
	Slot    string        `json:"slot"`
	Started time.Time     `json:"started"`
	Age     time.Duration `json:"age"`
	// Overdue is true if the run's outcome was taken and it still goes on.
	Overdue bool `json:"overdue,omitzero"`
}
