package rule

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/naming"
)

// Moment is a point of a session day: a wall time, or an anchor with an offset.
// The zero value is the wall time 00:00.
type Moment struct {
	// Anchor is open, close, the name of a phase (its start) or that with .end (its
	// end). Empty means that the moment is a wall time.
	Anchor string
	// Window says which window of the anchor's phase is meant, on a session on which
	// it has several.
	Window Window
	// Offset is added to the anchor's instant: whole seconds, at most 24 hours
	// either way.
	Offset time.Duration
	// Wall is the wall time, if there is no anchor.
	Wall calendar.WallTime
}

// At returns the moment of a wall time, as Wall does.
func At(hour, minute int) Moment { return Moment{Wall: calendar.Wall(hour, minute)} }

// AtAnchor returns the moment of an anchor and an offset, which may be negative. That
// of no anchor is not valid, and no wall time either.
func AtAnchor(anchor string, offset time.Duration) Moment {
	if anchor == "" {
		anchor = noAnchor
	}
	return Moment{Anchor: anchor, Offset: offset}
}

// Window says which window of a phase an anchor means: "last open" is the start
// of the last window of the regular phase, "first close" the end of the first.
type Window uint8

// The windows. A session whose phase has one window has them all there.
const (
	DefaultWindow Window = iota // the first for a start, the last for an end
	FirstWindow
	LastWindow
	EachWindow // each by itself: only a daily rule has an occurrence for each
)

var windowWords = [...]string{"", wordFirst, wordLast, wordEach}

// String returns the word before an anchor, which is empty for DefaultWindow.
func (w Window) String() string { return naming.Of(windowWords[:], int(w)) }

// MarshalText returns the name, and an error for a value that has none.
func (w Window) MarshalText() ([]byte, error) {
	return naming.Marshal("window", windowWords[:], int(w))
}

// UnmarshalText parses what MarshalText wrote.
func (w *Window) UnmarshalText(text []byte) error {
	i, err := naming.Unmarshal("window", windowWords[:], string(text))
	if err == nil {
		*w = Window(i)
	}
	return err
}

// In returns the moment in another window of the anchor's phase, as in
// AtAnchor("open", 5*time.Minute).In(EachWindow). The window that an anchor means
// anyway becomes DefaultWindow, so that equal moments have equal values.
func (m Moment) In(w Window) Moment {
	if w == FirstWindow && !m.atEnd() || w == LastWindow && m.atEnd() {
		w = DefaultWindow
	}
	m.Window = w
	return m
}

const (
	AnchorOpen  = "open"  // a start of the regular phase
	AnchorClose = "close" // an end of the regular phase
	AnchorEnd   = ".end"  // after a phase's name: its end
	noAnchor    = "(none)"

	maxOffset  = 24 * time.Hour
	maxWindow  = 24 * time.Hour // as the clocks show it
	MaxDaysOn  = 7              // of a wall time, after the session's date
	wallsLimit = (MaxDaysOn + 1) * calendar.EndOfDay
)

// validate reports what is wrong with the moment by itself.
func (m Moment) validate() error {
	if m.Anchor == "" {
		return m.validateWall()
	}
	if m.Wall != 0 {
		return fmt.Errorf("the anchor %s has a wall time, %s, beside it", m.Anchor, m.Wall)
	}
	if !validAnchor(m.Anchor) {
		return fmt.Errorf("%q is no anchor: want open, close, a phase such as pre_open, or its end such as pre_open.end", m.Anchor)
	}
	if int(m.Window) >= len(windowWords) {
		return fmt.Errorf("%d is no window of a phase", m.Window)
	}
	if m.Offset > maxOffset || m.Offset < -maxOffset {
		return fmt.Errorf("the offset of %s is over 24 hours", m)
	}
	if m.Offset%time.Second != 0 {
		return fmt.Errorf("the offset of %s is not in whole seconds", m)
	}
	return nil
}

// ValidateSingle also refuses a moment that may be several.
func (m Moment) ValidateSingle() error {
	if err := m.validate(); err != nil {
		return err
	}
	if m.Window == EachWindow {
		return fmt.Errorf("%s may be several moments, which only a daily rule can have", m)
	}
	return nil
}

func (m Moment) validateWall() error {
	if m.Window != DefaultWindow {
		return fmt.Errorf("a wall time has no %s window", m.Window)
	}
	if m.Offset != 0 {
		return errors.New("a wall time takes no offset but days, as in 02:00+1d")
	}
	if m.Wall == calendar.NoTime {
		return errors.New("a time of day has a minute from 0 to 59 and an hour from 0")
	}
	if m.Wall < 0 || m.Wall >= wallsLimit {
		return fmt.Errorf("%d seconds after midnight is not between 00:00 and 23:59:59+%dd", m.Wall, MaxDaysOn)
	}
	return nil
}

