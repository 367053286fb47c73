package exchange_test

import (
	"cmp"
	"encoding/csv"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/exchange"
)

// The embedded calendars are compared here with the tables that they were made
// from. The way from the tables to a session is written anew, and shares nothing
// with the generator.

// fact is a row of a table, by column.
type fact map[string]string

func readFacts(t *testing.T, name string) []fact {
	t.Helper()
	f, err := os.Open("facts/" + name)
	require.NoError(t, err)
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	require.NoError(t, err)
	require.Equal(t, name != "FX24.csv", len(lines) > 1, "%s is empty", name)
	var facts []fact
	for _, line := range lines[1:] {
		row := fact{}
		for i, column := range lines[0] {
			row[column] = line[i]
		}
		facts = append(facts, row)
	}
	return facts
}

func (f fact) date(t *testing.T, column string) calendar.Date {
	t.Helper()
	if f[column] == "" {
		return calendar.Date{}
	}
	d, err := calendar.ParseDate(f[column])
	require.NoError(t, err)
	return d
}

// instant resolves a wall time of a date as the standard library does. No time
// of a session is in an hour that clocks skip or repeat.
func instant(t *testing.T, d calendar.Date, hhmm string, loc *time.Location) time.Time {
	t.Helper()
	clock, before := strings.CutSuffix(hhmm, "-1d")
	clock, after := strings.CutSuffix(clock, "+1d")
	wall, err := time.Parse("15:04", clock)
	require.NoError(t, err)
	day := d.Day
	if before {
		day--
	}
	if after {
		day++
	}
	return time.Date(d.Year, d.Month, day, wall.Hour(), wall.Minute(), 0, 0, loc).UTC()
}

// expectation is what the tables say of one calendar.
type expectation struct {
	loc   *time.Location
	india bool
	eras  []fact                   // one for each era, or for each phase of one
	days  map[calendar.Date][]fact // one for each window
	extra map[calendar.Date][]fact // the phases besides trading
	// corrected and source are where the days were found that do not say it.
	corrected map[string]string
	source    string
}

// expect reads what the tables say of a segment of a market, whose code in the
// Indian tables is given for these.
func expect(t *testing.T, mic, code string) expectation {
	e := expectation{
		india:     code != "",
		days:      map[calendar.Date][]fact{},
		extra:     map[calendar.Date][]fact{},
		corrected: map[string]string{},
	}
	for _, f := range readFacts(t, "regular-hours.csv") {
		if f["mic"] == mic {
			loc, err := time.LoadLocation(f["timezone"])
			require.NoError(t, err)
			e.loc, e.eras = loc, append(e.eras, f)
		}
	}
	if len(e.eras) > 0 && e.eras[0]["open"] == "" { // its windows have a table of their own
		e.eras = readFacts(t, mic+"-phases.csv")
	}
	days := mic + ".csv"
	if e.india {
		days, e.eras = "XNSE.csv", nil
		for _, f := range readFacts(t, "XNSE-phases.csv") {
			if f["segment"] == code {
				e.eras = append(e.eras, f)
			}
		}
		for _, f := range readFacts(t, "XNSE-dated-phases.csv") {
			if f["segment"] == code {
				e.extra[f.date(t, "date")] = append(e.extra[f.date(t, "date")], f)
			}
		}
	}
	for _, f := range readFacts(t, days) {
		e.days[f.date(t, "date")] = append(e.days[f.date(t, "date")], f)
	}
	e.readSources(t, mic)
	return e
}

func (e *expectation) readSources(t *testing.T, mic string) {
	for _, f := range readFacts(t, "confidence.csv") {
		if f["mic"] == mic {
			e.source = f["source"]
		}
	}
	last := ""
	for _, f := range readFacts(t, "corrections.csv") {
		if f["source"] != "same" {
			last = f["source"]
		}
		if f["mic"] == mic {
			e.corrected[f["date"]] = last
		}
	}
}

