package quiet_test

import (
	"context"
	"testing"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/internal/quiet"
)

// newActivity returns an activity on a fake clock.
func newActivity() (*quiet.Activity, *clockwork.FakeClock) {
	clock := clockwork.NewFakeClock()
	return quiet.New(clock), clock
}

// isAtRest looks at once, without waiting for rest.
func isAtRest(a *quiet.Activity) bool {
	ended, end := context.WithCancel(context.Background())
	end()
	return a.Rest(ended) == nil
}

// rest waits for rest.
func rest(t *testing.T, a *quiet.Activity) {
	t.Helper()
	require.NoError(t, a.Rest(t.Context()))
}

// begin lets f go on in a goroutine as activity, and returns what is closed at its end.
func begin(a *quiet.Activity, f func()) (ended <-chan struct{}) {
	over := make(chan struct{})
	a.Begin()
	a.Go(func() {
		defer close(over)
		defer a.End()
		f()
	})
	return over
}
