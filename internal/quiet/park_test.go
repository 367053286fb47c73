package quiet_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/tradeclock/tradeclock/internal/quiet"
)

func TestAVisitThatIsParkedIsAtRest(t *testing.T) {
	a, _ := newActivity()
	ctx, cancel := context.WithCancel(a.Visiting(t.Context()))
	a.Begin()
	assert.False(t, isAtRest(a))

	unpark := quiet.VisitOf(ctx).Park(ctx)
	assert.True(t, isAtRest(a))
	unpark()
	unpark() // once is enough
	assert.False(t, isAtRest(a))

	unpark = quiet.VisitOf(ctx).Park(ctx)
	assert.True(t, isAtRest(a))
	cancel()
	assert.False(t, isAtRest(a), "it is to return")
	unpark()
	a.End()
	assert.True(t, isAtRest(a))
	assert.Nil(t, quiet.VisitOf(t.Context()))
}

func TestAVisitThatSleepsIsAtRestUntilItsTimeHasCome(t *testing.T) {
	a, clock := newActivity()
	ctx := a.Visiting(t.Context())
	goOn := make(chan struct{})
	ended := begin(a, func() {
		assert.NoError(t, quiet.VisitOf(ctx).Sleep(ctx, time.Minute))
		<-goOn
	})
	rest(t, a)
	assert.Equal(t, clock.Now().Add(time.Minute), a.NextWake())

	clock.Advance(59 * time.Second)
	rest(t, a)
	clock.Advance(time.Second)
	assert.False(t, isAtRest(a))
	close(goOn)
	<-ended
	rest(t, a)
}

func TestASleepEndsWithItsContext(t *testing.T) {
	a, _ := newActivity()
	ctx, cancel := context.WithCancelCause(a.Visiting(t.Context()))
	ended := begin(a, func() {
		assert.Equal(t, assert.AnError, quiet.VisitOf(ctx).Sleep(ctx, time.Minute))
	})
	rest(t, a)
	cancel(assert.AnError)
	<-ended
	rest(t, a)
	assert.Zero(t, a.NextWake())
}
