package tradeclocktest

import (
	"context"
	"sync"
	"testing"

	"github.com/tradeclock/tradeclock"
)

// Hang is what a call hangs in that ignores its context: as a TaskExecutor, or from
// within a task or a store of a test's own, by Wait. While it hangs the scheduler is at
// rest, and so the clock can go on to a timeout, or to the end of a drain. Make one
// with NewHang. It is safe for concurrent use.
//
//	hang := tradeclocktest.NewHang(t)
//	recorder.Do("analysis", hang.Execute)
type Hang struct {
	mu     sync.Mutex
	ended  chan struct{}
	unpark []func() // of each call that ever waited
}

// NewHang returns one that is released when the test ends, at the latest.
func NewHang(t testing.TB) *Hang {
	h := &Hang{ended: make(chan struct{})}
	t.Cleanup(h.Release)
	return h
}

// Wait returns when the hang is released. The context is that of a call of an executor
// or a store.
func (h *Hang) Wait(ctx context.Context) {
	h.mu.Lock()
	if h.released() {
		h.mu.Unlock()
		return
	}
	h.unpark = append(h.unpark, tradeclock.Park(context.WithoutCancel(ctx)))
	h.mu.Unlock()
	<-h.ended
}

// Execute waits as a task.
func (h *Hang) Execute(ctx context.Context, _ tradeclock.Run) error {
	h.Wait(ctx)
	return nil
}

// Count is how many calls ever hung.
func (h *Hang) Count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.unpark)
}

// Release lets all go that hang, and what comes after. From then on a driver waits for
// them again. It may be called again.
func (h *Hang) Release() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.released() {
		return
	}
	for _, unpark := range h.unpark {
		unpark()
	}
	close(h.ended)
}

func (h *Hang) released() bool {
	select {
	case <-h.ended:
		return true
	default:
		return false
	}
}
