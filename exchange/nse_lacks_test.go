package exchange

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/calendar"
)

func lackNames(lacks []Holiday) []string {
	var names []string
	for _, h := range lacks {
		names = append(names, h.Date.String()+" "+h.Name)
	}
	return names
}

func TestWhatANewYearsListLacks(t *testing.T) {
	m := Frozen(t)
	full := slices.Concat(list2027, []string{
		"2027-03-10 Id-Ul-Fitr (Ramadan Eid)", "2027-04-15 Shri Ram Navami", "2027-04-19 Shri Mahavir Jayanti",
		"2027-10-02 Mahatma Gandhi Jayanti", "2027-11-15 Prakash Gurpurb Sri Guru Nanak Dev",
	})
	assert.Empty(t, readNSE(t, full...).Lacks(m), "spelled in other ways, and on weekends")

	without := func(words ...string) []string {
		return slices.DeleteFunc(slices.Clone(full), func(row string) bool {
			return slices.ContainsFunc(words, func(word string) bool { return strings.Contains(row, word) })
		})
	}
	for word, want := range map[string]string{
		"Republic": "2026-01-26 Republic Day", "Christmas": "2026-12-25 Christmas", "Independence": "2025-08-15 Independence Day",
		"Fitr": "2025-03-31 Id-ul-Fitr", "Balipratipada": "2026-11-10 Diwali Balipratipada", "Mahavir": "2026-03-31 Mahavir Jayanti",
	} {
		assert.Equal(t, []string{want}, lackNames(readNSE(t, without(word)...).Lacks(m)), word)
	}
	assert.Len(t, readNSE(t, without("Republic", "Holi", "Muharram")...).Lacks(m), 3)
	for _, h := range readNSE(t, list2027...).Lacks(m) {
		assert.NotContains(t, strings.ToLower(h.Name), "election", "what closed the market once is not missed")
	}
}

func TestASetTellsWhatAListLacks(t *testing.T) {
	list := nseList(t, slices.DeleteFunc(slices.Clone(list2027), func(row string) bool { return strings.Contains(row, "Republic") })...)
	set, err := LoadFS(fstest.MapFS{"XNSE.2027.nse.json": {Data: []byte(list)}})
	require.NoError(t, err)
	assert.Contains(t, set.Doubts(), "XNSE.2027.nse.json: lists no Republic Day, which was on 2026-01-26")
	c, err := set.Calendar("XNSE")
	require.NoError(t, err)
	open, err := c.IsSession(date(t, "2027-01-26"))
	require.NoError(t, err)
	assert.True(t, open, "a person decides")
}

// commodities is a list of the kind of the exchange's COM: with a session for each half.
const commodities = `{"CM": [], "COM": [
	{"tradingDate": "01-Jan-2027", "weekDay": "Friday", "description": "New Year Day", "morning_session": "Open", "evening_session": "Closed"},
	{"tradingDate": "26-Jan-2027", "weekDay": "Tuesday", "description": "Republic Day", "morning_session": "Closed", "evening_session": "Closed"},
	{"tradingDate": "22-Mar-2027", "weekDay": "Monday", "description": "Holi", "morning_session": "Closed", "evening_session": "Open"},
	{"tradingDate": "26-Mar-2027", "weekDay": "Friday", "description": "Good Friday", "morning_session": null, "evening_session": null},
	{"tradingDate": "01-May-2027", "weekDay": "Saturday", "description": "Maharashtra Day", "morning_session": "Closed", "evening_session": "Open"}
]}`

func TestHolidaysOfAMorningOrAnEvening(t *testing.T) {
	set, err := LoadFS(fstest.MapFS{"XIMC.COM.2027.nse.json": {Data: []byte(commodities)}})
	require.NoError(t, err)
	c, err := set.Calendar("XIMC")
	require.NoError(t, err)
	for day, want := range map[string]struct{ says, hours string }{
		"2027-01-01": {"shortened session (early close): New Year Day", "09:00-17:00"},
		"2027-01-26": {"closed: Republic Day", ""},
		"2027-03-22": {"shortened session (late open): Holi", "17:00-23:55"},
		"2027-03-26": {"closed: Good Friday", ""},
		"2027-05-01": {"closed: Saturday", ""},
		"2027-03-23": {"regular session", "09:00-17:00 17:00-23:55"},
	} {
		s, err := c.Session(date(t, day))
		require.NoError(t, err)
		var hours []string
		for _, w := range s.Windows(calendar.PhaseRegular) {
			hours = append(hours, w.Start.In(c.Location()).Format("15:04")+"-"+w.End.In(c.Location()).Format("15:04"))
		}
		assert.Equal(t, want.says, s.Describe(), day)
		assert.Equal(t, want.hours, strings.Join(hours, " "), day)
	}
}

func TestHalfHolidaysAreRefused(t *testing.T) {
	row := func(morning, evening string) string {
		return `{"COM": [{"tradingDate": "22-Mar-2027", "weekDay": "Monday", "description": "Holi", "morning_session": "` + morning + `", "evening_session": "` + evening + `"}]}`
	}
	for list, want := range map[string]string{
		row("Open", "Open"):    "line 1: COM[0]: both sessions are open, so that it is no holiday",
		row("perhaps", "Open"): `line 1: COM[0]: "perhaps" is neither Open nor Closed`,
	} {
		_, err := ReadNSEHolidays(strings.NewReader(list), "COM")
		assert.EqualError(t, err, want)
	}
	h, err := ReadNSEHolidays(strings.NewReader(commodities), "COM")
	require.NoError(t, err)
	m, err := EmbeddedMarket("XNSE")
	require.NoError(t, err)
	m.Days = slices.DeleteFunc(m.Days, func(d Day) bool { return d.Status == StatusClosed }) // so that the list is not cut off
	_, err = h.Apply(m, "", calendar.Date{})
	assert.ErrorContains(t, err, "2027-03-22: Holi: a holiday of one session, and XNSE has no evening")
}
