package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRoll(t *testing.T) {
	tests := []struct {
		name string
		n    int
		ran  []int
		lost float64
		err  string
	}{
		{"all ran", 3, []int{2, 0, 1}, 0, ""},
		{"the only one ran", 1, []int{0}, 0, ""},
		{"one was lost", 3, []int{2, 0}, 1, ""},
		{"one ran twice", 3, []int{0, 1, 1, 2}, 0, "1 tasks ran more than once"},
		{"none ran", 3, nil, 0, "no task ran"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := bout{order: order{N: test.n}}
			r := newRoll(&b, 0)
			for _, i := range test.ran {
				r.run(i)
			}
			err := r.report(&b)
			if test.err != "" {
				assert.ErrorIs(t, err, errWrong)
				assert.ErrorContains(t, err, test.err)
				return
			}
			require.NoError(t, err)
			r.addAllocs(&b, cost{allocs: 12})
			assert.Equal(t, figure{"lost", test.lost, count}, b.figures[0])
			told := figureNames([]*result{{rounds: [][]figure{b.figures}}})
			if test.lost == 0 {
				assert.Contains(t, told, "last start")
				assert.Equal(t, figure{"allocations a run", 12 / float64(test.n), count}, b.figures[len(b.figures)-1])
			} else {
				assert.NotContains(t, told, "last start", "the last one never started")
				assert.NotContains(t, told, "allocations a run")
			}
		})
	}
}

func TestRollThatIsLate(t *testing.T) {
	r := newRoll(&bout{}, 0)
	r.bell = time.Now()
	assert.ErrorContains(t, r.inTime(), "took too long")
}
