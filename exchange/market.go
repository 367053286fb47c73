package exchange

import (
	"github.com/tradeclock/tradeclock/calendar"
)

// Market is what is known of one exchange: the content of a data file. Its
// fields are those of the file, which docs/calendars.md describes. Build makes
// the calendars of it.
type Market struct {
	// MIC is the exchange's market identifier code (ISO 10383), which is the name
	// of its main calendar.
	MIC string `json:"mic"`
	// Name is the exchange's name.
	Name string `json:"name"`
	// Timezone names the zone of all wall times, as in Asia/Kolkata.
	Timezone string `json:"timezone"`
	// Version is the edition of the data, by custom the date on which they were
	// last looked at.
	Version string `json:"version"`
	// From and To are the first and the last date that the data cover.
	From calendar.Date `json:"from"`
	To   calendar.Date `json:"to"`
	// Basis says what the data rest on, and how far they can be trusted.
	Basis string `json:"basis"`
	// Segments are the calendars of the market. The first is the main one.
	Segments []Segment `json:"segments"`
	// Days are the dates that differ from the weekly pattern, in order. Each
	// replaces the whole day. A market without any, which is to be written to a
	// file, has an empty list: nil is written as null, which ReadMarket refuses.
	Days []Day `json:"days"`
	// Settlement lists the days without settlement. Nil means that nothing is
	// known of them.
	Settlement *Settlement `json:"settlement,omitempty"`
}

// Segment is a part of a market that has hours of its own: its calendar.
type Segment struct {
	// Calendar is the calendar's name: the MIC, and for further segments the MIC
	// with a suffix, as in XNSE.FO.
	Calendar string `json:"calendar"`
	// Name says what is traded in the segment.
	Name string `json:"name"`
	// Eras are its regular hours, in order. The first begins with the coverage.
	Eras []Era `json:"eras"`
}

// Era is a time in which the regular hours, and the weekdays that have them, stay as
// they are: from a date to the next era.
type Era struct {
	From calendar.Date `json:"from"`
	// Week is the market's week, as in sun-thu. The zero value is Monday to Friday.
	Week   calendar.Workweek `json:"week,omitzero"`
	Hours  []PhaseHours      `json:"hours"`
	Source string            `json:"source,omitempty"`
}

// PhaseHours are one window of a phase, from Start, included, to End, not included,
// as local wall times of the session's date, or of the day before or after it: a session
// of Monday that begins on Sunday evening starts at 17:00-1d.
type PhaseHours struct {
	Phase string            `json:"phase"`
	Start calendar.WallTime `json:"start"`
	End   calendar.WallTime `json:"end"`
	// Note is for people.
	Note string `json:"note,omitempty"`
}

// DayStatus says what a dated day is.
type DayStatus string

// The statuses of a day in a data file.
const (
	StatusClosed       DayStatus = "closed"
	StatusRegular      DayStatus = "regular"       // a full day: at the hours of its era, unless others are given
	StatusEarlyClose   DayStatus = "early_close"   // shortened: the close is moved
	StatusLateOpen     DayStatus = "late_open"     // shortened: the open is moved
	StatusSpecial      DayStatus = "special"       // other hours; a regular session if they are about as long
	StatusHoursUnknown DayStatus = "hours_unknown" // a special session whose hours are not announced yet
)

// Day is a date that differs from the weekly pattern.
type Day struct {
	Date calendar.Date `json:"date"`
	// Calendars are the calendars of the market that the entry is for. Empty means
	// all. A date may have several entries, but no calendar two of one date.
	Calendars []string  `json:"calendars,omitempty"`
	Status    DayStatus `json:"status"`
	// Hours are all windows of the day. Only a regular day may be without them.
	Hours []PhaseHours `json:"hours,omitempty"`
	// Name says why the day differs, in the words of people.
	Name string `json:"name"`
	// Announced is when it was announced. Zero means that this is not known.
	Announced calendar.Date `json:"announced,omitzero"`
	// Source is where it was found, as the number of a circular.
	Source string `json:"source,omitempty"`
}

// Settlement lists the sessions on which nothing is settled. Closed days and
// sessions on a weekend are without settlement in any case, and not listed.
type Settlement struct {
	// Calendars are the calendars of the market that the list is for. Empty means
	// all. Of the settlement of the others nothing is known.
	Calendars []string `json:"calendars,omitempty"`
	// From and To are the first and the last date that the list covers.
	From calendar.Date `json:"from"`
	To   calendar.Date `json:"to"`
	// Basis says what the list rests on.
	Basis    string    `json:"basis,omitempty"`
	Holidays []Holiday `json:"holidays"`
}

// Holiday is a named date with its source.
type Holiday struct {
	Date      calendar.Date `json:"date"`
	Name      string        `json:"name"`
	Announced calendar.Date `json:"announced,omitzero"`
	Source    string        `json:"source,omitempty"`
}
