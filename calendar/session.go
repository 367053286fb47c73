package calendar

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tradeclock/tradeclock/internal/naming"
)

// SessionKind says what a calendar knows of a date. The zero value is Closed.
type SessionKind uint8

// The kinds of a date. A date of which a calendar knows nothing has no kind: the
// calendar answers with an error instead.
const (
	Closed    SessionKind = iota // no trading
	Regular                      // a session at regular hours, on a weekend too, and a full day at other hours
	Shortened                    // an early close or a late open
	Special                      // other hours, and fewer: a Muhurat hour, a disaster-recovery Saturday
)

var kindNames = [...]string{"closed", "regular", "shortened", "special"}

// String returns the kind's name in lower case.
func (k SessionKind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("SessionKind(%d)", uint8(k))
}

// MarshalText returns the name, and an error for a value that has none.
func (k SessionKind) MarshalText() ([]byte, error) {
	return naming.Marshal("kind", kindNames[:], int(k))
}

// UnmarshalText parses what MarshalText wrote.
func (k *SessionKind) UnmarshalText(text []byte) error {
	i, err := naming.Unmarshal("kind", kindNames[:], string(text))
	if err == nil {
		*k = SessionKind(i)
	}
	return err
}

// The names of the phases that the exchanges have in common. A calendar may
// have others.
const (
	PhasePreMarket      = "pre_market"      // trading before the open
	PhasePreOpen        = "pre_open"        // orders are taken for the open
	PhaseRegular        = "regular"         // continuous trading
	PhaseClosingAuction = "closing_auction" // after the close
	PhasePostClose      = "post_close"      // trading at the closing price
	PhasePostMarket     = "post_market"     // trading after the close
)

// ValidPhase reports whether a phase can have the name: each part between dots is a word
// of a-z, 0-9 and _ that begins with a letter. The anchors open and close, and the words
// that stand beside an anchor in a rule, are no phases, and neither is what ends with the
// .end of an anchor.
func ValidPhase(name string) bool {
	switch name {
	case "open", "close", "first", "last", "each", "on", "in", "or", "except":
		return false
	}
	if strings.HasSuffix(name, ".end") {
		return false
	}
	for part := range strings.SplitSeq(name, ".") {
		if part == "" || part[0] < 'a' || part[0] > 'z' || strings.Trim(part, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" {
			return false
		}
	}
	return true
}

// Phase is one window of a named part of a session: from Start, included, to
// End, not included. A phase with several windows on one day (a lunch break)
// appears once for each, in order.
type Phase struct {
	Name  string    `json:"name"`
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
}

// Session is what a calendar knows of one local date. A Closed date is a
// Session too, so that it can say why. The phases are shared with the calendar:
// do not change them.
type Session struct {
	Date Date        `json:"date"`
	Kind SessionKind `json:"kind"`
	// Phases are ordered by start. They are empty on a closed date, when the
	// hours are unknown, and in a calendar that knows days and no hours.
	Phases []Phase `json:"phases,omitzero"`
	// EarlyClose and LateOpen say which end of a Shortened session was moved. Both are
	// false where the calendar does not know.
	EarlyClose bool `json:"early_close,omitzero"`
	LateOpen   bool `json:"late_open,omitzero"`
	// HoursUnknown is true if the session is certain and its hours are not.
	HoursUnknown bool `json:"hours_unknown,omitzero"`
	// Assumed is true if the calendar was told to guess what it does not know, and
	// guessed this.
	Assumed bool `json:"assumed,omitzero"`
	// Reason says why the date is as it is, in the words of people: "Diwali
	// Muhurat", "Municipal elections". It may be empty.
	Reason string `json:"reason,omitzero"`
	// Announced is when that was announced, or zero.
	Announced Date `json:"announced,omitzero"`
	// Source is where it was found, such as the number of a circular. It may be
	// empty.
	Source string `json:"source,omitzero"`
}

// Open reports whether there is a session on the date.
func (s Session) Open() bool { return s.Kind != Closed }

// Bounds returns the first start and the last end of a phase. It is not ok if the
// session does not have it.
func (s Session) Bounds(phase string) (start, end time.Time, ok bool) {
	for _, p := range s.Phases {
		if p.Name != phase {
			continue
		}
		if !ok || p.Start.Before(start) {
			start = p.Start
		}
		if !ok || p.End.After(end) {
			end = p.End
		}
		ok = true
	}
	return start, end, ok
}

// Overlaps reports whether a phase of the session goes on when the same phase of the next
// session begins, which no two sessions of a calendar may do: an instant is in one.
func (s Session) Overlaps(next Session) bool {
	for i, p := range s.Phases {
		if slices.ContainsFunc(s.Phases[:i], func(q Phase) bool { return q.Name == p.Name }) {
			continue // looked at
		}
		_, end, _ := s.Bounds(p.Name)
		if start, _, ok := next.Bounds(p.Name); ok && start.Before(end) {
			return true
		}
	}
	return false
}

// Describe says what the date is and why, in the calendar's words: "closed:
// Municipal elections, announced 2026-01-12", "special session: Muhurat".
func (s Session) Describe() string {
	text := s.Kind.String()
	if s.Open() {
		text += " session"
	}
	switch {
	case s.EarlyClose:
		text += " (early close)"
	case s.LateOpen:
		text += " (late open)"
	}
	if s.Assumed {
		text += " (assumed)"
	}
	if s.Reason != "" {
		text += ": " + s.Reason
	}
	if !s.Announced.IsZero() {
		text += ", announced " + s.Announced.String()
	}
	return text
}
