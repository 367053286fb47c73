package exchange

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/calendar"
)

// A data release needs no new program: the refreshed file of a market, put into the directory
// of a service that runs, brings the next year, beside overrides that are there.
func TestADataReleaseReachesAServiceThatRuns(t *testing.T) {
	w := watch(t, "XNYS.csv", overrideHeader+"2026-12-01,closed,,,,Storm,notice of the day\n")
	nyse := w.live("XNYS")
	before := nyse.Version()
	_, err := nyse.Session(date(t, "2029-01-01"))
	require.ErrorIs(t, err, calendar.ErrUnknownDate)

	m, err := EmbeddedMarket("XNYS")
	require.NoError(t, err)
	m.To, m.Version = date(t, "2029-12-31"), "2027-01-04"
	m = m.With(Day{Date: date(t, "2029-01-01"), Status: StatusClosed, Name: "New Year's Day", Source: "calendar of the exchange"})
	data, err := json.Marshal(m)
	require.NoError(t, err)
	w.write("XNYS.json~", string(data[:len(data)/2])) // a copy that is not complete has a name that is passed over
	w.taken()
	w.remove("XNYS.json~")
	w.write("XNYS.json", string(data))
	w.taken()

	s, err := nyse.Session(date(t, "2029-01-01"))
	require.NoError(t, err)
	assert.Equal(t, "closed: New Year's Day", s.Describe())
	s, err = nyse.Session(date(t, "2026-12-01"))
	require.NoError(t, err)
	assert.Equal(t, "closed: Storm", s.Describe(), "overrides go on top of it")
	assert.NotEqual(t, before, nyse.Version(), "schedulers notice")
	assert.True(t, strings.HasPrefix(nyse.Version(), "2027-01-04-"))
}

func TestAWatcherLogsWhatAListLacks(t *testing.T) {
	w := watch(t)
	w.write("XNSE.2027.nse.json", nseList(t, list2027[1:]...))
	w.taken()
	assert.Equal(t, 1, strings.Count(w.log.String(), "lists no Republic Day, which was on 2026-01-26"))
	w.write("XBOM.csv", overrideHeader)
	w.taken()
	assert.Equal(t, 1, strings.Count(w.log.String(), "lists no Republic Day"), "once")
}
