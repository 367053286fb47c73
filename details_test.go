package tradeclock

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/internal/quiet"
)

// ring is a value that contains itself.
func ring() map[string]any {
	r := map[string]any{"orders": 3}
	r["ring"] = []any{r}
	return r
}

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
		{"a struct", struct{ Orders int }{3}, map[string]any{"Orders": 3.0}},
		{"a map that contains itself", ring(), "encountered a cycle"},
		{"a list that begins with itself", chain{loop}, "encountered a cycle"},
		{"a function", func() {}, "func(): json: unsupported type: func()"},
		{"a value that panics", mute{}, "tradeclock.mute: panic: not now"},
		{"a long text", strings.Repeat("x", 1<<20), "bytes more)"},
		{"a long list", make([]string, 1<<20), "bytes more)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, size := plain(test.value)
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
		var d details
		for i := range 100 {
			d.add(strings.Repeat("k", i+1), i, 8)
		}
		d.add("k", "again", 5)
		all := d.all()
		assert.Len(t, all, maxDetails+1)
		assert.Equal(t, 100-maxDetails, all[leftOutKey])
		assert.Equal(t, "again", all["k"], "what is there can be replaced")
	})
	t.Run("much", func(t *testing.T) {
		var d details
		for _, key := range strings.Split("abcdefghij", "") {
			value, size := plain(strings.Repeat(key, maxDetail))
			d.add(key, value, size)
		}
		d.add("a", "short", 5)
		d.add("k", strings.Repeat("k", 100), 100)
		all := d.all()
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
		var d details
		d.add(strings.Repeat("k", 1000), 1, 8)
		for key := range d.all() {
			assert.Contains(t, key, "bytes more)")
			assert.LessOrEqual(t, len(key), maxDetailKey)
		}
	})
	t.Run("none", func(t *testing.T) {
		var d details
		assert.Nil(t, d.all())
	})
}

// A batch that took too long is tried again with fewer outcomes, down to one, so that
// what takes its time holds up few others.
func TestABatchThatTookTooLongIsMadeSmaller(t *testing.T) {
	b := books{settling: make([]settlement, 10_000)}
	sizes := []int{len(b.nextToSettle())}
	for range 5 {
		b.sizeNext(len(b.nextToSettle()), quiet.ErrTooSlow)
		sizes = append(sizes, len(b.nextToSettle()))
	}
	assert.Equal(t, []int{4096, 512, 64, 8, 1, 1}, sizes)
	b.sizeNext(1, errors.New("disk full"))
	assert.Len(t, b.nextToSettle(), 1, "an error says nothing of the size")
	for range 20 {
		b.sizeNext(len(b.nextToSettle()), nil)
	}
	assert.Len(t, b.nextToSettle(), fullBatch)
}