// session returns the session that the tables make of a date.
func (e expectation) session(t *testing.T, d calendar.Date) calendar.Session {
	rows := e.days[d]
	weekend := d.Weekday() == time.Saturday || d.Weekday() == time.Sunday
	switch {
	case len(rows) == 0 && weekend:
		return calendar.Session{Date: d, Reason: d.Weekday().String()}
	case len(rows) == 0:
		return calendar.Session{Date: d, Kind: calendar.Regular, Phases: e.eraPhases(t, d)}
	}
	s := calendar.Session{
		Date:      d,
		Reason:    rows[0]["name"],
		Announced: rows[0].date(t, "announced"),
		Source:    cmp.Or(rows[0]["source"], e.corrected[d.String()], e.source),
	}
	switch status := rows[0]["status"]; status {
	case "closed":
	case "hours_unknown":
		s.Kind, s.HoursUnknown = calendar.Special, true
	case "open":
		s.Kind, s.Phases = calendar.Regular, e.eraPhases(t, d)
		start, end, _ := s.Bounds(calendar.PhaseRegular)
		assert.Equal(t, instant(t, d, rows[0]["open"], e.loc), start)
		assert.Equal(t, instant(t, d, rows[0]["close"], e.loc), end)
	case "early_close", "late_open":
		s.Kind, s.Phases = calendar.Shortened, e.dayPhases(t, d)
		s.EarlyClose, s.LateOpen = status == "early_close", status == "late_open"
	case "regular":
		s.Kind, s.Phases = calendar.Regular, e.dayPhases(t, d)
	case "special":
		s.Kind, s.Phases = calendar.Special, e.dayPhases(t, d)
	default:
		require.Fail(t, "a status that the test does not know", status)
	}
	return s
}

// eraPhases returns the phases of the era that d lies in.
func (e expectation) eraPhases(t *testing.T, d calendar.Date) (phases []calendar.Phase) {
	from := ""
	for _, f := range e.eras {
		if f["from_date"] <= d.String() {
			from = max(from, f["from_date"])
		}
	}
	for _, f := range e.eras {
		if f["from_date"] == from {
			phases = append(phases, e.phases(t, d, f)...)
		}
	}
	return inOrder(phases)
}

func (e expectation) dayPhases(t *testing.T, d calendar.Date) (phases []calendar.Phase) {
	for _, f := range slices.Concat(e.days[d], e.extra[d]) {
		phases = append(phases, e.phases(t, d, f)...)
	}
	return inOrder(phases)
}

// phases returns the windows of a row: of the phase that it names, or those of
// trading around its break and of the auction after it.
func (e expectation) phases(t *testing.T, d calendar.Date, f fact) []calendar.Phase {
	window := func(name, start, end string) calendar.Phase {
		return calendar.Phase{Name: name, Start: instant(t, d, start, e.loc), End: instant(t, d, end, e.loc)}
	}
	if f["phase"] != "" {
		return []calendar.Phase{window(f["phase"], f["start"], f["end"])}
	}
	var phases []calendar.Phase
	if f["auction_end"] != "" {
		phases = append(phases, window("closing_auction", f["close"], f["auction_end"]))
	}
	if f["pre_start"] != "" {
		phases = append(phases, window("pre_market", f["pre_start"], f["open"]))
	}
	if f["post_end"] != "" {
		phases = append(phases, window("post_market", f["close"], f["post_end"]))
	}
	if f["break_start"] == "" {
		return append(phases, window("regular", f["open"], f["close"]))
	}
	return append(phases, window("regular", f["open"], f["break_start"]), window("regular", f["break_end"], f["close"]))
}

func inOrder(phases []calendar.Phase) []calendar.Phase {
	slices.SortFunc(phases, func(a, b calendar.Phase) int {
		return cmp.Or(a.Start.Compare(b.Start), a.End.Compare(b.End), cmp.Compare(a.Name, b.Name))
	})
	return phases
}

// segmentCodes are the codes of the Indian segments in the tables, by the suffix
// of the calendar's name.
var segmentCodes = map[string]string{"": "CM", ".CAS": "CM.CAS", ".FO": "FO"}

