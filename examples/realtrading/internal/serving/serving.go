// Package serving serves HTTP beside a program's work. It owns the server, and imports
// nothing of this repository.
package serving

import (
	"context"
	"errors"
	"net"
	"net/http"
)

// While serves a handler at a listener, which it closes, for as long as work takes. The
// context of work ends with ctx, and if the server fails. It returns the errors of both.
func While(ctx context.Context, listener net.Listener, handler http.Handler, work func(ctx context.Context) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	server := &http.Server{Handler: handler}
	served := make(chan error, 1)
	go func() {
		defer stop()
		served <- server.Serve(listener)
	}()
	err := errors.Join(work(ctx), server.Close())
	if serveErr := <-served; !errors.Is(serveErr, http.ErrServerClosed) {
		err = errors.Join(err, serveErr)
	}
	return err
}
