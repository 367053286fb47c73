package tradeclock

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/plan"
	"github.com/tradeclock/tradeclock/rule"
)

// spreadOffset returns the offset of an account's run, in whole milliseconds from
// zero up to but not including within. It is the first 64 bits of the SHA-256 of
// account, task and slot, a zero byte after each, as a fraction of within. That
// never changes: users compare the offsets of one day with those of another, and
// a process which takes over must come to the same ones.
func spreadOffset(account, task, slot string, within time.Duration) time.Duration {
	if within < time.Millisecond {
		return 0
	}
	var buf [256]byte
	key := buf[:0]
	for _, part := range [...]string{account, task, slot} {
		key = append(append(key, part...), 0)
	}
	sum := sha256.Sum256(key)
	offset, _ := bits.Mul64(binary.BigEndian.Uint64(sum[:8]), uint64(within.Milliseconds()))
	return time.Duration(offset) * time.Millisecond
}

// spreadWithin returns what the offsets of the runs of an occurrence are less
// than: the schedule's Spread, unless the end of the catch-up, the next occurrence
// or the close of the session leaves less. Some of the time before that end stays
// free, since a run starts a little later than it may.
func (r *row) spreadWithin(o plan.Occurrence, expires time.Time) time.Duration {
	if r.Spread == 0 {
		return 0
	}
	left := expires.Sub(o.Due)
	if step := r.step(); step > 0 {
		left = min(left, step)
	}
	if session, err := r.view.Session(o.Session); err == nil {
		if _, closes, known := session.Bounds(calendar.PhaseRegular); known && o.Due.Before(closes) {
			left = min(left, closes.Sub(o.Due))
		}
	}
	return max(0, min(r.Spread, left-min(left/10, time.Second)))
}

// step is how far apart the occurrences of an hourly or every rule are, or of the
// one that an after rule follows. It is zero for others.
func (r *row) step() time.Duration {
	r = r.root()
	return rule.StepOf(r.Policy.Timing.Rule)
}
