package rule

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
)

// Daily returns the rule of one occurrence on each session, such as daily 09:01
// or daily close-15m. Its slot is the session's date. At a moment in each window,
// as in daily each open, it has one for each window of the phase, and the slots
// carry the window's number: 2024-03-02#1. There, a window whose offset crosses
// the session's opposite edge is skipped and leaves the others as they are; the
// rule's Occurrences, which cannot say so, is an error.
//
// With more moments, as in daily 10:00,14:00, it has an occurrence at each of them. A
// slot carries its moment as it is written: 2026-11-23@10:00, 2026-11-23@close-15m. A
// moment that cannot be told on a session is skipped and leaves the others as they are,
// and so is one that falls on the instant of an earlier one.
func Daily(at Moment, more ...Moment) Rule {
	if len(more) == 0 {
		return daily{at}
	}
	list := make([]timeOfDay, 0, len(more)+1)
	for _, at := range append([]Moment{at}, more...) {
		list = append(list, timeOfDay{at: at})
	}
	return dailyOf(list)
}

type daily struct{ at Moment }

func (r daily) check() error                 { return r.at.validate() }
func (r daily) moments() []Moment            { return []Moment{r.at} }
func (r daily) String() string               { return KindDaily + " " + r.at.String() }
func (r daily) MarshalText() ([]byte, error) { return Marshal(r) }
func (r daily) Occurrences(s calendar.Session, loc *time.Location) ([]Occurrence, error) {
	return occurrences(r, s, loc)
}

func (r daily) kind() string {
	if r.at.Window == EachWindow {
		return KindEach
	}
	return KindDaily
}

func (r daily) spans(s calendar.Session, loc *time.Location) ([]Span, error) {
	if r.at.Window == EachWindow {
		return r.eachSpan(s, loc)
	}
	due, err := r.at.Resolve(s, loc)
	if err != nil {
		return nil, err
	}
	return []Span{{First: due.Unix(), N: 1, label: labelDate}}, nil
}

// eachSpan compiles the rule of each window. One that is skipped is due at the
// end of the date, as is a session that is skipped whole.
func (r daily) eachSpan(s calendar.Session, loc *time.Location) ([]Span, error) {
	edges, err := r.at.edges(s)
	if err != nil {
		return nil, err
	}
	spans := make([]Span, len(edges))
	for i, edge := range edges {
		spans[i] = Span{N: 1, label: labelWindow, window: i + 1}
		due, err := r.at.offsetFrom(edge, s)
		if err != nil {
			due = calendar.EndOfDay.On(s.Date, loc)
			spans[i].Skip = fmt.Sprintf("window %d: %v", i+1, err)
		}
		spans[i].First = due.Unix()
	}
	sortSpans(spans)
	return spans, nil
}

// times is a daily rule of several moments, or of one that has the slot of another. It is
// a list of values, so that rules can be compared.
type times struct {
	timeOfDay
	rest Rule // times, or nil at the end
}

// timeOfDay is a moment of a daily rule, and the name of its slot.
type timeOfDay struct {
	at Moment
	// as is the moment whose slot it has, or slotOfDate. Empty is the slot that the
	// moment has by itself.
	as string
}

// slotOfDate stands for the slot of a daily rule of one moment.
const slotOfDate = "date"

// slot returns the name of the moment's slot among others.
func (t timeOfDay) slot() string {
	if t.as != "" {
		return t.as
	}
	return t.at.String()
}

func (t timeOfDay) String() string {
	if t.as != "" {
		return t.at.String() + " " + wordAs + " " + t.as
	}
	return t.at.String()
}

// dailyOf returns the rule of moments, one at least. Equal rules have equal values.
func dailyOf(list []timeOfDay) Rule {
	if len(list) == 1 && (list[0].as == "" || list[0].as == slotOfDate) {
		return daily{list[0].at}
	}
	var r Rule
	for i := len(list) - 1; i >= 0; i-- {
		t := list[i]
		if len(list) > 1 && t.as == t.at.String() {
			t.as = ""
		}
		r = times{t, r}
	}
	return r
}

// timesOf returns the moments of a daily rule, with the slots that they have. It is not ok
// for another rule, and one of each window.
func timesOf(r Rule) (list []timeOfDay, ok bool) {
	if one, isOne := r.(daily); isOne {
		return []timeOfDay{{one.at, slotOfDate}}, one.at.Window != EachWindow
	}
	for {
		t, more := r.(times)
		if !more {
			return list, list != nil
		}
		list = append(list, t.timeOfDay)
		r = t.rest
	}
}

func (times) kind() string                   { return KindDaily }
func (r times) MarshalText() ([]byte, error) { return Marshal(r) }
func (r times) Occurrences(s calendar.Session, loc *time.Location) ([]Occurrence, error) {
	return occurrences(r, s, loc)
}