// eachCalendar runs a test for every embedded calendar, with its row of
// coverage.csv.
func eachCalendar(t *testing.T, test func(t *testing.T, c *exchange.Sessions, coverage fact, code string)) {
	for _, f := range readFacts(t, "coverage.csv") {
		codes := map[string]string{"": ""}
		if f["mic"] == "XNSE" || f["mic"] == "XBOM" {
			codes = segmentCodes
		}
		for suffix, code := range codes {
			t.Run(f["mic"]+suffix, func(t *testing.T) {
				c, err := exchange.Get(f["mic"] + suffix)
				require.NoError(t, err)
				test(t, c, f, code)
			})
		}
	}
}

func TestEmbeddedCalendarsSayWhatTheFactsSay(t *testing.T) {
	eachCalendar(t, func(t *testing.T, c *exchange.Sessions, coverage fact, code string) {
		want := expect(t, coverage["mic"], code)
		assert.Equal(t, want.loc.String(), c.Location().String())
		last := coverage.date(t, "covers_to")
		for d := coverage.date(t, "covers_from"); !d.After(last); d = d.AddDays(1) {
			got, err := c.Session(d)
			require.NoError(t, err)
			got.Phases = inOrder(slices.Clone(got.Phases))
			require.Equal(t, want.session(t, d), got, "%s", d)
		}
	})
}

func TestEmbeddedCalendarsKnowNothingOutsideTheCoverageOfTheFacts(t *testing.T) {
	eachCalendar(t, func(t *testing.T, c *exchange.Sessions, coverage fact, _ string) {
		first, last := c.Coverage()
		assert.Equal(t, coverage["covers_from"], first.String())
		assert.Equal(t, coverage["covers_to"], last.String())
		for _, d := range []calendar.Date{first.AddDays(-1), last.AddDays(1), first.AddDays(-4000), last.AddDays(4000)} {
			_, err := c.Session(d)
			require.ErrorIs(t, err, calendar.ErrUnknownDate)
			var coverageError *exchange.CoverageError
			require.ErrorAs(t, err, &coverageError)
			assert.Equal(t, exchange.CoverageError{Calendar: c.Name(), Date: d, First: first, Last: last}, *coverageError)
		}
	})
}

// The counts were taken from the tables when they were made, and agree with those
// of other sources.
func TestSessionsOfThreeYears(t *testing.T) {
	counts := map[string]int{
		"XNYS": 753, "XNAS": 753, "XLON": 760, "XTKS": 730, "XHKG": 739, "XETR": 761, "XPAR": 767, "XAMS": 767,
		"XASX": 761, "XTSE": 754, "XSES": 755, "XKRX": 730, "XSHG": 727, "XSWX": 750,
		"XNSE": 745, "XNSE.CAS": 745, "XNSE.FO": 745, "XBOM": 745, "XBOM.CAS": 745, "XBOM.FO": 745,
		"FX24": 784, "XCME": 259, "XIMC": 258, "XSGE": 242, // those of 2026 alone, but for the first
	}
	to := factDate(t, "2026-12-31")
	for _, name := range exchange.Names() {
		from, _ := exchange.MustGet(name).Coverage()
		if from.Year < 2024 {
			from = factDate(t, "2024-01-01")
		}
		sessions, err := exchange.MustGet(name).Sessions(from, to)
		require.NoError(t, err)
		assert.Equal(t, counts[name], len(sessions), name)
	}
	assert.Equal(t, len(counts), len(exchange.Names()))
}

// Each correction of the usual source must have arrived in the calendars.
func TestCorrectionsAreEmbedded(t *testing.T) {
	for _, f := range readFacts(t, "corrections.csv") {
		c := exchange.MustGet(f["mic"])
		if from, isEra := strings.CutSuffix(f["date"], ".."); isEra {
			s, err := c.Nth(factDate(t, from), 2) // the first of January may be a late open's
			require.NoError(t, err)
			require.Equal(t, calendar.Regular, s.Kind)
			assert.Equal(t, f["file_says"], windows(s, c.Location()), "%s from %s", f["mic"], from)
			continue
		}
		s, err := c.Session(f.date(t, "date"))
		require.NoError(t, err)
		assert.Equal(t, f["file_says"], inWordsOfTheTable(s, c.Location()), "%s %s", f["mic"], f["date"])
	}
}

