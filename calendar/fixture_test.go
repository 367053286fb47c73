package calendar

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	require.NoError(t, err)
	return loc
}

var nseHours = []Hours{
	{PhasePreOpen, Wall(9, 0), Wall(9, 15)},
	{PhaseRegular, Wall(9, 15), Wall(15, 30)},
	{PhasePostClose, Wall(15, 40), Wall(16, 0)},
}

// diwali is a table of the fortnight around Diwali of 2026, in which the weekly
// pattern is regular.
func diwali(t *testing.T) Table {
	loc := zone(t, "Asia/Kolkata")
	return Table{
		Name:     "XNSE",
		Version:  "2026.1",
		Location: loc,
		First:    Date{2026, 11, 2},
		Last:     Date{2026, 11, 15},
		Base:     Weekdays(loc, nseHours...),
		Days: []TableDay{
			{Date: Date{2026, 11, 10}, Reason: "Balipratipada"},
			{Date: Date{2026, 11, 8}, Kind: Special, HoursUnknown: true, Reason: "Diwali Muhurat"},
			{Date: Date{2026, 11, 13}, Kind: Shortened, Hours: []Hours{
				{PhaseRegular, Wall(13, 0), Wall(15, 30)},
				{PhasePreOpen, Wall(9, 0), Wall(9, 15)},
				{PhaseRegular, Wall(9, 15), Wall(12, 0)},
				{PhaseClosingAuction, Wall(15, 20), Wall(15, 30)}, // phases may overlap each other
			}},
			{Date: Date{2026, 11, 14}, Kind: Regular},
		},
	}
}
