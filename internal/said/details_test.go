package said

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

type chain struct{ Next *chain }

type mute struct{}

func (mute) MarshalJSON() ([]byte, error) { panic("not now") }

func TestPlainKeepsNothingThatContainsItself(t *testing.T) {
	loop := &chain{}
	loop.Next = loop
	for _, test := range []struct {
		name  string
		value any
		want  any
	}{
		{"a number", 3, 3},
		{"a long order id", uint64(1<<64 - 1), uint64(1<<64 - 1)},
		{"a struct", struct{ Orders int }{3}, map[string]any{"Orders": 3.0}},
		{"a map that contains itself", ring(), "encountered a cycle"},
		{"a list that begins with itself", chain{loop}, "encountered a cycle"},
		{"a function", func() {}, "func(): json: unsupported type: func()"},
		{"a value that panics", mute{}, "said.mute: panic: not now"},
		{"a long text", strings.Repeat("x", 1<<20), "bytes more)"},
		{"a long list", make([]string, 1<<20), "bytes more)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			plain := Plain(test.value)
			got, size := plain.value, plain.size
			assert.LessOrEqual(t, size, maxDetail)
			if text, ok := test.want.(string); ok {
				require.IsType(t, text, got)
				assert.Contains(t, got, text)
				assert.LessOrEqual(t, len(got.(string)), maxDetail)
				return
			}
			assert.Equal(t, test.want, got)
		})
	}
}

func TestDetailsHaveBounds(t *testing.T) {
	t.Run("many", func(t *testing.T) {
		var d Details
		for i := range 100 {
			d.Add(strings.Repeat("k", i+1), Plain(i))
		}
		d.Add("k", Plain("again"))
		all := d.All()
		assert.Len(t, all, maxDetails+1)
		assert.Equal(t, 100-maxDetails, all[leftOutKey])
		assert.Equal(t, "again", all["k"], "what is there can be replaced")
	})
	t.Run("much", func(t *testing.T) {
		var d Details
		for _, key := range strings.Split("abcdefghij", "") {
			d.Add(key, Plain(strings.Repeat(key, maxDetail)))
		}
		d.Add("a", Plain("short"))
		d.Add("k", Plain(strings.Repeat("k", 100)))
		all := d.All()
		assert.Equal(t, "short", all["a"])
		assert.Contains(t, all, "k", "what was replaced leaves room")
		assert.Equal(t, 3, all[leftOutKey])
		size := 0
		for key, value := range d.values {
			size += len(key) + len(value.(string))
		}
		assert.Equal(t, d.size, size)
		assert.LessOrEqual(t, size, maxDetailAll)
	})
	t.Run("a long key", func(t *testing.T) {
		var d Details
		d.Add(strings.Repeat("k", 1000), Plain(1))
		for key := range d.All() {
			assert.Contains(t, key, "bytes more)")
			assert.LessOrEqual(t, len(key), maxDetailKey)
		}
	})
	t.Run("none", func(t *testing.T) {
		var d Details
		assert.Nil(t, d.All())
	})
}
