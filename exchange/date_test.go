package exchange

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/calendar"
)

func TestNumberCountsTheDaysOfThreeCenturies(t *testing.T) {
	first := time.Date(1900, time.January, 1, 0, 0, 0, 0, time.UTC)
	want := int(first.Unix() / secondsPerDay)
	for at := first; at.Year() <= 2200; at = at.AddDate(0, 0, 1) {
		d := calendar.DateOf(at)
		require.Equal(t, want, number(d), d)
		require.Equal(t, d, dateOf(want))
		require.Equal(t, at.Weekday(), weekdayOf(want), d)
		want++
	}
}

func TestTheYearsOneTo9999Exist(t *testing.T) {
	tests := []struct {
		date calendar.Date
		want bool
	}{
		{calendar.Date{Year: 1, Month: 1, Day: 1}, true},
		{calendar.Date{Year: 9999, Month: 12, Day: 31}, true},
		{calendar.Date{Year: 2024, Month: 2, Day: 29}, true},
		{calendar.Date{Year: 2000, Month: 2, Day: 29}, true},
		{calendar.Date{}, false},
		{calendar.Date{Year: 0, Month: 12, Day: 31}, false},
		{calendar.Date{Year: 10000, Month: 1, Day: 1}, false},
		{calendar.Date{Year: 2026, Month: 2, Day: 29}, false},
		{calendar.Date{Year: 2100, Month: 2, Day: 29}, false},
		{calendar.Date{Year: 2026, Month: 0, Day: 1}, false},
		{calendar.Date{Year: 2026, Month: 13, Day: 1}, false},
		{calendar.Date{Year: 2026, Month: 1, Day: 0}, false},
		{calendar.Date{Year: 2026, Month: 1, Day: -5}, false},
		{calendar.Date{Year: -4000, Month: 1, Day: 1}, false},
	}
	for _, tt := range tests {
		assert.Equal(t, tt.want, checkDate(tt.date) == nil, "%#v", tt.date)
	}
}
