package tradeclock

import (
	"context"
	"testing"
	"time"
	_ "time/tzdata" // so that the zones are there on any host

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestNextMinute(t *testing.T) {
	at := func(text string) time.Time {
		at, err := time.Parse(time.RFC3339Nano, text)
		require.NoError(t, err)
		return at
	}
	assert.Equal(t, at("2026-11-23T09:16:00Z"), nextMinute(at("2026-11-23T09:15:00Z")), "from a boundary to the next")
	assert.Equal(t, at("2026-11-23T09:16:00Z"), nextMinute(at("2026-11-23T09:15:59.999999999Z")))
	assert.Equal(t, at("2026-11-24T00:00:00Z"), nextMinute(at("2026-11-23T23:59:30Z")), "over midnight")
}

func TestSleepOutsideARun(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(assert.AnError)
	assert.Equal(t, assert.AnError, Sleep(ctx, time.Hour), "it ends with the context, for its cause")
	assert.NoError(t, Sleep(t.Context(), 0))
}
