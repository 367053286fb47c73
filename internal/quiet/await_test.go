package quiet_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/tradeclock/tradeclock/internal/quiet"
)

// TestWhoWaitsIsActiveOnceItsConditionIsTrue looks for a gap between the end of what made
// a condition true, and whoever waits for it.
func TestWhoWaitsIsActiveOnceItsConditionIsTrue(t *testing.T) {
	for name, stir := range map[string]func(a *quiet.Activity, change func()){
		"at the end of what changed it": func(a *quiet.Activity, change func()) {
			a.Begin()
			change()
			a.End()
		},
		"at a stir": func(a *quiet.Activity, change func()) {
			change()
			a.Stir()
		},
	} {
		t.Run(name, func(t *testing.T) {
			a, _ := newActivity()
			var done atomic.Bool
			goOn := make(chan struct{})
			ended := begin(a, func() {
				assert.NoError(t, a.Await(t.Context(), done.Load))
				<-goOn
			})
			rest(t, a)

			stir(a, func() {})
			rest(t, a) // it has looked, and waits on

			stir(a, func() { done.Store(true) })
			assert.False(t, isAtRest(a))
			close(goOn)
			<-ended
			rest(t, a)
		})
	}
}

func TestNobodyWaitsForWhatIsTrue(t *testing.T) {
	a, clock := newActivity()
	a.Begin()
	assert.NoError(t, a.Await(t.Context(), func() bool { return true }))
	assert.NoError(t, a.AwaitFor(t.Context(), time.Second, func() bool { return true }))
	a.End()
	assert.True(t, isAtRest(a))
	assert.Zero(t, a.NextWake())
	clock.Advance(time.Second)
	rest(t, a)
}

func TestAWaitEndsWithItsContext(t *testing.T) {
	a, _ := newActivity()
	ctx, cancel := context.WithCancel(t.Context())
	goOn := make(chan struct{})
	ended := begin(a, func() {
		assert.ErrorIs(t, a.Await(ctx, func() bool { return false }), context.Canceled)
		<-goOn
	})
	rest(t, a)

	cancel()
	assert.False(t, isAtRest(a), "whoever waits goes on")
	close(goOn)
	<-ended
	rest(t, a)
}

func TestAWaitIsBounded(t *testing.T) {
	a, clock := newActivity()
	ended := begin(a, func() {
		assert.Error(t, a.AwaitFor(t.Context(), time.Second, func() bool { return false }))
	})
	rest(t, a)
	clock.Advance(time.Second)
	rest(t, a)
	<-ended

	ctx, cancel := a.Within(t.Context(), time.Second)
	defer cancel()
	clock.Advance(time.Second)
	rest(t, a)
	assert.Equal(t, quiet.ErrTooSlow, context.Cause(ctx))
}

// TestTwoWhoWaitDoNotKeepEachOtherAwake lets several wait at once: that one waits again
// is nothing for which another would have to look.
func TestTwoWhoWaitDoNotKeepEachOtherAwake(t *testing.T) {
	a, _ := newActivity()
	var done atomic.Bool
	var looks atomic.Int32
	var ended []<-chan struct{}
	for range 3 {
		ended = append(ended, begin(a, func() {
			assert.NoError(t, a.Await(t.Context(), func() bool {
				looks.Add(1)
				return done.Load()
			}))
		}))
	}
	rest(t, a)
	before := looks.Load()
	a.Stir()
	rest(t, a)
	assert.EqualValues(t, 3, looks.Load()-before, "each has looked once")

	done.Store(true)
	a.Stir()
	for _, e := range ended {
		<-e
	}
}
