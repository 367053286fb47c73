package exchange

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
)

// Set is a set of calendars that were read from files, on top of the embedded
// ones: a market that no file is for is answered from the embedded data. It never
// changes, and is safe for concurrent use. LoadFile, LoadDir and LoadFS make it.
type Set struct {
	calendars map[string]*Sessions // those of the markets that have files
	files     map[string]setFile   // what they were read from
	doubts    []string
}

// Doubts returns what a person should confirm of the files, a sentence each: the holidays
// that a holiday list lacks against the years before, see NSEHolidays.Lacks. The calendars
// are as the files say.
func (s *Set) Doubts() []string { return slices.Clone(s.doubts) }

// setFile is what a set keeps of a file, to compare it with a later one.
type setFile struct {
	data    []byte
	entries []calendar.Date // the dates of its rows or dated days, in order
	zone    *time.Location
}

// Calendar returns a calendar by its name, as XNSE or XNSE.FO, or by what Get takes for
// it. The error for a name that no calendar has wraps ErrUnknownCalendar.
func (s *Set) Calendar(name string) (*Sessions, error) {
	if c, ok := s.calendars[name]; ok {
		return c, nil
	}
	full := canonical(name)
	if c, ok := s.calendars[full]; ok {
		return c, nil
	}
	if _, ok := embedded[micOf(full)]; !ok || s.has(micOf(full)) {
		return nil, unknownCalendar(name, s.Names())
	}
	return Get(full)
}

// Lookup is Get in the form that a scheduler's configuration takes, to find the
// calendars that schedules name, with those of calendar.ByName.
func (s *Set) Lookup(name string) (calendar.Calendar, error) { return lookup(name, s.Calendar) }

// Names returns the names of all calendars, sorted, with the embedded ones.
func (s *Set) Names() []string {
	names := slices.DeleteFunc(Names(), func(name string) bool { return s.has(micOf(name)) })
	names = slices.AppendSeq(names, maps.Keys(s.calendars))
	slices.Sort(names)
	return names
}

// has reports whether files of the set are for a market.
func (s *Set) has(mic string) bool {
	_, ok := s.calendars[mic] // the main calendar of a market has its name
	return ok
}

// micOf returns the market of a calendar.
func micOf(name string) string {
	mic, _, _ := strings.Cut(name, ".")
	return mic
}

// newSet makes the set of the files, given by their names, or reports all that is
// wrong with them, file by file.
func newSet(files map[string][]byte) (*Set, error) {
	s := &Set{calendars: make(map[string]*Sessions), files: make(map[string]setFile)}
	markets := make(map[string]Market)
	for _, kind := range []struct {
		ext string
		add func(markets map[string]Market, name string, data []byte) error
	}{
		{extMarket, s.addMarket}, {extHolidays, s.addHolidays}, {extOverrides, s.addOverrides},
	} {
		var errs []error
		for _, name := range namesOf(files, kind.ext) {
			var p problems
			p.add(name, kind.add(markets, name, files[name]))
			errs = append(errs, p.first())
		}
		if err := errors.Join(errs...); err != nil {
			return nil, err // the other kinds are for what is in these files
		}
	}
	return s, nil
}

// namesOf returns the names of the files of a kind in the order in which they are
// added: the list of a year before that of the next, and the overrides of a market
// before those of its segments, whose word is the more special one.
func namesOf(files map[string][]byte, ext string) []string {
	var names []string
	for name := range files {
		if stem, is := splitName(name); is == ext {
			names = append(names, stem)
		}
	}
	slices.Sort(names)
	for i := range names {
		names[i] += ext
	}
	return names
}

// marketOf returns the data of a market as they are after the files that were
// added: those of the files, or the embedded ones.
func marketOf(markets map[string]Market, mic string) (Market, error) {
	if m, ok := markets[mic]; ok {
		return m, nil
	}
	return EmbeddedMarket(mic)
}

// addMarket adds the calendars of a market's data file.
func (s *Set) addMarket(markets map[string]Market, name string, data []byte) error {
	m, err := ReadMarket(bytes.NewReader(data))
	if err != nil {
		return err
	}
	if want := strings.TrimSuffix(name, extMarket); m.MIC != want {
		return fmt.Errorf("mic: is %q, and the file's name says %q", m.MIC, want)
	}
	if err := checkEmptied(m); err != nil {
		return err
	}
	dates := make([]calendar.Date, len(m.Days))
	for i, d := range m.Days {
		dates[i] = d.Date
	}
	slices.SortFunc(dates, calendar.Date.Compare)
	return s.add(markets, m, name, data, slices.Compact(dates)) // a day may have an entry for each calendar
}

// checkEmptied refuses a market without any dated day in place of embedded data that
// have some: its holidays would be sessions.
func checkEmptied(m Market) error {
	embedded, err := EmbeddedMarket(m.MIC)
	if err != nil || len(m.Days) > 0 {
		return nil
	}
	lost := 0
	for _, d := range embedded.Days {
		if !d.Date.Before(m.From) && !d.Date.After(m.To) {
			lost++
		}
	}
	if lost == 0 {
		return nil
	}
	return fmt.Errorf("days: the list is empty, and the embedded data have %d dated days from %s to %s", lost, m.From, m.To)
}

