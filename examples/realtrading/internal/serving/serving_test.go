package serving_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/examples/realtrading/internal/serving"
)

func listen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	return listener
}

func TestItServesUntilTheWorkIsDone(t *testing.T) {
	listener := listen(t)
	failure := errors.New("the work failed")

	err := serving.While(t.Context(), listener, http.NotFoundHandler(), func(context.Context) error {
		response, err := http.Get("http://" + listener.Addr().String())
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		assert.Equal(t, http.StatusNotFound, response.StatusCode)
		return failure
	})

	assert.ErrorIs(t, err, failure)
	_, err = listener.Accept()
	assert.ErrorIs(t, err, net.ErrClosed)
}

func TestAServerThatFailsEndsTheWork(t *testing.T) {
	listener := listen(t)
	require.NoError(t, listener.Close())

	err := serving.While(t.Context(), listener, http.NotFoundHandler(), func(ctx context.Context) error {
		<-ctx.Done()
		return nil
	})

	assert.ErrorIs(t, err, net.ErrClosed)
}
