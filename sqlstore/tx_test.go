package sqlstore

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/store"
)

func TestWriteThatWaitsEndsWithItsContext(t *testing.T) {
	s, err := OpenFile(t.Context(), "sqlite", filepath.Join(t.TempDir(), "tradeclock.db"))
	require.NoError(t, err)
	defer s.Close()
	s.writing <- struct{}{} // another write goes on
	gaveUp := errors.New("the tick gave up")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(gaveUp)

	err = s.Beat(ctx, store.Heartbeat{Scheduler: "paper"})

	assert.ErrorIs(t, err, gaveUp)
	<-s.writing
	assert.NoError(t, s.Beat(t.Context(), store.Heartbeat{Scheduler: "paper"}))
}
