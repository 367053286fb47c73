package main

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/calendar"
)

const releases = "mic,due,who,when,where\nXNSE,12-20,NSE,in December,nseindia.com\nXNYS,12-31,NYSE Group,early,nyse.com\n"

func TestANextYearThatIsOverdue(t *testing.T) {
	facts := fstest.MapFS{
		"releases.csv": {Data: []byte(releases)},
		"coverage.csv": {Data: []byte("mic,covers_from,covers_to,basis\nXNSE,2019-01-01,2026-12-31,\nXNYS,2023-01-01,2028-12-31,\n")},
	}
	on := func(month time.Month, day, year int) error {
		return overdue(facts, calendar.Date{Year: year, Month: month, Day: day})
	}
	require.NoError(t, on(time.January, 1, 2026))
	require.NoError(t, on(time.December, 19, 2026))
	assert.EqualError(t, on(time.December, 20, 2026), "XNSE ends on 2026-12-31, and 2027 is wanted: NSE publishes it in December, nseindia.com")
	assert.Error(t, on(time.January, 2, 2027), "it stays overdue")
	assert.ErrorContains(t, on(time.December, 31, 2028), "XNYS ends on 2028-12-31, and 2029 is wanted")
}

func TestReleasesNameEachMarket(t *testing.T) {
	facts := fstest.MapFS{
		"releases.csv": {Data: []byte(strings.Replace(releases, "XNYS,", "XNOS,", 1))},
		"coverage.csv": {Data: []byte("mic,covers_from,covers_to,basis\nXNSE,2019-01-01,2030-12-31,\nXNYS,2023-01-01,2030-12-31,\n")},
	}
	err := overdue(facts, calendar.Date{Year: 2026, Month: time.June, Day: 1})
	assert.EqualError(t, err, "releases.csv:3: XNOS is no market of coverage.csv\nreleases.csv: there is no row for XNYS")

	require.NoError(t, overdue(os.DirFS("../../facts"), calendar.Date{Year: 2026, Month: time.November, Day: 30}),
		"the tables as they were when they were last looked at")
	assert.Error(t, overdue(os.DirFS("../../facts"), calendar.Date{Year: 2030, Month: time.December, Day: 31}), "it fails from a date on")
}