// addHolidays adds the calendars of a market, with the year that a holiday list of
// the exchange is of.
func (s *Set) addHolidays(markets map[string]Market, name string, data []byte) error {
	stem, _ := splitName(name)
	parts, segment := strings.Split(stem, "."), nseShares
	if len(parts) == 3 {
		segment = parts[1]
	}
	mic := parts[0]
	begin, err := time.Parse("2006", parts[len(parts)-1])
	if err != nil || len(parts) > 3 {
		return errors.New("want a name as in XNSE.2027.nse.json, or XIMC.COM.2027.nse.json for another of its lists")
	}
	year := begin.Year()
	m, err := marketOf(markets, mic)
	if err != nil {
		return err
	}
	if m.Timezone != nseZone {
		return fmt.Errorf("%s is in %s, and the list is for markets in %s", mic, m.Timezone, nseZone)
	}
	all, err := ReadNSEHolidays(bytes.NewReader(data), segment)
	if err != nil {
		return err
	}
	holidays := all.of(year)
	if len(holidays.days) == 0 {
		return fmt.Errorf("no holiday of %d is listed", year)
	}
	if m.To.Year < year {
		for _, d := range holidays.Lacks(m) {
			s.doubts = append(s.doubts, fmt.Sprintf("%s: lists no %s, which was on %s", name, d.Name, d.Date))
		}
		if m, err = holidays.Apply(m, "holiday list of NSE in the file "+name, calendar.Date{}); err != nil {
			return err
		}
	}
	dates := make([]calendar.Date, len(holidays.days))
	for i, d := range holidays.days {
		dates[i] = d.date
	}
	return s.add(markets, m, name, data, dates)
}

// addOverrides adds the calendars of the market that a file of overrides is for,
// as they are with the overrides.
func (s *Set) addOverrides(markets map[string]Market, name string, data []byte) error {
	o, err := ReadOverrides(bytes.NewReader(data))
	if err != nil {
		return err
	}
	calendar := strings.TrimSuffix(name, extOverrides)
	m, err := marketOf(markets, micOf(calendar))
	if err != nil {
		return err
	}
	if m, err = o.Apply(m, calendar); err != nil {
		return err
	}
	return s.add(markets, m, name, data, o.rows)
}

// add builds the calendars of a market as it is after a file was read, which has
// an entry for each of the given dates.
func (s *Set) add(markets map[string]Market, m Market, name string, data []byte, entries []calendar.Date) error {
	calendars, err := m.Build()
	if err != nil {
		return err
	}
	markets[m.MIC] = m
	for _, c := range calendars {
		s.calendars[c.Name()] = c
	}
	entries = slices.SortedFunc(slices.Values(entries), calendar.Date.Compare)
	s.files[name] = setFile{data: data, entries: entries, zone: calendars[0].Location()}
	return nil
}

// isOf reports whether the set was read from files of these contents.
func (s *Set) isOf(files map[string][]byte) bool {
	return maps.EqualFunc(s.files, files, func(f setFile, data []byte) bool { return bytes.Equal(f.data, data) })
}

// checkShrunk reports what the set lacks that an older one has: files, entries of a
// file, calendars and dates of a coverage.
func (s *Set) checkShrunk(old *Set, now time.Time) error {
	var p problems
	for _, name := range slices.Sorted(maps.Keys(old.files)) {
		file, ok := s.files[name]
		if !ok {
			p.addf(name, "the file is gone")
			continue
		}
		p.add(name, file.checkShrunk(old.files[name], calendar.DateOf(now.In(file.zone))))
	}
	for _, name := range old.Names() {
		if s.has(micOf(name)) {
			p.add(name, s.checkSucceeds(old, name))
		}
	}
	return p.first()
}

// checkSucceeds refuses a calendar that is gone, covers less than it did, or is in
// another zone, which a scheduler would not follow.
func (s *Set) checkSucceeds(old *Set, name string) error {
	before, err := old.Calendar(name)
	if err != nil {
		return err
	}
	c, err := s.Calendar(name)
	switch {
	case err != nil:
		return errors.New("the calendar is gone")
	case c.first.After(before.first) || c.last.Before(before.last):
		return fmt.Errorf("shrank: it covers %s to %s, and covered %s to %s", c.first, c.last, before.first, before.last)
	case c.loc.String() != before.loc.String():
		return fmt.Errorf("is in the zone %s, and was in %s", c.loc, before.loc)
	}
	return nil
}

// checkShrunk refuses a file that lacks entries of an older one: any from today on,
// any of a past date that still counts, and whatever is missing at its end or
// altogether, as then it is cut off.
func (f setFile) checkShrunk(old setFile, today calendar.Date) error {
	if is, was := f.entriesFrom(today), old.entriesFrom(today); is < was {
		return fmt.Errorf("shrank: it has %d entries from %s on, and had %d", is, today, was)
	}
	counted := countedFrom(today)
	for _, d := range old.entries {
		if !d.Before(counted) && d.Before(today) && f.entriesOn(d) < old.entriesOn(d) {
			return fmt.Errorf("an entry of %s is gone: those of %d stay until the end of January %d", d, d.Year, d.Year+1)
		}
	}
	if is, was := len(f.entries), len(old.entries); is < was && (is == 0 || bytes.HasPrefix(old.data, f.data)) {
		return fmt.Errorf("is cut off: it has %d entries, and had %d", is, was)
	}
	return nil
}

// countedFrom returns the first date whose session still counts: as one of a year, or
// of a week that began in it, of which a rule may want the third or the last session,
// and as one of which runs may yet be caught up.
func countedFrom(today calendar.Date) calendar.Date {
	return calendar.Date{Year: today.AddDays(-31).Year, Month: time.January, Day: 1}
}

// entriesFrom counts the entries for dates from d on.
func (f setFile) entriesFrom(d calendar.Date) int {
	i, _ := slices.BinarySearchFunc(f.entries, d, calendar.Date.Compare)
	return len(f.entries) - i
}

// entriesOn counts the entries for a date.
func (f setFile) entriesOn(d calendar.Date) int {
	return f.entriesFrom(d) - f.entriesFrom(d.AddDays(1))
}