// validAnchor reports whether the name can be an anchor: a phase, open or close, with
// .end after it if it is the end of a phase.
func validAnchor(name string) bool {
	phase := strings.TrimSuffix(name, AnchorEnd)
	if phase == AnchorOpen || phase == AnchorClose {
		return phase == name
	}
	return calendar.ValidPhase(phase)
}

// Phase returns the phase that the anchor names, and nothing for a wall time.
func (m Moment) Phase() string {
	if m.Anchor == AnchorOpen || m.Anchor == AnchorClose {
		return calendar.PhaseRegular
	}
	return strings.TrimSuffix(m.Anchor, AnchorEnd)
}

// atEnd reports whether the anchor is the end of its phase.
func (m Moment) atEnd() bool {
	return m.Anchor == AnchorClose || strings.HasSuffix(m.Anchor, AnchorEnd)
}

// inLast reports whether the anchor is in the last window of its phase.
func (m Moment) inLast() bool {
	return m.Window == LastWindow || m.Window == DefaultWindow && m.atEnd()
}

// Resolve returns the instant of a single moment on a session, in UTC.
func (m Moment) Resolve(s calendar.Session, loc *time.Location) (time.Time, error) {
	if m.Anchor == "" {
		return m.Wall.On(s.Date, loc), nil
	}
	edges, err := m.edges(s)
	if err != nil {
		return time.Time{}, err
	}
	edge := edges[0]
	if m.inLast() {
		edge = edges[len(edges)-1]
	}
	return m.offsetFrom(edge, s)
}

// edges returns the instants of the anchor without its offset: one for each
// window of its phase, in order.
func (m Moment) edges(s calendar.Session) ([]time.Time, error) {
	if s.Open() && s.HoursUnknown {
		return nil, fmt.Errorf("the hours of session %s are not known", s.Date)
	}
	var edges []time.Time
	phase, atEnd := m.Phase(), m.atEnd()
	for _, p := range s.Phases {
		switch {
		case p.Name != phase:
		case atEnd:
			edges = append(edges, p.End)
		default:
			edges = append(edges, p.Start)
		}
	}
	if len(edges) == 0 {
		return nil, fmt.Errorf("session %s has no %s", s.Date, strings.TrimSuffix(m.Anchor, AnchorEnd))
	}
	slices.SortFunc(edges, time.Time.Compare)
	return edges, nil
}

// offsetFrom returns the instant at the moment's offset from an edge, in UTC.
func (m Moment) offsetFrom(edge time.Time, s calendar.Session) (time.Time, error) {
	due := edge.Add(m.Offset)
	if err := m.crossed(s, edge, due); err != nil {
		return time.Time{}, err
	}
	return due.Truncate(time.Second).UTC(), nil
}

// crossed reports an offset that leads from one edge of the session past the
// other: in a session of an hour, close-90m would be before the open.
func (m Moment) crossed(s calendar.Session, edge, due time.Time) error {
	sessionOpen, sessionClose, ok := s.Bounds(calendar.PhaseRegular)
	switch {
	case !ok:
		return nil
	case !m.atEnd() && edge.Before(sessionClose) && due.After(sessionClose):
		return fmt.Errorf("%s is after the close of session %s", m, s.Date)
	case m.atEnd() && edge.After(sessionOpen) && due.Before(sessionOpen):
		return fmt.Errorf("%s is before the open of session %s", m, s.Date)
	}
	return nil
}

// window is the range of an hourly or an every rule.
type window struct{ from, to Moment }

func (w window) moments() []Moment { return []Moment{w.from, w.to} }

// check reports what is wrong with the window, but not whether it is inverted,
// which depends on the rule: an hourly rule may begin and end at one moment.
func (w window) check() error {
	if err := w.checkEnds(); err != nil || w.toMidnight() {
		return err
	}
	if w.onWall() && w.to.Wall > w.from.Wall && w.to.Wall/calendar.EndOfDay != w.from.Wall/calendar.EndOfDay {
		return errors.New("start and end are on different days")
	}
	return nil
}

// checkEnds reports what is wrong with the ends, each by itself.
func (w window) checkEnds() error {
	if err := w.from.ValidateSingle(); err != nil || w.toMidnight() {
		return err
	}
	return w.to.ValidateSingle()
}

// onWall reports whether both ends are wall times.
func (w window) onWall() bool { return w.from.Anchor == "" && w.to.Anchor == "" }

