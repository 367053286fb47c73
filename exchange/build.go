package exchange

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	// A market's zone must be known on a host that has no zone data of its own.
	_ "time/tzdata"

	"github.com/tradeclock/tradeclock/calendar"
)

// Build makes the calendars of the market, one for each segment, in order. It
// reports all that is wrong with the market at once, and makes none then: each
// problem begins with the key that it is at, as in
//
//	days: 2026-02-01: regular from 15:30 to 09:15: end is not after start
//	segments: XNSE.FO: eras: 2026-08-03: not after the era before it
//
// The calendars keep a copy of the market: what becomes of it later does not
// change them.
func (m Market) Build() ([]*Sessions, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	m = m.clone()
	loc, err := loadZone(m.Timezone)
	if err != nil {
		return nil, err
	}
	version, err := m.digest()
	if err != nil {
		return nil, err
	}
	begins := beginnings(m.From, m.To, loc)
	calendars := make([]*Sessions, len(m.Segments))
	var errs problems
	for i, segment := range m.Segments {
		c := &Sessions{
			name: segment.Calendar, title: title(m.Name, segment.Name), mic: m.MIC, basis: m.Basis, version: version,
			loc: loc, first: m.From, last: m.To,
			before: hoursOf(segment.Eras[0].Hours), after: hoursOf(segment.Eras[len(segment.Eras)-1].Hours),
			settlement: m.settlementOf(segment.Calendar),
			market:     &m, segment: i,
		}
		for _, era := range segment.Eras {
			c.noteWeek(era.From, era.Week)
		}
		days, err := m.sessions(segment, begins, loc)
		errs.add("segments: "+segment.Calendar, err)
		c.set(days, begins)
		errs.add("segments: "+segment.Calendar, c.checkApart())
		c.notePhases()
		c.makeAssuming()
		calendars[i] = c
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return calendars, nil
}

// With returns the market with further dated days. For each calendar that a day is
// for, it replaces the entry which that calendar has for the date; an entry that
// was for more calendars stays as it is for the others. The result is a copy,
// which shares nothing with m and days, and is not checked yet: Build does it.
func (m Market) With(days ...Day) Market {
	m = m.clone()
	for _, day := range days {
		m.Days = m.displace(day)
	}
	for _, day := range days {
		m.Days = append(m.Days, day.clone())
	}
	slices.SortStableFunc(m.Days, func(a, b Day) int { return a.Date.Compare(b.Date) })
	return m
}

// With returns the calendar with further dated days, each of which replaces the
// whole day: see Market.With. It reports what is wrong with them like Build. The
// version differs from that of c. A calendar that was compiled cannot be changed.
func (c *Sessions) With(days ...Day) (*Sessions, error) {
	if c.market == nil {
		return nil, fmt.Errorf("calendar %s: it was compiled from another one, which is where days are changed", c.name)
	}
	built, err := c.market.With(days...).Build()
	if err != nil {
		return nil, fmt.Errorf("calendar %s: %w", c.name, err)
	}
	if c.assumed {
		return built[c.segment].AssumeWeekdays(), nil
	}
	return built[c.segment], nil
}

// displace returns the dated days without what they say of the date and the
// calendars that day is for.
func (m Market) displace(day Day) []Day {
	replaced := m.calendarsOf(day.Calendars)
	kept := make([]Day, 0, len(m.Days))
	for _, old := range m.Days {
		if old.Date != day.Date {
			kept = append(kept, old)
			continue
		}
		rest := slices.DeleteFunc(m.calendarsOf(old.Calendars), func(name string) bool { return slices.Contains(replaced, name) })
		if len(rest) > 0 {
			old.Calendars = rest
			kept = append(kept, old)
		}
	}
	return kept
}

// calendarsOf returns the names of the calendars that a dated day or a list is
// for, as a fresh slice: those that it gives, or all if it gives none.
func (m Market) calendarsOf(given []string) []string {
	if len(given) > 0 {
		return slices.Clone(given)
	}
	names := make([]string, len(m.Segments))
	for i, segment := range m.Segments {
		names[i] = segment.Calendar
	}
	return names
}

// clone returns a copy that shares nothing that can be changed.
func (m Market) clone() Market {
	m.Segments = slices.Clone(m.Segments)
	for i := range m.Segments {
		eras := slices.Clone(m.Segments[i].Eras)
		for j := range eras {
			eras[j].Hours = slices.Clone(eras[j].Hours)
		}
		m.Segments[i].Eras = eras
	}
	m.Days = slices.Clone(m.Days)
	for i := range m.Days {
		m.Days[i] = m.Days[i].clone()
	}
	if m.Settlement != nil {
		s := *m.Settlement
		s.Calendars, s.Holidays = slices.Clone(s.Calendars), slices.Clone(s.Holidays)
		m.Settlement = &s
	}
	return m
}

func (d Day) clone() Day {
	d.Calendars = slices.Clone(d.Calendars)
	d.Hours = slices.Clone(d.Hours)
	return d
}

// digest returns the version of the calendars. It changes with any change of the
// data, so that a record of a run tells which data it was planned from, and a
// scheduler notices new ones.
func (m Market) digest() (string, error) {
	data, err := json.Marshal(m)
	if err != nil {
		return "", fmt.Errorf("version: %w", err)
	}
	sum := sha256.Sum256(data)
	return m.Version + "-" + hex.EncodeToString(sum[:4]), nil
}

// sessions returns what a segment has on each date of the coverage.
func (m Market) sessions(segment Segment, begins []int64, loc *time.Location) ([]calendar.Session, error) {
	dated := make(map[calendar.Date]Day)
	for _, day := range m.Days {
		if slices.Contains(m.calendarsOf(day.Calendars), segment.Calendar) {
			dated[day.Date] = day
		}
	}
	var errs []error
	sessions := make([]calendar.Session, len(begins)-1)
	next := 0 // era
	var week calendar.Workweek
	var regular []calendar.Hours
	for i := range sessions {
		n := number(m.From) + i
		date := dateOf(n)
		if next < len(segment.Eras) && segment.Eras[next].From == date {
			week, regular = segment.Eras[next].Week, hoursOf(segment.Eras[next].Hours)
			next++
		}
		s := calendar.TableDay{Date: date, Kind: calendar.Regular, Hours: regular}
		if day, ok := dated[date]; ok {
			s = day.table(regular)
		} else if !week.Has(weekdayOf(n)) {
			s = calendar.TableDay{Date: date, Reason: weekdayOf(n).String()}
		}
		var err error
		if sessions[i], err = resolve(s, begins[i], begins[i+1], loc); err != nil {
			errs = append(errs, err)
		}
	}
	return sessions, errors.Join(errs...)
}

// kinds says what kind of session a day of each status is. A special one may be
// regular by its length: see kind.
var kinds = map[DayStatus]calendar.SessionKind{
	StatusClosed:       calendar.Closed,
	StatusRegular:      calendar.Regular,
	StatusEarlyClose:   calendar.Shortened,
	StatusLateOpen:     calendar.Shortened,
	StatusSpecial:      calendar.Special,
	StatusHoursUnknown: calendar.Special,
}

// table returns what the day says in the words of the package calendar, given the
// regular hours of its date.
func (d Day) table(regular []calendar.Hours) calendar.TableDay {
	hours := hoursOf(d.Hours)
	if d.Status == StatusRegular && len(hours) == 0 {
		hours = regular
	}
	return calendar.TableDay{
		Date: d.Date, Kind: d.kind(hours, regular), Hours: hours, HoursUnknown: d.Status == StatusHoursUnknown,
		EarlyClose: d.Status == StatusEarlyClose, LateOpen: d.Status == StatusLateOpen,
		Reason: d.Name, Announced: d.Announced, Source: d.Source,
	}
}

// kind returns the kind of session that the day is, with its hours and the regular
// ones of its date. A day that trades about as long as always, at other hours, is a
// regular one whatever its status calls it: the tasks of a whole trading day are not
// to fall silent on it.
func (d Day) kind(hours, regular []calendar.Hours) calendar.SessionKind {
	if d.Status == StatusSpecial && 10*tradingTime(hours) >= 9*tradingTime(regular) {
		return calendar.Regular
	}
	return kinds[d.Status]
}

// tradingTime returns how long the windows of the regular phase are together.
func tradingTime(hours []calendar.Hours) (sum calendar.WallTime) {
	for _, h := range hours {
		if h.Phase == calendar.PhaseRegular {
			sum += h.End - h.Start
		}
	}
	return sum
}

// resolve returns the session of a date that begins and ends at the given
// instants, in Unix seconds. The hours are in order and have been checked.
func resolve(d calendar.TableDay, begin, end int64, loc *time.Location) (calendar.Session, error) {
	if end-begin != secondsPerDay || leavesDate(d.Hours) {
		return d.Session(loc) // the clocks are moved on that day, or may be on one beside it
	}
	// On all other days a wall time is that far from midnight. There are thousands
	// of them, and the lookup of a zone's offset takes long.
	s := calendar.Session{
		Date: d.Date, Kind: d.Kind, EarlyClose: d.EarlyClose, LateOpen: d.LateOpen, HoursUnknown: d.HoursUnknown,
		Reason: d.Reason, Announced: d.Announced, Source: d.Source,
	}
	if len(d.Hours) > 0 {
		s.Phases = make([]calendar.Phase, len(d.Hours))
	}
	for i, h := range d.Hours {
		s.Phases[i] = calendar.Phase{
			Name:  h.Phase,
			Start: time.Unix(begin+int64(h.Start), 0).UTC(),
			End:   time.Unix(begin+int64(h.End), 0).UTC(),
		}
	}
	return s, nil
}

// leavesDate reports whether hours are those of a session that begins before its date, or
// ends after it.
func leavesDate(hours []calendar.Hours) bool {
	return slices.ContainsFunc(hours, func(h calendar.Hours) bool { return h.Start < 0 || h.End > calendar.EndOfDay })
}

// hoursOf returns windows in the form of the package calendar, in the order in which
// a session has its phases.
func hoursOf(windows []PhaseHours) []calendar.Hours {
	hours := make([]calendar.Hours, len(windows))
	for i, w := range windows {
		hours[i] = calendar.Hours{Phase: w.Phase, Start: w.Start, End: w.End}
	}
	slices.SortStableFunc(hours, func(a, b calendar.Hours) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.End, b.End))
	})
	return hours
}

// notePhases adds the phases of the eras, which matter for sessions that are
// assumed even if none of the coverage has them.
func (c *Sessions) notePhases() {
	for _, h := range slices.Concat(c.before, c.after) {
		c.note(h.Phase)
	}
}

func title(market, segment string) string {
	if segment == "" {
		return market
	}
	return market + ", " + segment
}

// loadZone returns a zone of the IANA data. The host's own zone is refused, as it
// is a different one on another host.
func loadZone(name string) (*time.Location, error) {
	if name == "" || name == "Local" {
		return nil, fmt.Errorf("timezone: %q is no zone, want one as in Asia/Kolkata", name)
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("timezone: %w", err)
	}
	return loc, nil
}
