package quiet_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/internal/quiet"
)

const bound = 10 * time.Second

// answer calls what answers at once.
func answer(ctx context.Context, l *quiet.Lane) (int, error) {
	return quiet.Call(ctx, l, bound, func(context.Context) (int, error) { return 7, nil })
}

// slow is a call that goes on until it is let go.
type slow struct {
	entered chan context.Context // gets the context of the call
	goOn    chan struct{}
	park    bool // it parks, regardless of its context
}

func newSlow() *slow { return &slow{entered: make(chan context.Context, 1), goOn: make(chan struct{})} }

func (s *slow) answer(ctx context.Context) (int, error) {
	if s.park {
		defer quiet.VisitOf(ctx).Park(context.WithoutCancel(ctx))()
	}
	s.entered <- ctx
	<-s.goOn
	return 1, nil
}

// result is what a call in a goroutine came to.
type result struct {
	value int
	err   error
}

// call calls s in a goroutine that is activity.
func (s *slow) call(ctx context.Context, a *quiet.Activity, l *quiet.Lane) <-chan result {
	results := make(chan result, 1)
	begin(a, func() {
		value, err := quiet.Call(ctx, l, bound, s.answer)
		results <- result{value, err}
	})
	return results
}

func TestACallThatHangsBlocksItsLaneAndNothingElse(t *testing.T) {
	a, clock := newActivity()
	ledger, sink := a.NewLane("ledger", false), a.NewLane("sink", false)
	s := newSlow()
	results := s.call(t.Context(), a, ledger)
	ctx := <-s.entered
	assert.False(t, isAtRest(a))
	assert.True(t, ledger.IsBusy())
	assert.False(t, ledger.IsLeft())

	clock.Advance(bound)
	late := <-results
	assert.EqualError(t, late.err, "ledger: no answer in time")
	assert.ErrorIs(t, late.err, quiet.ErrTooSlow)
	rest(t, a) // a call that hangs is no activity
	assert.ErrorIs(t, context.Cause(ctx), quiet.ErrTooSlow, "it is told")
	assert.True(t, ledger.IsLeft())
	assert.Equal(t, []*quiet.Lane{ledger}, a.Unreturned())

	a.Begin()
	_, err := answer(t.Context(), ledger)
	assert.EqualError(t, err, "ledger: an earlier call has not returned")
	value, err := answer(t.Context(), sink)
	assert.NoError(t, err)
	assert.Equal(t, 7, value)

	close(s.goOn)
	require.NoError(t, a.Await(t.Context(), func() bool { return !ledger.IsBusy() }))
	value, err = answer(t.Context(), ledger)
	assert.NoError(t, err)
	assert.Equal(t, 7, value)
	a.End()
	rest(t, a)
	assert.Empty(t, a.Unreturned())
	assert.Zero(t, a.NextWake())
}

func TestWhatGoesWrongInACallIsAnError(t *testing.T) {
	for _, test := range []struct {
		name   string
		f      func(context.Context) (int, error)
		want   string
		direct bool // it can be called in place too
	}{
		{"an error", func(context.Context) (int, error) { return 3, errors.New("disk full") }, "ledger: disk full", true},
		{"a panic", func(context.Context) (int, error) { panic("boom") }, "ledger: panic: boom", true},
		{"Goexit", func(context.Context) (int, error) { runtime.Goexit(); return 0, nil }, "ledger: it ended its goroutine with runtime.Goexit", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			a, _ := newActivity()
			for _, direct := range []bool{false, true} {
				if direct && !test.direct {
					continue
				}
				l := a.NewLane("ledger", direct)
				a.Begin()
				_, err := quiet.Call(t.Context(), l, bound, test.f)
				assert.EqualError(t, err, test.want)
				_, err = answer(t.Context(), l)
				assert.NoError(t, err, "the lane is free again")
				a.End()
				assert.True(t, isAtRest(a))
			}
		})
	}
}

func TestACallThatParksLetsAllBeAtRest(t *testing.T) {
	a, clock := newActivity()
	l := a.NewLane("ledger", false)
	s := newSlow()
	s.park = true
	results := s.call(t.Context(), a, l)
	<-s.entered
	rest(t, a)

	clock.Advance(bound)
	assert.ErrorIs(t, (<-results).err, quiet.ErrTooSlow)
	rest(t, a) // it is parked still
	a.Begin()
	assert.False(t, isAtRest(a), "it stands for nobody else")
	a.End()

	a.Begin()
	close(s.goOn)
	assert.NoError(t, a.Await(t.Context(), func() bool { return !l.IsBusy() }))
	a.End()
	assert.True(t, isAtRest(a), "it came back")
}

// TestACallThatWasLeftHidesNoActivity lets a call park that nobody waits for, and that is
// counted no longer: there would be one thing less at work than there is.
func TestACallThatWasLeftHidesNoActivity(t *testing.T) {
	a, clock := newActivity()
	l := a.NewLane("ledger", false)
	s := newSlow()
	results := s.call(t.Context(), a, l)
	ctx := <-s.entered
	clock.Advance(bound)
	<-results
	rest(t, a)

	defer quiet.VisitOf(ctx).Park(context.WithoutCancel(ctx))()
	a.Begin()
	assert.False(t, isAtRest(a))
	a.End()
	close(s.goOn)
	a.Join()
}

func TestACallWaitsForTheOneBeforeIt(t *testing.T) {
	a, _ := newActivity()
	l := a.NewLane("ledger", false)
	first, second := newSlow(), newSlow()
	first.park = true
	firstResult := first.call(t.Context(), a, l)
	<-first.entered
	secondResult := second.call(t.Context(), a, l)
	rest(t, a)
	assert.Empty(t, second.entered)

	close(first.goOn)
	assert.Equal(t, result{value: 1}, <-firstResult)
	<-second.entered
	assert.False(t, isAtRest(a))
	close(second.goOn)
	assert.Equal(t, result{value: 1}, <-secondResult)
	rest(t, a)
}

