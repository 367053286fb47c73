package sandbox

import (
	"slices"
	"sync"
	"time"

	"github.com/tradeclock/tradeclock"
)

// pace counts changes: no second may have more of them than most.
type pace struct {
	clock tradeclock.Clock
	most  int

	mu     sync.Mutex
	recent []time.Time // of the last second
}

// take counts a change, unless there were too many.
func (p *pace) take() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.clock.Now()
	p.recent = slices.DeleteFunc(p.recent, func(at time.Time) bool { return now.Sub(at) >= time.Second })
	if len(p.recent) >= p.most {
		return false
	}
	p.recent = append(p.recent, now)
	return true
}
