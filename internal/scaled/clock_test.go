package scaled_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/tradeclock/tradeclock/internal/scaled"
)

var start = time.Date(2026, time.November, 23, 3, 45, 0, 0, time.UTC)

func newClock() *scaled.Clock {
	return &scaled.Clock{Epoch: time.Now(), Start: start, Factor: 3600}
}

func TestTimeIsAFunctionOfTheSystemsTime(t *testing.T) {
	clock := newClock()

	assert.Equal(t, start, clock.At(clock.Epoch))
	assert.Equal(t, start.Add(time.Hour), clock.At(clock.Epoch.Add(time.Second)))
	assert.Equal(t, start.Add(-time.Hour), clock.At(clock.Epoch.Add(-time.Second)))
	assert.Equal(t, time.Second, clock.Real(time.Hour))
	assert.Equal(t, time.Duration(1), clock.Real(1))
}

func TestATimerNeverFiresEarly(t *testing.T) {
	clock := newClock()
	due := clock.Now().Add(time.Minute) // before the timer is set, as a busy host may pause between
	timer := clock.NewTimer(time.Minute)

	assert.False(t, (<-timer.Chan()).Before(due))
	assert.False(t, timer.Reset(24*time.Hour), "it had fired") // long enough for a host that is busy
	assert.True(t, timer.Stop())
	assert.False(t, timer.Stop())
}

func TestAStoppedFunctionIsNotCalled(t *testing.T) {
	clock := newClock()
	called := make(chan string, 2)
	stopped := clock.AfterFunc(time.Hour, func() { called <- "stopped" })
	clock.AfterFunc(2*time.Hour, func() { called <- "other" })

	assert.True(t, stopped.Stop())
	assert.Equal(t, "other", <-called)
}

func TestATickerGoesOnUntilItIsStopped(t *testing.T) {
	clock := newClock()
	ticker := clock.NewTicker(time.Minute)

	first := <-ticker.Chan()
	second := <-ticker.Chan()

	assert.True(t, second.After(first))
	ticker.Stop()
	ticker.Reset(time.Minute)
	assert.True(t, (<-ticker.Chan()).After(second))
	ticker.Stop()
}