func (r times) moments() (moments []Moment) {
	list, _ := timesOf(r)
	for _, t := range list {
		moments = append(moments, t.at)
	}
	return moments
}

func (r times) String() string {
	list, _ := timesOf(r)
	var texts []string
	for _, t := range list {
		texts = append(texts, t.String())
	}
	return KindDaily + " " + strings.Join(texts, ",")
}

func (r times) check() error {
	list, _ := timesOf(r)
	for i, t := range list {
		if err := t.at.validate(); err != nil {
			return err
		}
		if t.at.Window == EachWindow {
			return fmt.Errorf("%s is several moments by itself: want a row of its own", t.at)
		}
		if t.as != "" && t.as != slotOfDate {
			if m, err := ParseMoment(t.as); err != nil || m.Window == EachWindow || m.String() != t.as {
				return fmt.Errorf("%q is no slot of a daily rule: want that of a moment, or %s", t.as, slotOfDate)
			}
		}
		for _, other := range list[:i] {
			switch {
			case other.at.String() == t.at.String():
				return fmt.Errorf("%s is named twice", t.at)
			case other.slot() == t.slot():
				return fmt.Errorf("%s and %s have one slot", other.at, t.at)
			}
		}
	}
	return nil
}

// spans compiles each moment by itself. One that cannot be told is skipped at the end of the
// date, as is a session that is skipped whole.
func (r times) spans(s calendar.Session, loc *time.Location) ([]Span, error) {
	list, _ := timesOf(r)
	spans := make([]Span, len(list))
	first := make(map[int64]Moment, len(list)) // which moment has an instant
	for i, t := range list {
		sp := Span{N: 1, label: labelMoment, slot: t.slot()}
		if t.as == slotOfDate {
			sp = Span{N: 1, label: labelDate}
		}
		due, err := t.at.Resolve(s, loc)
		if err != nil {
			due, sp.Skip = calendar.EndOfDay.On(s.Date, loc), err.Error()
		} else if other, taken := first[due.Unix()]; taken {
			sp.Skip = fmt.Sprintf("%s of session %s is at the instant of %s", t.at, s.Date, other)
		} else {
			first[due.Unix()] = t.at
		}
		sp.First = due.Unix()
		spans[i] = sp
	}
	sortSpans(spans)
	return spans, nil
}

// HeldOver returns the rule that holds in place of the rule is, once an edit has replaced
// was by it: both are daily rules, and the moments have the slots of those whose place they
// take. So none is due again that an edit moved after it was due. Moments that both have
// keep their slots; of the others, each that is gone gives its slot to the nearest new one.
// It is nil if that is the rule is itself, and for other rules.
func HeldOver(is, was Rule) Rule {
	bare, filter := Split(is)
	old, _ := Split(was)
	before, ok := timesOf(old)
	list, daily := timesOf(bare)
	if !ok || !daily {
		return nil
	}
	own := slices.Clone(list)
	var come []int // the places in list of new moments
	for i, t := range list {
		at := slices.IndexFunc(before, func(o timeOfDay) bool { return o.at == t.at })
		if at < 0 {
			come = append(come, i)
			continue
		}
		list[i].as = before[at].slot()
		before = slices.Delete(before, at, at+1)
	}
	for len(before) > 0 && len(come) > 0 {
		gone, to := nearest(before, list, come)
		list[come[to]].as = before[gone].slot()
		before, come = slices.Delete(before, gone, gone+1), slices.Delete(come, to, to+1)
	}
	for _, i := range come { // moments that were added
		list[i].as = freeSlot(list, own, i)
	}
	held := On(dailyOf(list), filter)
	if held == is {
		return nil
	}
	return held
}

// nearest returns which of the moments that are gone is the nearest to which new one.
func nearest(gone, list []timeOfDay, come []int) (of, to int) {
	least := time.Duration(-1)
	for i, g := range gone {
		for j, c := range come {
			if d := distance(g.at, list[c].at); least < 0 || d < least {
				least, of, to = d, i, j
			}
		}
	}
	return of, to
}

// distance is how far apart two moments are, as far as that can be told without a session:
// those of different anchors are further apart than all others.
func distance(a, b Moment) time.Duration {
	if a.Anchor != b.Anchor || a.Window != b.Window {
		return time.Duration(wallsLimit) * time.Second
	}
	return (time.Duration(a.Wall-b.Wall)*time.Second + a.Offset - b.Offset).Abs()
}

// freeSlot returns the slot of a moment that was added: its own, unless another has that,
// whose own it has then.
func freeSlot(list, own []timeOfDay, i int) string {
	slot := own[i].slot()
	for range list {
		taken := slices.IndexFunc(list, func(t timeOfDay) bool { return t.at != list[i].at && t.as == slot })
		if taken < 0 {
			break
		}
		slot = own[taken].slot()
	}
	return slot
}
