package rule

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/tradeclock/tradeclock/calendar"
)

// ofMood is a user's rule that is like a daily one, or not, or panics.
type ofMood struct{ mood string }

func (r ofMood) String() string { return r.mood }
func (r ofMood) Daily() bool {
	if r.mood == "panics" {
		panic("not now")
	}
	return r.mood == "daily"
}

func (ofMood) Occurrences(calendar.Session, *time.Location) ([]Occurrence, error) { return nil, nil }

func TestTheKindOfAUsersRule(t *testing.T) {
	for mood, want := range map[string]string{"daily": KindDaily, "others": "rule.ofMood", "panics": "rule.ofMood"} {
		assert.Equal(t, want, KindOf(ofMood{mood}), mood)
		assert.Equal(t, want, KindOf(On(ofMood{mood}, NthSession(1, calendar.Week))), mood)
	}
}