// TestACallWhoseCallerGaveUpIsInFlight lets the caller of a call give it up before its
// bound: the call goes on, and has yet to show that it hangs.
func TestACallWhoseCallerGaveUpIsInFlight(t *testing.T) {
	for _, test := range []struct {
		name    string
		returns bool
	}{{"and returns", true}, {"and hangs", false}} {
		t.Run(test.name, func(t *testing.T) {
			a, clock := newActivity()
			l := a.NewLane("ledger", false)
			ctx, cancel := context.WithCancelCause(t.Context())
			s := newSlow()
			results := s.call(ctx, a, l)
			inner := <-s.entered
			cancel(assert.AnError)
			assert.ErrorIs(t, (<-results).err, assert.AnError)
			assert.ErrorIs(t, context.Cause(inner), assert.AnError)
			assert.False(t, isAtRest(a))
			assert.True(t, l.IsLeft())

			if test.returns {
				close(s.goOn)
				rest(t, a)
				assert.False(t, l.IsBusy())
				assert.Zero(t, a.NextWake())
				return
			}
			clock.Advance(bound)
			rest(t, a)
			_, err := answer(t.Context(), l)
			assert.EqualError(t, err, "ledger: an earlier call has not returned")
			close(s.goOn)
			a.Join()
			rest(t, a)
		})
	}
}

// TestNobodyWaitsForALaneLongerThanTheirBound lets a call wait for one that may take
// longer.
func TestNobodyWaitsForALaneLongerThanTheirBound(t *testing.T) {
	a, clock := newActivity()
	l := a.NewLane("ledger", false)
	s := newSlow()
	s.park = true
	results := s.call(t.Context(), a, l)
	<-s.entered
	waited := begin(a, func() {
		_, err := quiet.Call(t.Context(), l, time.Second, func(context.Context) (int, error) { return 0, nil })
		assert.EqualError(t, err, "ledger: an earlier call has not returned")
	})
	rest(t, a)
	clock.Advance(time.Second)
	<-waited
	close(s.goOn)
	assert.Equal(t, result{value: 1}, <-results, "it was in time")
	rest(t, a)
}

func TestACallInTurnWaitsForOneThatIsLate(t *testing.T) {
	for _, test := range []struct {
		name    string
		returns bool
	}{{"that returns", true}, {"that does not", false}} {
		t.Run(test.name, func(t *testing.T) {
			a, clock := newActivity()
			l := a.NewLane("ledger", false)
			late, order := newSlow(), newSlow()
			lateResult := late.call(t.Context(), a, l)
			<-late.entered
			clock.Advance(bound)
			<-lateResult
			close(order.goOn)

			results := make(chan result, 1)
			begin(a, func() {
				value, err := quiet.CallInTurn(t.Context(), l, bound, order.answer)
				results <- result{value, err}
			})
			rest(t, a)
			if test.returns {
				close(late.goOn)
				assert.Equal(t, result{value: 1}, <-results)
			} else {
				clock.Advance(bound)
				assert.ErrorContains(t, (<-results).err, "an earlier call has not returned")
				close(late.goOn)
			}
			a.Join()
			rest(t, a)
		})
	}
}

func TestADirectLaneIsCalledInPlace(t *testing.T) {
	a, _ := newActivity()
	l := a.NewLane("memory", true)
	called := 0
	for range 2 { // without a lock of its own
		value, err := quiet.Call(t.Context(), l, bound, func(context.Context) (int, error) {
			called++
			return answer(t.Context(), l)
		})
		assert.NoError(t, err)
		assert.Equal(t, 7, value)
	}
	assert.Equal(t, 2, called)
	assert.True(t, l.IsDirect())
	assert.Equal(t, "memory", l.Name())
}

func TestATellingLaneIsNotWaitedFor(t *testing.T) {
	a, _ := newActivity()
	l := a.NewTellingLane("sink", false)
	s := newSlow()
	results := s.call(t.Context(), a, l)
	<-s.entered
	rest(t, a) // it takes a moment to find out
	assert.True(t, isAtRest(a))
	close(s.goOn)
	assert.Equal(t, result{value: 1}, <-results)
	rest(t, a)
}

func TestACrashEndsAllThatWaits(t *testing.T) {
	a, clock := newActivity()
	l, memory := a.NewLane("ledger", false), a.NewLane("memory", true)
	a.After(time.Second, func() { t.Error("an alarm went off") })
	s := newSlow()
	s.park = true
	results := s.call(t.Context(), a, l)
	<-s.entered
	waits := begin(a, func() { assert.NoError(t, a.Await(t.Context(), func() bool { return false })) })
	blocked := newSlow().call(t.Context(), a, l)
	rest(t, a)

	a.Crash(assert.AnError)
	assert.ErrorIs(t, (<-results).err, assert.AnError)
	assert.ErrorIs(t, (<-blocked).err, assert.AnError)
	<-waits
	rest(t, a)
	a.Begin()
	_, err := answer(t.Context(), l)
	assert.ErrorIs(t, err, assert.AnError)
	_, err = answer(t.Context(), memory)
	assert.ErrorIs(t, err, assert.AnError)
	a.End()
	a.After(time.Second, func() { t.Error("an alarm was set") })
	clock.Advance(time.Minute)
	rest(t, a)
	close(s.goOn)
	a.Join()
}
