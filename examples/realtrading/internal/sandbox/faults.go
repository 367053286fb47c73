package sandbox

import (
	"context"
	"fmt"
	"hash/fnv"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/examples/realtrading/internal/wire"
)

// Faults are what goes wrong on the way back. A share is of the changes that are
// asked for, from 0 to 1.
type Faults struct {
	// Lost is the share that is done and whose answer is lost.
	Lost float64
	// Slow is the share that is done and answered after SlowBy.
	Slow   float64
	SlowBy time.Duration
	// Late is the share that is answered with wire.CodeLate at once, and tried after
	// LateBy.
	Late   float64
	LateBy time.Duration
	// Seed decides which they are. The same changes meet the same faults, in whatever
	// order they come.
	Seed int64
}

// DefaultFaults are those of the sandbox's command.
var DefaultFaults = Faults{Lost: 0.05, Slow: 0.02, SlowBy: 8 * time.Second, Late: 0.05, LateBy: 20 * time.Second, Seed: 1}

// fate is what becomes of a request when it is made for the nth time.
func (f Faults) fate(request string, n int) wire.Fate {
	h := fnv.New64a()
	fmt.Fprintf(h, "%d %s %d", f.Seed, request, n)
	x := h.Sum64()
	x ^= x >> 31 // the high bits of FNV hardly differ for keys that hardly do
	x *= 0x9e3779b97f4a7c15
	switch share := float64(x>>11) / (1 << 53); {
	case share < f.Lost:
		return wire.Lost
	case share < f.Lost+f.Slow:
		return wire.Slow
	case share < f.Lost+f.Slow+f.Late:
		return wire.Late
	}
	return wire.Done
}

// late are the changes that are to be made later.
type late struct {
	clock tradeclock.Clock

	mu      sync.Mutex
	closed  bool
	waiting map[*clockwork.Timer]struct{}
	making  sync.WaitGroup
}

// after makes a change after d, unless the sandbox is closed before.
func (l *late) after(d time.Duration, change func(ctx context.Context)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	if l.waiting == nil {
		l.waiting = make(map[*clockwork.Timer]struct{})
	}
	timer := new(clockwork.Timer)
	l.waiting[timer] = struct{}{}
	l.making.Add(1)
	*timer = l.clock.AfterFunc(d, func() {
		defer l.making.Done()
		l.mu.Lock()
		_, mine := l.waiting[timer]
		delete(l.waiting, timer)
		l.mu.Unlock()
		if mine {
			change(context.Background())
		}
	})
}

// close gives up the changes that wait, and waits for those that are being made.
func (l *late) close() {
	l.mu.Lock()
	l.closed = true
	for timer := range l.waiting {
		delete(l.waiting, timer)
		if (*timer).Stop() {
			l.making.Done()
		}
	}
	l.mu.Unlock()
	l.making.Wait()
}
