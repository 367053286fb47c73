package calendar

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestByName(t *testing.T) {
	saturday := Date{2026, time.November, 28}
	for _, test := range []struct {
		name, zone string
		open       bool // on a Saturday
		phases     int
	}{
		{"always-open", "UTC", true, 1},
		{"always-open:Asia/Tokyo", "Asia/Tokyo", true, 1},
		{"weekdays:Asia/Kolkata", "Asia/Kolkata", false, 0},
		{"weekdays:UTC", "UTC", false, 0},
	} {
		cal, ok, err := ByName(test.name)
		require.NoError(t, err, test.name)
		require.True(t, ok)
		assert.Equal(t, test.name, cal.Name())
		assert.Equal(t, test.zone, cal.Location().String())
		s, err := cal.Session(saturday)
		require.NoError(t, err)
		assert.Equal(t, test.open, s.Open(), test.name)
		assert.Len(t, s.Phases, test.phases)
		assert.Implements(t, (*Snapshotter)(nil), cal)
	}
	for name, want := range map[string]string{
		"weekdays":             "calendar weekdays needs a zone: want weekdays:Asia/Kolkata or another",
		"weekdays:":            `"" is no zone`,
		"weekdays:Local":       `"Local" is no zone: want a name such as Asia/Kolkata`,
		"always-open:Atlantis": "unknown time zone Atlantis",
	} {
		cal, ok, err := ByName(name)
		assert.True(t, ok)
		assert.Nil(t, cal)
		assert.ErrorContains(t, err, want)
	}
	_, ok, err := ByName("XNSE")
	assert.False(t, ok)
	assert.NoError(t, err)
}
