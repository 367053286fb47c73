package tradeclock

import (
	"encoding/json"
	"fmt"
	"maps"
	"unicode/utf8"
)

// Bounds, in bytes, of what executors, stores, calendars and rules say. It is kept
// with each run, and in each heartbeat and log line: more than people read is cut.
const (
	maxReason    = 2 << 10 // of a run
	maxCondition = 1 << 10 // of health
	maxDetailKey = 128
	maxDetail    = 8 << 10  // of one value, as JSON
	maxDetailAll = 64 << 10 // of a run's keys and values
	maxDetails   = 64       // that a run has
)

// leftOutKey is the detail that says how many others are left out.
const leftOutKey = "left_out"

// cut returns a text of at most n bytes. One that is longer loses its end, and says
// how much that was.
func cut(text string, n int) string {
	if len(text) <= n {
		return text
	}
	kept := n - len("… (and 9223372036854775807 bytes more)")
	for i := 1; i < utf8.UTFMax && !utf8.RuneStart(text[kept]); i++ {
		kept--
	}
	return fmt.Sprintf("%s… (and %d bytes more)", text[:kept], len(text)-kept)
}

// panicText is what a panic says. Values that refer to each other are printed by
// nothing that would follow them for ever.
func panicText(p any) string {
	switch p.(type) {
	case error, fmt.Stringer, string, nil:
		return cut(fmt.Sprint(p), maxReason)
	}
	text, err := asJSON(p)
	if err != nil {
		return cut(err.Error(), maxReason)
	}
	return cut(fmt.Sprintf("%T: %s", p, text), maxReason)
}

// asJSON returns the JSON of a value of somebody else's, whose panic is an error.
func asJSON(value any) (text []byte, err error) {
	err = contain(func() (err error) {
		text, err = json.Marshal(value)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%T: %w", value, err)
	}
	return text, nil
}

// plain returns a value as JSON can express it, within its bound, and its size. It
// shares nothing with the original, which the executor may go on to change while the
// outcome is stored.
func plain(value any) (copied any, size int) {
	switch value := value.(type) {
	case nil, bool, int, int64:
		return value, 8
	case string:
		return plainText(value)
	}
	text, err := asJSON(value)
	if err != nil {
		return plainText(err.Error())
	}
	if len(text) > maxDetail || json.Unmarshal(text, &copied) != nil {
		return plainText(string(text))
	}
	return copied, len(text)
}

func plainText(text string) (copied any, size int) {
	text = cut(text, maxDetail)
	return text, len(text)
}

// details are what an executor has added to its run, within their bounds.
type details struct {
	values  map[string]any
	sizes   map[string]int // with their keys
	size    int
	leftOut int
}

// add adds a detail, unless there are enough already.
func (d *details) add(key string, value any, size int) {
	key = cut(key, maxDetailKey)
	size += len(key)
	had, replaces := d.sizes[key]
	if !replaces && len(d.values) >= maxDetails || d.size-had+size > maxDetailAll {
		d.leftOut++
		return
	}
	d.set(key, value, size)
}

// set adds a detail whatever there is.
func (d *details) set(key string, value any, size int) {
	if d.values == nil {
		d.values, d.sizes = make(map[string]any), make(map[string]int)
	}
	d.size += size - d.sizes[key]
	d.values[key], d.sizes[key] = value, size
}

// all returns them for the run's outcome.
func (d *details) all() map[string]any {
	all := maps.Clone(d.values)
	if d.leftOut > 0 {
		all[leftOutKey] = d.leftOut
	}
	return all
}