// toMidnight reports whether the window ends with the day that it begins on,
// which is written 24:00.
func (w window) toMidnight() bool {
	return w.to == Moment{Wall: (w.from.Wall/calendar.EndOfDay + 1) * calendar.EndOfDay}
}

// longest returns a length that the window has on no session more than, as far
// as that can be told without one: for windows between two wall times, and between
// two anchors of one phase of which the first is never before the second.
func (w window) longest() time.Duration {
	later := w.to.atEnd() && !w.from.atEnd() || w.to.inLast() && !w.from.inLast()
	if later || w.from.Phase() != w.to.Phase() {
		return maxWindow
	}
	length := time.Duration(w.to.Wall-w.from.Wall)*time.Second + w.to.Offset - w.from.Offset
	if w.from.atEnd() && !w.to.atEnd() {
		length -= time.Second // at least, since a phase ends after its start
	}
	return length
}

// resolve returns the instants of both ends on a session.
func (w window) resolve(s calendar.Session, loc *time.Location) (from, to time.Time, err error) {
	if from, err = w.from.Resolve(s, loc); err != nil {
		return from, to, err
	}
	if to, err = w.to.Resolve(s, loc); err != nil {
		return from, to, err
	}
	// The windows of two sessions must not overlap, or a slot would have two.
	if w.length(from, to, loc) > maxWindow {
		return from, to, fmt.Errorf("the window from %s to %s of session %s is longer than a day",
			wallClock(from, loc), wallClock(to, loc), s.Date)
	}
	return from, to, nil
}

// length returns how long the window is, as the clocks show it. Between two wall
// times that is what they say, on a day whose clocks change too.
func (w window) length(from, to time.Time, loc *time.Location) time.Duration {
	if w.onWall() {
		return time.Duration(w.to.Wall-w.from.Wall) * time.Second
	}
	return wallLength(from, to, loc)
}

// endSkipped reports whether the window ends at a wall time that the clocks skip
// with what is left of its date: it ends on the next one then, where the window of
// the next session may begin.
func (w window) endSkipped(s calendar.Session, to time.Time, loc *time.Location) bool {
	_, offset := to.In(loc).Zone()
	shown := calendar.WallTime(to.Unix() + int64(offset) - s.Date.UTC().Unix())
	return w.onWall() && shown > w.to.Wall && shown >= (w.from.Wall/calendar.EndOfDay+1)*calendar.EndOfDay
}

// misordered is the error of a session on which the window is inverted.
func (w window) misordered(s calendar.Session, relation string, from, to time.Time, loc *time.Location) error {
	return fmt.Errorf("end %s (%s) is %s start %s (%s) in session %s",
		w.to, wallClock(to, loc), relation, w.from, wallClock(from, loc), s.Date)
}

// stretch is a range of Unix time in seconds, to not included.
type stretch struct{ from, to int64 }

// parts returns the range between two instants. If both ends of the window are
// anchors, it returns what is left of it outside the session's breaks.
func (w window) parts(s calendar.Session, from, to time.Time) []stretch {
	whole := stretch{from.Unix(), to.Unix()}
	if w.from.Anchor == "" || w.to.Anchor == "" {
		return []stretch{whole}
	}
	phase := w.from.Phase()
	if w.to.Phase() != phase {
		phase = calendar.PhaseRegular
	}
	var parts []stretch
	for _, gap := range breaks(s, phase) {
		if end := min(gap.from, whole.to); end > whole.from {
			parts = append(parts, stretch{whole.from, end})
		}
		whole.from = max(whole.from, gap.to)
	}
	if whole.from < whole.to {
		parts = append(parts, whole)
	}
	return parts
}

// breaks returns what lies between consecutive windows of a phase. A break of no
// length counts too, since it is where a window starts.
func breaks(s calendar.Session, phase string) []stretch {
	var gaps []stretch
	var end int64
	seen := false
	for _, p := range s.Phases {
		if p.Name != phase {
			continue
		}
		if start := p.Start.Unix(); seen && start >= end {
			gaps = append(gaps, stretch{end, start})
		}
		end, seen = p.End.Unix(), true
	}
	return gaps
}

// wallLength returns how far the clocks of loc advance between two instants. At
// a change of the clocks, it reads them as they were just before.
func wallLength(from, to time.Time, loc *time.Location) time.Duration {
	return to.Sub(from) + offsetBefore(to, loc) - offsetBefore(from, loc)
}

func offsetBefore(t time.Time, loc *time.Location) time.Duration {
	_, offset := t.Add(-time.Second).In(loc).Zone()
	return time.Duration(offset) * time.Second
}

func wallClock(t time.Time, loc *time.Location) string {
	return t.In(loc).Format(time.DateTime)
}
