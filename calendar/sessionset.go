package calendar

import (
	"fmt"
	"slices"
	"strings"
)

// SessionSet is a set of kinds of session. The zero value means the default,
// which is OnRegular and OnShortened.
type SessionSet uint8

// The kinds that a schedule may name. EveryDay means each calendar date,
// whatever the calendar says of it, and includes the others.
const (
	OnRegular SessionSet = 1 << iota
	OnShortened
	OnSpecial
	EveryDay

	defaultSessions = OnRegular | OnShortened
	allSessions     = OnRegular | OnShortened | OnSpecial | EveryDay
)

var sessionSetNames = []string{"regular", "shortened", "special", "every-day"}

// Has reports whether a task with these sessions runs on a date of kind k.
func (s SessionSet) Has(k SessionKind) bool {
	if s == 0 {
		s = defaultSessions
	}
	if s&EveryDay != 0 {
		return true
	}
	switch k {
	case Regular:
		return s&OnRegular != 0
	case Shortened:
		return s&OnShortened != 0
	case Special:
		return s&OnSpecial != 0
	}
	return false
}

// String returns the set in the form that ParseSessionSet reads:
// "regular,shortened".
func (s SessionSet) String() string {
	if s == 0 {
		s = defaultSessions
	}
	var names []string
	for i, name := range sessionSetNames {
		if s&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, ",")
}

// ParseSessionSet parses names separated by commas: regular, shortened, special
// and every-day. The empty text is the default set.
func ParseSessionSet(text string) (SessionSet, error) {
	if text == "" {
		return 0, nil
	}
	var set SessionSet
	for name := range strings.SplitSeq(text, ",") {
		i := slices.Index(sessionSetNames, strings.TrimSpace(name))
		if i < 0 {
			return 0, fmt.Errorf("sessions %q: %q is none of %s", text, name, strings.Join(sessionSetNames, ", "))
		}
		set |= 1 << i
	}
	return set, nil
}

// Validate returns an error for a set with unknown kinds.
func (s SessionSet) Validate() error {
	if s&^allSessions != 0 {
		return fmt.Errorf("%#x has unknown kinds", uint8(s))
	}
	return nil
}

// MarshalText returns the set in the form of String, but that of zero is empty, so
// that it reads back as zero. It is an error for a set with unknown kinds.
func (s SessionSet) MarshalText() ([]byte, error) {
	if s == 0 {
		return nil, nil
	}
	if err := s.Validate(); err != nil {
		return nil, fmt.Errorf("sessions: %w", err)
	}
	return []byte(s.String()), nil
}

// UnmarshalText parses what MarshalText wrote.
func (s *SessionSet) UnmarshalText(text []byte) (err error) {
	*s, err = ParseSessionSet(string(text))
	return err
}
