package memstore

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/tradeclock/tradeclock/store"
)

type beatKey struct{ scheduler, instance string }

type lastBeat struct {
	store.Heartbeat
	received time.Time
}

// Beat keeps the heartbeat as the last one of its instance.
func (s *Store) Beat(_ context.Context, hb store.Heartbeat) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := beatKey{hb.Scheduler, hb.Instance}
	beat := s.beats[key]
	if beat == nil {
		beat = new(lastBeat)
		s.beats[key] = beat
	}
	// The slices of the last heartbeat are used again, so that a beat costs no
	// allocation.
	hb.Degraded = append(beat.Degraded[:0], hb.Degraded...)
	hb.Running = append(beat.Running[:0], hb.Running...)
	beat.Heartbeat, beat.received = hb, s.clock.Now()
	return nil
}

// Heartbeats returns the last heartbeat of each instance of the scheduler, the
// newest first.
func (s *Store) Heartbeats(_ context.Context, scheduler string) ([]store.ReceivedHeartbeat, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock.Now()
	var beats []store.ReceivedHeartbeat
	for key, beat := range s.beats {
		if key.scheduler != scheduler {
			continue
		}
		hb := beat.Heartbeat
		hb.Degraded, hb.Running = slices.Clone(hb.Degraded), slices.Clone(hb.Running)
		beats = append(beats, store.ReceivedHeartbeat{Heartbeat: hb, Age: now.Sub(beat.received)})
	}
	slices.SortFunc(beats, func(a, b store.ReceivedHeartbeat) int {
		return cmp.Or(cmp.Compare(a.Age, b.Age), cmp.Compare(a.Instance, b.Instance))
	})
	return beats, nil
}
