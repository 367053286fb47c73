package calendar

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPeriodBounds(t *testing.T) {
	tests := []struct {
		of                Period
		date, first, last string
	}{
		{Week, "2026-11-23", "2026-11-23", "2026-11-29"}, // a Monday
		{Week, "2026-11-29", "2026-11-23", "2026-11-29"},
		{Week, "2027-01-01", "2026-12-28", "2027-01-03"},
		{Month, "2026-11-01", "2026-11-01", "2026-11-30"},
		{Month, "2024-02-29", "2024-02-01", "2024-02-29"},
		{Month, "2026-12-31", "2026-12-01", "2026-12-31"},
		{Quarter, "2026-01-31", "2026-01-01", "2026-03-31"},
		{Quarter, "2026-06-30", "2026-04-01", "2026-06-30"},
		{Quarter, "2026-08-15", "2026-07-01", "2026-09-30"},
		{Quarter, "2026-12-31", "2026-10-01", "2026-12-31"},
		{Year, "2026-07-04", "2026-01-01", "2026-12-31"},
	}
	for _, test := range tests {
		t.Run(test.of.String()+" "+test.date, func(t *testing.T) {
			d, err := ParseDate(test.date)
			require.NoError(t, err)
			first, last := test.of.Bounds(d)
			assert.Equal(t, []string{test.first, test.last}, []string{first.String(), last.String()})
		})
	}
	assert.Equal(t, "Period(9)", Period(9).String())
}