func inWordsOfTheTable(s calendar.Session, loc *time.Location) string {
	start, end, _ := s.Bounds(calendar.PhaseRegular)
	switch {
	case !s.Open():
		return "closed"
	case s.HoursUnknown:
		return "session, hours unknown"
	case s.Kind == calendar.Regular && s.Reason == "":
		return "regular day"
	case s.Kind == calendar.Shortened && end.In(loc).Hour() < 15:
		return "early close " + end.In(loc).Format("15:04")
	case s.Kind == calendar.Shortened:
		return "late open " + start.In(loc).Format("15:04")
	}
	return windows(s, loc)
}

// windows returns the windows of the regular phase: 09:15-10:00 and 11:30-12:30.
func windows(s calendar.Session, loc *time.Location) (text string) {
	for _, p := range s.Phases {
		if p.Name != calendar.PhaseRegular {
			continue
		}
		if text != "" {
			text += " and "
		}
		text += p.Start.In(loc).Format("15:04") + "-" + p.End.In(loc).Format("15:04")
	}
	return text
}

// A session trades about as long as always or is not a regular one, over all dates of
// all markets: tasks would fall silent on a whole day that is called special.
func TestAWholeTradingDayIsRegular(t *testing.T) {
	eachCalendar(t, func(t *testing.T, c *exchange.Sessions, _ fact, _ string) {
		first, last := c.Coverage()
		sessions, err := c.Sessions(first, last)
		require.NoError(t, err)
		for _, s := range sessions {
			if s.HoursUnknown {
				continue
			}
			got, always := minutes(s), minutesOfTheEra(t, c, s)
			assert.Equal(t, s.Kind == calendar.Regular, 10*got >= 9*always, "%s: %d of %d minutes", s.Describe(), got, always)
		}
	})
}

// minutesOfTheEra returns how long the sessions around one are that have no dated entry.
func minutesOfTheEra(t *testing.T, c *exchange.Sessions, s calendar.Session) int {
	t.Helper()
	for step := -1; step > -40; step-- {
		near, err := c.Nth(s.Date, step)
		if err != nil {
			break
		}
		if near.Kind == calendar.Regular && near.Reason == "" {
			return minutes(near)
		}
	}
	near, err := c.Nth(s.Date, 2) // at the beginning of the coverage
	require.NoError(t, err)
	require.Empty(t, near.Reason)
	return minutes(near)
}

func minutes(s calendar.Session) (n int) {
	for _, p := range s.Phases {
		if p.Name == calendar.PhaseRegular {
			n += int(p.End.Sub(p.Start).Minutes())
		}
	}
	return n
}

// Continuous trading ends where a closing auction begins, wherever one is known.
func TestTheCloseIsTheBeginningOfTheClosingAuction(t *testing.T) {
	known := map[string]bool{}
	eachCalendar(t, func(t *testing.T, c *exchange.Sessions, _ fact, _ string) {
		first, last := c.Coverage()
		sessions, err := c.Sessions(first, last)
		require.NoError(t, err)
		for _, s := range sessions {
			start, _, ok := s.Bounds(calendar.PhaseClosingAuction)
			if !ok {
				continue
			}
			known[c.Name()] = true
			_, end, ok := s.Bounds(calendar.PhaseRegular)
			require.True(t, ok)
			require.Equal(t, end, start, "%s", s.Date)
		}
	})
	assert.Equal(t, map[string]bool{
		"XKRX": true, "XTKS": true, "XSHG": true, "XSWX": true, "XNSE.CAS": true, "XBOM.CAS": true,
		"XHKG": true, "XETR": true, "XLON": true, "XPAR": true, "XAMS": true, "XASX": true, "XSES": true,
	}, known)
}

