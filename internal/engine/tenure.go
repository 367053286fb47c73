package engine

import "time"

// Tenure is how the term stands: whether it is held, and may be trusted. The zero value
// holds none.
type Tenure struct {
	number  int64
	resumed bool // the ledger's state was read
	// trusted is the instant until which the term is trusted. Zero means for ever.
	trusted time.Time
	// unreachable is true if the last renewal got no answer: what is delivered at
	// least once goes on then.
	unreachable bool
}

// Number is that of the term, or zero if none is held.
func (t *Tenure) Number() int64 { return t.number }

// IsResumed reports whether the term is held and the ledger's state was read under it:
// nothing is planned or starts before.
func (t *Tenure) IsResumed() bool { return t.resumed }

// Trusted is the instant until which the term is trusted, or zero.
func (t *Tenure) Trusted() time.Time { return t.trusted }

// IsUnreachable reports whether the ledger did not answer when it was last asked.
func (t *Tenure) IsUnreachable() bool { return t.unreachable }

// TrustedAt reports whether the term is trusted at now: on the smaller of wall
// and monotonic time left.
func (t *Tenure) TrustedAt(now time.Time) bool {
	if t.number == 0 || !t.resumed {
		return false
	}
	if t.trusted.IsZero() {
		return true
	}
	return t.trusted.After(now) && t.trusted.Round(0).After(now.Round(0))
}

// MayStart reports whether a run may start now that is delivered at least once, or not.
func (t *Tenure) MayStart(atLeastOnce bool, now time.Time) bool {
	if t.TrustedAt(now) {
		return true
	}
	return atLeastOnce && t.unreachable && t.resumed && t.number != 0
}

// Granted notes that the ledger has granted or renewed a term.
func (t *Tenure) Granted(number int64, trusted time.Time) {
	t.number, t.trusted, t.unreachable = number, trusted, false
}

// Resumed notes that the ledger's state was read under the term.
func (t *Tenure) Resumed() { t.resumed = true }

// Reread notes that the ledger's state is to be read again.
func (t *Tenure) Reread() { t.resumed = false }

// Unanswered notes that the ledger did not answer when it was asked for the term.
func (t *Tenure) Unanswered() { t.unreachable = true }

// Held notes that the ledger answered that another holds the term.
func (t *Tenure) Held() { t.unreachable = false }

// Lost notes that the term is over.
func (t *Tenure) Lost() { t.number, t.resumed = 0, false }
