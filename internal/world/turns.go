package world

import (
	"fmt"
	"math"
	"runtime/debug"
	"time"
)

// never is an instant that does not come.
const never = time.Duration(math.MaxInt64)

// routine is a goroutine of a simulated process. Of all routines of a world one
// runs at a time, until it waits: which one goes on is the world's choice, made by
// the seed. So the same seed has the same order of everything.
type routine struct {
	p *process
	// It goes on when it can receive from turn, and sends to paused when it waits, or
	// true when it has returned.
	turn   chan struct{}
	paused chan bool

	// What it waits for: to receive from a channel, or an instant.
	first, second <-chan struct{}
	until         time.Duration
}

// ready reports whether what the routine waits for has come. While its process is
// frozen no instant comes.
func (r *routine) ready() bool {
	return r.until <= r.p.moving() || canReceive(r.first) || canReceive(r.second)
}

// canReceive reports whether a channel, on which nobody is just sending, has
// something or is closed. It takes nothing out of it.
func canReceive(ch <-chan struct{}) bool {
	if ch == nil {
		return false
	}
	if len(ch) > 0 {
		return true
	}
	select {
	case <-ch:
		return true // it is closed, as it was empty
	default:
		return false
	}
}

// routines are those of one process, or of the graveyard's.
type routines struct {
	all     []*routine
	current *routine
	turn    func(n int) int // chooses one of n
}

// start adds a routine, which has its first turn later.
func (rs *routines) start(p *process, f func()) {
	r := &routine{p: p, turn: make(chan struct{}), paused: make(chan bool)}
	rs.all = append(rs.all, r)
	go func() {
		<-r.turn
		defer func() {
			if v := recover(); v != nil {
				p.w.violate("no panic", fmt.Sprintf("%s: %v\n%s", p.name, v, debug.Stack()))
			}
			r.paused <- true
		}()
		f()
	}()
}

// step gives a turn to one of the routines that can go on, and reports whether
// there was one.
func (rs *routines) step(mine func(*process) bool) bool {
	ready := 0
	for _, r := range rs.all {
		if mine(r.p) && r.ready() {
			ready++
		}
	}
	if ready == 0 {
		return false
	}
	chosen := 0
	if ready > 1 {
		chosen = rs.turn(ready)
	}
	for i, r := range rs.all {
		if !mine(r.p) || !r.ready() {
			continue
		}
		if chosen > 0 {
			chosen--
			continue
		}
		rs.resume(i)
		return true
	}
	panic("a routine that was ready is not ready any more")
}

func (rs *routines) resume(i int) {
	r := rs.all[i]
	before := rs.current
	rs.current = r
	r.turn <- struct{}{}
	returned := <-r.paused
	rs.current = before
	if returned {
		rs.all = append(rs.all[:i], rs.all[i+1:]...)
	}
}

// wait lets the others go on until a channel can be received from, or an instant
// has come. It receives, and reports whether it was from the first.
func (rs *routines) wait(first, second <-chan struct{}, until time.Duration) bool {
	r := rs.current
	r.first, r.second, r.until = first, second, until
	r.paused <- false
	<-r.turn
	r.first, r.second, r.until = nil, nil, 0
	switch {
	case canReceive(first):
		<-first
		return true
	case canReceive(second):
		<-second
	}
	return false
}
