package tradeclock

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/tradeclock/tradeclock/internal/quiet"
)

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
