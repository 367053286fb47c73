package said

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// Bounds, in bytes, of what executors, stores, calendars and rules say. It is kept
// with each run, and in each heartbeat and log line: more than people read is cut.
const (
	MaxReason    = 2 << 10 // of a run
	MaxCondition = 1 << 10 // of health
)

// Cut returns a text of at most n bytes. One that is longer loses its end, and says
// how much that was.
func Cut(text string, n int) string {
	if len(text) <= n {
		return text
	}
	kept := n - len("… (and 9223372036854775807 bytes more)")
	for i := 1; i < utf8.UTFMax && !utf8.RuneStart(text[kept]); i++ {
		kept--
	}
	return fmt.Sprintf("%s… (and %d bytes more)", text[:kept], len(text)-kept)
}

// Panic is what a panic says. Values that refer to each other are printed by
// nothing that would follow them for ever.
func Panic(p any) string {
	switch p.(type) {
	case error, fmt.Stringer, string, nil:
		return Cut(fmt.Sprint(p), MaxReason)
	}
	text, err := JSON(p)
	if err != nil {
		return Cut(err.Error(), MaxReason)
	}
	return Cut(fmt.Sprintf("%T: %s", p, text), MaxReason)
}

// JSON returns the JSON of a value of somebody else's, whose panic is an error.
func JSON(value any) (text []byte, err error) {
	err = Contain(func() (err error) {
		text, err = json.Marshal(value)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%T: %w", value, err)
	}
	return text, nil
}

// Contain calls f and makes a panic an error.
func Contain(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %s", Panic(p))
		}
	}()
	return f()
}
