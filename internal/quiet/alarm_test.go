package quiet_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/tradeclock/tradeclock/internal/quiet"
)

func TestAlarmsGoOffInOrder(t *testing.T) {
	a, clock := newActivity()
	began := clock.Now()
	var wentOff []time.Duration
	for _, d := range []time.Duration{3 * time.Second, time.Second, 5 * time.Minute, 2 * time.Second} {
		a.After(d, func() { wentOff = append(wentOff, d) })
	}
	assert.Equal(t, began.Add(time.Second), a.NextWake())
	assert.True(t, isAtRest(a), "none is due")

	clock.Advance(2 * time.Second)
	rest(t, a)
	assert.Equal(t, []time.Duration{time.Second, 2 * time.Second}, wentOff)
	assert.Equal(t, began.Add(3*time.Second), a.NextWake())

	clock.Advance(time.Second)
	rest(t, a)
	for range 5 { // a wait is a minute at most
		assert.Equal(t, began.Add(5*time.Minute), a.NextWake())
		assert.Len(t, wentOff, 3)
		clock.Advance(quiet.MaxWait)
		rest(t, a)
	}
	assert.Len(t, wentOff, 4)
	assert.Zero(t, a.NextWake())
}

func TestAlarmOfNowGoesOff(t *testing.T) {
	a, _ := newActivity()
	for _, d := range []time.Duration{0, -time.Hour} {
		wentOff := false
		a.After(d, func() { wentOff = true })
		rest(t, a)
		assert.True(t, wentOff, "%v", d)
	}
}

func TestAStoppedAlarmDoesNotGoOff(t *testing.T) {
	a, clock := newActivity()
	never := func() { t.Error("it went off") }
	one, two, kept := a.After(time.Second, never), a.After(time.Second, never), false
	a.After(time.Second, func() { kept = true })

	assert.True(t, one.Stop())
	assert.False(t, one.Stop(), "it is not set any more")
	assert.True(t, two.Stop())
	clock.Advance(time.Second)
	rest(t, a)
	assert.True(t, kept)
	assert.False(t, (*quiet.Alarm)(nil).Stop())

	gone := a.After(time.Second, never)
	a.StopAlarms()
	assert.False(t, gone.Stop())
	assert.Zero(t, a.NextWake())
	clock.Advance(time.Second)
	rest(t, a)
	later := a.After(time.Second, func() {})
	assert.True(t, later.Stop(), "others may be set")
}

// TestOneTimerServesAllAlarms looks at the clock's timers: none is left once no alarm is
// set, so that nothing goes off for nothing.
func TestOneTimerServesAllAlarms(t *testing.T) {
	a, clock := newActivity()
	ended, end := context.WithCancel(t.Context())
	end() // so that to block until somebody waits is to ask whether anybody does
	one, two := a.After(time.Second, func() {}), a.After(time.Hour, func() {})
	assert.NoError(t, clock.BlockUntilContext(ended, 1))
	assert.Error(t, clock.BlockUntilContext(ended, 2))

	one.Stop()
	assert.NoError(t, clock.BlockUntilContext(ended, 1))
	two.Stop()
	assert.Error(t, clock.BlockUntilContext(ended, 1))
}

// TestAnAlarmIsActivity looks for a gap between the instant at which an alarm is due and
// the end of what it calls.
func TestAnAlarmIsActivity(t *testing.T) {
	a, clock := newActivity()
	called, goOn := make(chan struct{}), make(chan struct{})
	a.After(time.Second, func() {
		close(called)
		<-goOn
	})

	clock.Advance(time.Second)
	assert.False(t, isAtRest(a), "it is due")
	<-called
	assert.False(t, isAtRest(a), "it goes on")
	close(goOn)
	rest(t, a)
}
