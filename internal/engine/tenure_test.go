package engine

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestTenure(t *testing.T) {
	until := minute(5)
	for _, test := range []struct {
		name                string
		told                func(t *Tenure)
		trusted, atLeast    bool // before until
		trustedAfter, after bool
	}{
		{"none", func(*Tenure) {}, false, false, false, false},
		{"granted, and not resumed", func(t *Tenure) { t.Granted(3, until) }, false, false, false, false},
		{"resumed", func(t *Tenure) { t.Granted(3, until); t.Resumed() }, true, true, false, false},
		{"for ever", func(t *Tenure) { t.Granted(3, time.Time{}); t.Resumed() }, true, true, true, true},
		{"no answer", func(t *Tenure) { t.Granted(3, until); t.Resumed(); t.Unanswered() }, true, true, false, true},
		{"an answer again", func(t *Tenure) { t.Granted(3, until); t.Resumed(); t.Unanswered(); t.Granted(3, until) }, true, true, false, false},
		{"held by another", func(t *Tenure) { t.Granted(3, until); t.Resumed(); t.Unanswered(); t.Held() }, true, true, false, false},
		{"to be read again", func(t *Tenure) { t.Granted(3, until); t.Resumed(); t.Unanswered(); t.Reread() }, false, false, false, false},
		{"lost", func(t *Tenure) { t.Granted(3, until); t.Resumed(); t.Unanswered(); t.Lost() }, false, false, false, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			var tenure Tenure
			test.told(&tenure)
			assert.Equal(t, test.trusted, tenure.TrustedAt(until.Add(-1)))
			assert.Equal(t, test.trusted, tenure.MayStart(false, until.Add(-1)))
			assert.Equal(t, test.atLeast, tenure.MayStart(true, until.Add(-1)))
			assert.Equal(t, test.trustedAfter, tenure.TrustedAt(until))
			assert.Equal(t, test.trustedAfter, tenure.MayStart(false, until))
			assert.Equal(t, test.after, tenure.MayStart(true, until))
			assert.Equal(t, test.trusted, tenure.IsResumed())
		})
	}
}

// A clock that was set back does not make a term last longer, nor one that was set
// forward make it last at all.
func TestTheTermIsTrustedOnTheSmallerOfTwoClocks(t *testing.T) {
	var tenure Tenure
	now := time.Now()
	tenure.Granted(1, now.Add(time.Minute))
	tenure.Resumed()
	assert.True(t, tenure.TrustedAt(now))
	assert.False(t, tenure.TrustedAt(now.Add(time.Hour)))
	assert.False(t, tenure.TrustedAt(now.Add(time.Hour).Round(0)), "on the wall clock alone")
}

func TestWhatATermIs(t *testing.T) {
	var tenure Tenure
	tenure.Granted(3, minute(5))
	assert.Equal(t, int64(3), tenure.Number())
	assert.Equal(t, minute(5), tenure.Trusted())
	assert.False(t, tenure.IsUnreachable())
	tenure.Unanswered()
	assert.True(t, tenure.IsUnreachable())
	tenure.Lost()
	assert.Zero(t, tenure.Number())
}
