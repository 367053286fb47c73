package tradeclock

import (
	"encoding/json"
	"maps"

	"github.com/tradeclock/tradeclock/internal/said"
)

// Bounds, in bytes, of what an executor adds to its run. More than people read is cut.
const (
	maxDetailKey = 128
	maxDetail    = 8 << 10  // of one value, as JSON
	maxDetailAll = 64 << 10 // of a run's keys and values
	maxDetails   = 64       // that a run has
)

// leftOutKey is the detail that says how many others are left out.
const leftOutKey = "left_out"

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
	text, err := said.JSON(value)
	if err != nil {
		return plainText(err.Error())
	}
	if len(text) > maxDetail || json.Unmarshal(text, &copied) != nil {
		return plainText(string(text))
	}
	return copied, len(text)
}

func plainText(text string) (copied any, size int) {
	text = said.Cut(text, maxDetail)
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
	key = said.Cut(key, maxDetailKey)
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
