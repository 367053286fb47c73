package rule

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestAwaits(t *testing.T) {
	tests := map[string]struct {
		awaits bool
		of     Awaited
	}{
		"daily 09:01":             {},
		"after analysis 5m":       {},
		"after succeeds 5m":       {},
		"after analysis succeeds": {true, Awaited{Task: "analysis"}},
		"after analysis succeeds 5m until close+2h on fri": {true, Awaited{
			Task: "analysis", Delay: 5 * time.Minute, Until: AtAnchor("close", 2*time.Hour), Ends: true,
		}},
	}
	for text, test := range tests {
		of, awaits := Awaits(MustParse(text))
		assert.Equal(t, test.awaits, awaits, text)
		assert.Equal(t, test.of, of, text)
	}
}

// A chain is planned by what it follows: it reaches no further, and its end is among its
// moments, so that an anchor that no session has is found.
func TestAChainIsPlannedByWhatItFollows(t *testing.T) {
	r := MustParse("after analysis succeeds 24h until closing_auction.end on mon")

	task, delay, follows := Follows(r)
	assert.True(t, follows)
	assert.Equal(t, "analysis", task)
	assert.Equal(t, 24*time.Hour, delay)
	back, ahead := Reach(r)
	assert.Zero(t, back)
	assert.Zero(t, ahead)
	assert.Equal(t, []Moment{AtAnchor("closing_auction.end", 0)}, Moments(r))
	assert.False(t, ChangesKind(r, MustParse("after analysis 5m")), "the slots are the same")
	assert.True(t, r == MustParse(r.String()), "rules are compared by their values")
	assert.True(t, Comparable(r))
}
