package sqlstore

import (
	"fmt"
	"time"
)

// instantLayout is UTC with a fixed number of digits, so that the order of the
// texts is that of the instants.
const instantLayout = "2006-01-02T15:04:05.000000000Z"

// instantText returns the stored form of an instant. The zero time is empty,
// which sorts before all others.
func instantText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(instantLayout)
}

// parseInstant reads an instant, with any number of decimals: people write some
// too.
func parseInstant(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}, badInstant(text)
	}
	return t.UTC(), nil
}

// checkInstant refuses an instant that is not in the form in which the store
// writes it, and does not sort among the others.
func checkInstant(text string) error {
	if t, err := parseInstant(text); err != nil || instantText(t) != text {
		return badInstant(text)
	}
	return nil
}

func badInstant(text string) error {
	return fmt.Errorf("instant %q: want the form %s", text, instantLayout)
}

// durationText returns the stored form of a duration, as in 2m0s. Zero is empty.
func durationText(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}

func parseDuration(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	return time.ParseDuration(text)
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}