func TestSettlementHolidaysAreThoseOfTheFacts(t *testing.T) {
	holidays := map[calendar.Date]bool{}
	for _, f := range readFacts(t, "XNSE-settlement-holidays.csv") {
		holidays[f.date(t, "date")] = true
	}
	for _, name := range []string{"XNSE", "XNSE.CAS"} {
		c := exchange.MustGet(name)
		for d := factDate(t, "2023-01-01"); d.Year < 2027; d = d.AddDays(1) {
			s, err := c.Session(d)
			require.NoError(t, err)
			weekend := d.Weekday() == time.Saturday || d.Weekday() == time.Sunday
			settles, err := c.Settles(d)
			require.NoError(t, err)
			assert.Equal(t, s.Open() && !weekend && !holidays[d], settles, "%s %s", name, d)
		}
		_, err := c.Settles(factDate(t, "2022-12-30"))
		assert.ErrorIs(t, err, calendar.ErrUnknownDate, "the list begins with 2023")
	}
	for _, name := range []string{"XNSE.FO", "XBOM"} {
		_, err := exchange.MustGet(name).Settles(factDate(t, "2026-01-27"))
		assert.ErrorIs(t, err, exchange.ErrNoSettlement, "the list is for the shares of XNSE")
	}
}

func TestEveryDatedFactHasAReasonAndASource(t *testing.T) {
	for _, f := range readFacts(t, "coverage.csv") {
		m, err := exchange.EmbeddedMarket(f["mic"])
		require.NoError(t, err)
		assert.Contains(t, m.Basis, f["basis"])
		assert.Equal(t, m.MIC == "FX24", len(m.Days) == 0)
		for _, d := range m.Days {
			assert.NotEmpty(t, d.Name, "%s %s", m.MIC, d.Date)
			assert.NotEmpty(t, d.Source, "%s %s", m.MIC, d.Date)
			if (m.MIC == "XNSE" || m.MIC == "XBOM") && d.Date.Year >= 2023 {
				assert.False(t, d.Announced.IsZero(), "%s %s", m.MIC, d.Date)
				assert.False(t, d.Announced.After(d.Date), "%s %s was announced after it", m.MIC, d.Date)
			}
		}
		for _, s := range m.Segments {
			for _, era := range s.Eras[1:] {
				assert.NotEmpty(t, era.Source, "%s from %s", s.Calendar, era.From)
			}
		}
	}
}

func TestEmbeddedCalendarsByName(t *testing.T) {
	assert.Subset(t, exchange.Names(), []string{"XBOM.FO", "XNSE", "XNSE.CAS", "XNSE.FO", "XNYS"})
	assert.True(t, slices.IsSorted(exchange.Names()))
	for _, name := range exchange.Names() {
		c, err := exchange.Get(name)
		require.NoError(t, err)
		assert.Equal(t, name, c.Name())
		assert.Same(t, c, exchange.MustGet(name))
		found, err := exchange.Lookup(name)
		require.NoError(t, err)
		assert.Same(t, c, found)
	}
	for _, name := range []string{"", "XXXX", "XNSE.", "XNSE.CM", "XNYS.FO", ".FO", "../facts/XNSE"} {
		_, err := exchange.Get(name)
		assert.ErrorIs(t, err, exchange.ErrUnknownCalendar, name)
		found, err := exchange.Lookup(name)
		assert.ErrorIs(t, err, exchange.ErrUnknownCalendar, name)
		assert.Nil(t, found)
		_, err = exchange.EmbeddedMarket(name)
		assert.ErrorIs(t, err, exchange.ErrUnknownCalendar, name)
	}
	assert.PanicsWithValue(t, `exchange: MustGet: "XNSE.CM": no calendar has this name: of XNSE there are XNSE, XNSE.CAS, XNSE.FO`, func() {
		exchange.MustGet("XNSE.CM")
	})
}

func TestEmbeddedMarketIsACopy(t *testing.T) {
	m, err := exchange.EmbeddedMarket("XNSE")
	require.NoError(t, err)
	m.Days[0].Name, m.Segments[0].Eras[0].Hours[0].Phase = "changed", "changed"
	again, err := exchange.EmbeddedMarket("XNSE")
	require.NoError(t, err)
	assert.Equal(t, "Mahashivratri", again.Days[0].Name)
	assert.Equal(t, "pre_open", again.Segments[0].Eras[0].Hours[0].Phase)
	_, err = exchange.EmbeddedMarket("XNSE.FO")
	assert.True(t, errors.Is(err, exchange.ErrUnknownCalendar), "it goes by MIC")
}

func factDate(t *testing.T, text string) calendar.Date {
	t.Helper()
	d, err := calendar.ParseDate(text)
	require.NoError(t, err)
	return d
}
