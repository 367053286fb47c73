// Package quiet knows what goes on in a scheduler, and so when nothing does: how a test
// on a fake clock knows that a step is over. It owns the scheduler's goroutines, its
// alarms on the clock, the bells that wake its loops, its calls to others, which cannot
// hold up each other, and who waits for what. It is told what begins and what ends, and
// answers whether all is at rest, what comes next by itself, and what has not returned.
// It imports clockwork, internal/turns and internal/said.
//
// The lock of an Activity guards all of this, and is taken last: whoever calls the room
// may hold locks of their own. While it is held the room calls nothing but the clock, and
// the Err and the cancelling of contexts. Conditions, alarms, calls and jobs are called
// without it, and take the locks that they need.
package quiet
