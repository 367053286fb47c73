package quiet_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/internal/quiet"
)

func TestRestEndsWithItsContext(t *testing.T) {
	a, _ := newActivity()
	a.Begin()
	ctx, cancel := context.WithCancel(t.Context())
	rested := make(chan error)
	go func() { rested <- a.Rest(ctx) }()
	cancel()
	assert.ErrorIs(t, <-rested, context.Canceled)
	a.End()
	rest(t, a)
}

func TestAllThatBeganHasToEnd(t *testing.T) {
	a, _ := newActivity()
	for range 3 {
		a.Begin()
	}
	a.EndAll(2)
	assert.False(t, isAtRest(a))
	a.End()
	assert.True(t, isAtRest(a))
}

// relay hands one thing on by all means that there are, each to the next.
type relay struct {
	*quiet.Activity
	lane    *quiet.Lane
	bell    *quiet.Bell
	arrived atomic.Int32
	turn    atomic.Bool
}

func (r *relay) Do() {
	r.bell.Ring()
	r.End()
}

// TestRestSeesNoGap waits for rest while something is handed on from an alarm to a job, a
// bell, a call, a sleep that is due and a condition: it must have arrived then, however
// the goroutines interleave.
func TestRestSeesNoGap(t *testing.T) {
	a, _ := newActivity()
	r := &relay{Activity: a, lane: a.NewLane("lane", false), bell: a.NewBell()}
	stop := a.Background(t.Context(), func(ctx context.Context) {
		defer r.bell.Close()
		for r.bell.Wait(ctx) {
			_, err := quiet.Call(ctx, r.lane, quiet.MaxWait, func(ctx context.Context) (struct{}, error) {
				return struct{}{}, quiet.VisitOf(ctx).Sleep(ctx, 0)
			})
			assert.NoError(t, err)
			r.turn.Store(true)
		}
	})
	for range 500 {
		before := r.arrived.Load()
		r.turn.Store(false)
		begin(a, func() {
			assert.NoError(t, a.Await(t.Context(), r.turn.Load))
			r.arrived.Add(1)
		})
		a.After(0, func() {
			a.Begin()
			a.Start(r)
		})
		require.NoError(t, a.Rest(t.Context()))
		require.Equal(t, before+1, r.arrived.Load())
	}
	stop()
	a.Join()
}

func TestAListenerGoesFirst(t *testing.T) {
	a, _ := newActivity()
	l := a.NewListener()
	var heard atomic.Bool
	l.Begin()
	a.Go(func() {
		heard.Store(true)
		l.Took()
		l.End()
	})
	rest(t, a)
	assert.True(t, heard.Load())
}

func TestADeafListenerIsNotWaitedFor(t *testing.T) {
	a, _ := newActivity()
	l := a.NewListener()
	l.Begin()
	rest(t, a) // it takes a moment to find out
	assert.True(t, isAtRest(a))

	a.Begin()
	assert.False(t, isAtRest(a), "others are waited for")
	a.End()

	l.Took()
	a.Begin()
	rested := make(chan error)
	go func() { rested <- a.Rest(t.Context()) }()
	a.End()
	l.End()
	assert.NoError(t, <-rested)
}
