package tradeclock_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/tradeclock/tradeclock"
)

// A sink that takes no heartbeat, and does not know Park, as a user's may be.
type deafSink struct{ heard chan struct{} }

func (d deafSink) Beat(context.Context, tradeclock.Heartbeat) error {
	<-d.heard
	return nil
}

func TestRule31_ADeafSinkIsNotWaitedFor(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:10:00")
	sink := deafSink{make(chan struct{})}
	cfg := w.config(row("sell_monitor", "every 1m 09:15-09:20"))
	cfg.Heartbeats = sink
	s, d := w.run(cfg)

	d.Until(at("2026-11-23 09:25:00"))

	assert.Equal(t, 5, w.rec.Count("sell_monitor"))
	assert.Contains(t, s.Status().Degraded[0], "heartbeats are not received")
	close(sink.heard)
}

func TestRule33_ADeafObserverIsNotWaitedFor(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:10:00")
	heard := make(chan struct{})
	cfg := w.config(row("sell_monitor", "every 1m 09:15-09:20"))
	cfg.Observer = tradeclock.ObserverFunc(func(tradeclock.Event) { <-heard })
	_, d := w.run(cfg)

	d.For(15 * time.Minute)

	assert.Equal(t, 5, w.rec.Count("sell_monitor"))
	close(heard)
}
