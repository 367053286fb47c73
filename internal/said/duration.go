package said

import (
	"fmt"
	"strings"
	"time"
)

// WantDuration is what is wanted where a duration is not understood.
const WantDuration = "a duration such as 90s, 5m or 1h30m"

// Duration is Duration.String without units that are zero: 5m, not 5m0s.
func Duration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// DurationText is a duration that is a text in JSON, and is left out if it is zero.
type DurationText time.Duration

// IsZero reports whether there is nothing to be told.
func (d DurationText) IsZero() bool { return d == 0 }

// MarshalText returns the duration as Duration has it.
func (d DurationText) MarshalText() ([]byte, error) { return []byte(Duration(time.Duration(d))), nil }

// UnmarshalText parses what MarshalText wrote, and whatever time.ParseDuration takes.
func (d *DurationText) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("duration %q: want %s", text, WantDuration)
	}
	*d = DurationText(parsed)
	return nil
}
