package tradeclock

import (
	"context"
	"fmt"
	"time"

	"github.com/tradeclock/tradeclock/internal/quiet"
	"github.com/tradeclock/tradeclock/store"
)

// HeartbeatSink receives a Heartbeat each minute, in which the scheduler says what it is
// doing. The package store has these words, and the package monitor reads heartbeats back.
type (
	HeartbeatSink  = store.HeartbeatSink
	Heartbeat      = store.Heartbeat
	SchedulerState = store.SchedulerState
)

// What a scheduler is doing.
const (
	StateStopped  = store.StateStopped
	StateStandby  = store.StateStandby
	StateActive   = store.StateActive
	StateHalted   = store.StateHalted
	StateDraining = store.StateDraining
)

// beatLoop beats at each minute, whatever the ticks do, and when the term was taken
// or lost. The first beat waits a little, so that it can tell whether the term is
// held. A beat that failed is tried again within the minute.
func (s *UnifiedTaskScheduler) beatLoop(ctx context.Context) {
	defer s.pulse.Close()
	for first := true; s.pulse.Wait(ctx); first = false {
		if first {
			asked := func() bool { return s.engine.Term.IsResumed() || s.term.holder != "" || s.engine.Term.IsUnreachable() }
			_ = s.awaitFor(ctx, pollBound, asked)
		}
		s.mu.Lock()
		ok := s.sendBeat(ctx)
		s.mu.Unlock()
		now := s.clock.Now()
		wait := nextMinute(now).Sub(now)
		if !ok {
			wait = min(wait, beatRetry)
		}
		s.pulse.RingAfter(wait)
	}
}

const beatRetry = 10 * time.Second

// beatSoon beats without waiting for the minute if the last beat said another state,
// so that a monitor knows at once who is active. In a program that calls Tick, the
// tick beats. The caller holds mu.
func (s *UnifiedTaskScheduler) beatSoon() {
	if said := s.health.said; s.life.running && said != StateStopped && said != s.state() {
		s.pulse.Ring()
	}
}

// sendBeat sends a heartbeat, and reports whether it was received. The caller is
// counted as active and holds mu.
func (s *UnifiedTaskScheduler) sendBeat(ctx context.Context) bool {
	if s.life.crashed.Load() {
		return true
	}
	if s.cfg.Heartbeats == nil {
		s.health.lastBeat = s.clock.Now().Round(0).UTC()
		return true
	}
	var err error
	hb := s.heartbeat()
	s.health.said = hb.State
	if s.lanes.beat.IsDirect() {
		err = s.cfg.Heartbeats.Beat(ctx, hb)
	} else {
		err = s.callSink(ctx, hb)
	}
	switch {
	case err != nil && ctx.Err() != nil:
		return false // that nobody waits for the answer says nothing of the sink
	case err != nil:
		s.health.beatErrors++
		s.degrade("heartbeat", fmt.Sprintf("heartbeats are not received: %v", err))
		return false
	}
	s.clear("heartbeat")
	s.health.lastBeat = hb.At
	return true
}

// callSink lets go of mu meanwhile.
func (s *UnifiedTaskScheduler) callSink(ctx context.Context, hb Heartbeat) error {
	s.mu.Unlock()
	defer s.mu.Lock()
	_, err := quiet.Call(ctx, s.lanes.beat, pollBound, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, s.cfg.Heartbeats.Beat(ctx, hb)
	})
	return err
}
