package quiet_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/tradeclock/tradeclock/internal/quiet"
)

// listen lets a loop wait for a bell. Each round is received from rounds at its begin, and
// once more to let it end.
func listen(a *quiet.Activity, b *quiet.Bell) (rounds chan struct{}, stop func()) {
	rounds = make(chan struct{})
	return rounds, a.Background(context.Background(), func(ctx context.Context) {
		defer b.Close()
		for b.Wait(ctx) {
			rounds <- struct{}{}
			rounds <- struct{}{}
		}
	})
}

func TestABellIsActivityUntilItIsWaitedForAgain(t *testing.T) {
	a, _ := newActivity()
	b := a.NewBell()
	b.Ring() // before anybody waits
	assert.False(t, isAtRest(a))
	rounds, stop := listen(a, b)
	assert.False(t, isAtRest(a))
	<-rounds
	assert.False(t, isAtRest(a))
	<-rounds
	rest(t, a)

	b.Ring()
	assert.False(t, isAtRest(a))
	<-rounds
	<-rounds
	rest(t, a)
	stop()
	b.Ring()
	assert.True(t, isAtRest(a), "nobody waits for it any more")
	a.Join()
}

func TestABellThatRingsMeanwhileIsNotMissed(t *testing.T) {
	a, _ := newActivity()
	b := a.NewBell()
	rounds, stop := listen(a, b)
	b.Ring()
	<-rounds
	b.Ring()
	b.Ring() // which wakes it once
	<-rounds
	<-rounds
	<-rounds
	rest(t, a)
	stop()
}

func TestABellRingsLater(t *testing.T) {
	a, clock := newActivity()
	b := a.NewBell()
	b.RingAfter(time.Second)
	b.RingAfter(time.Minute) // in its place
	rounds, stop := listen(a, b)
	clock.Advance(time.Second)
	rest(t, a)

	clock.Advance(59 * time.Second)
	assert.False(t, isAtRest(a))
	<-rounds
	<-rounds
	rest(t, a)
	stop()
	assert.Zero(t, a.NextWake())
}

func TestToCloseABellEndsItsActivityAndItsAlarm(t *testing.T) {
	a, _ := newActivity()
	b := a.NewBell()
	b.Ring()
	b.RingAfter(time.Second)

	b.Close()

	assert.True(t, isAtRest(a))
	assert.Zero(t, a.NextWake())
}
