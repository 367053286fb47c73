package engine

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestWakes(t *testing.T) {
	began := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		name    string
		after   []time.Duration // since the first wake
		steps   []time.Duration
		doubted []bool
	}{
		{"every minute", []time.Duration{time.Minute, 2 * time.Minute}, []time.Duration{0, 0}, []bool{false, false}},
		{"a little back", []time.Duration{-500 * time.Millisecond}, []time.Duration{0}, []bool{false}},
		{"back", []time.Duration{-time.Hour, -time.Hour + time.Minute}, []time.Duration{-time.Hour, 0}, []bool{false, false}},
		{"a little more than a minute", []time.Duration{119 * time.Second}, []time.Duration{0}, []bool{false}},
		{"two minutes", []time.Duration{2 * time.Minute}, []time.Duration{time.Minute}, []bool{false}},
		{"six minutes are not far", []time.Duration{6 * time.Minute}, []time.Duration{5 * time.Minute}, []bool{false}},
		{"an hour is, until it is confirmed", []time.Duration{time.Hour, time.Hour + time.Second}, []time.Duration{59 * time.Minute, 0}, []bool{true, false}},
		{"an hour, and another", []time.Duration{time.Hour, 2 * time.Hour}, []time.Duration{59 * time.Minute, 59 * time.Minute}, []bool{true, false}},
		{"an hour, and back", []time.Duration{time.Hour, time.Minute}, []time.Duration{59 * time.Minute, -59 * time.Minute}, []bool{true, false}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var w Wakes
			_, _, stepped := w.Woke(began)
			assert.False(t, stepped, "there is nothing to compare it with")
			last, steps := began, 0
			for i, after := range test.after {
				from, step, stepped := w.Woke(began.Add(after))
				assert.Equal(t, last, from)
				assert.Equal(t, test.steps[i] != 0, stepped)
				if stepped {
					assert.Equal(t, test.steps[i], step)
					steps++
				}
				assert.Equal(t, test.doubted[i], w.AreDoubted(), i)
				last = began.Add(after)
			}
			assert.Equal(t, last, w.Last())
			assert.Equal(t, steps, w.Steps())
		})
	}
}

// Time for which no wake was expected is no step. A clock that is set back is one all the
// same.
func TestWakesThatAreNotExpected(t *testing.T) {
	began := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		name    string
		idle    time.Duration // until so long after the first wake
		after   time.Duration
		step    time.Duration
		stepped bool
	}{
		{"within it", time.Hour, time.Hour - 1, 0, false},
		{"at its end", time.Hour, time.Hour, 0, false},
		{"after it", time.Hour, time.Hour + 1, 59*time.Minute + 1, true},
		{"at once", time.Hour, 0, 0, false},
		{"set back", time.Hour, -time.Second, -time.Second, true},
		{"set back a little", time.Hour, -time.Millisecond, -time.Millisecond, false},
		{"never idle, and a little late", 0, 61 * time.Second, time.Second, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			var w Wakes
			from, step, stepped := w.Woke(began)
			assert.Zero(t, from)
			assert.Zero(t, step)
			assert.False(t, stepped)
			w.Idle(began.Add(test.idle))
			from, step, stepped = w.Woke(began.Add(test.after))
			assert.Equal(t, began, from)
			assert.Equal(t, test.step, step)
			assert.Equal(t, test.stepped, stepped)
			assert.Equal(t, began.Add(test.after), w.Last())
		})
	}
}
