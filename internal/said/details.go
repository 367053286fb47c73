package said

import (
	"encoding/json"
	"maps"
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

// Detail is a value as JSON can express it, within its bound, and its size.
type Detail struct {
	value any
	size  int
}

// Plain returns a value as a detail. It shares nothing with the original, which the executor may go on to change while the
// outcome is stored.
func Plain(value any) Detail {
	switch value := value.(type) {
	case nil, bool, int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64: // a float64 holds no long order id
		return Detail{value, 8}
	case string:
		return PlainText(value)
	}
	text, err := JSON(value)
	if err != nil {
		return PlainText(err.Error())
	}
	var copied any
	if len(text) > maxDetail || json.Unmarshal(text, &copied) != nil {
		return PlainText(string(text))
	}
	return Detail{copied, len(text)}
}

// PlainText returns a text as a detail.
func PlainText(text string) Detail {
	text = Cut(text, maxDetail)
	return Detail{text, len(text)}
}

// Details are what an executor has added to its run, within their bounds. The zero value
// has none.
type Details struct {
	values  map[string]any
	sizes   map[string]int // with their keys
	size    int
	leftOut int
}

// Add adds a detail, unless there are enough already.
func (d *Details) Add(key string, detail Detail) {
	key = Cut(key, maxDetailKey)
	size := detail.size + len(key)
	had, replaces := d.sizes[key]
	if !replaces && len(d.values) >= maxDetails || d.size-had+size > maxDetailAll {
		d.leftOut++
		return
	}
	d.set(key, detail.value, size)
}

// Set adds a detail whatever there is.
func (d *Details) Set(key string, detail Detail) { d.set(key, detail.value, detail.size) }

func (d *Details) set(key string, value any, size int) {
	if d.values == nil {
		d.values, d.sizes = make(map[string]any), make(map[string]int)
	}
	d.size += size - d.sizes[key]
	d.values[key], d.sizes[key] = value, size
}

// All returns them for the run's outcome.
func (d *Details) All() map[string]any {
	all := maps.Clone(d.values)
	if d.leftOut > 0 {
		all[leftOutKey] = d.leftOut
	}
	return all
}
