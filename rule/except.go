package rule

import (
	"errors"
	"fmt"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
)

// Except returns an hourly or every rule without what is due from one moment up to
// another, which is not included: every 1m open-close except 11:30-12:30. The others stay
// where they are, and so do their slots. More may be left out of what is returned. Where a
// session lacks one of the moments, or nothing is left, its run is skipped with that reason;
// where the end is not after the start, as from 14:00 to an early close, nothing is left out.
func Except(r Rule, from, to Moment) Rule {
	if r == nil {
		return nil
	}
	bare, f := Split(r)
	return On(except{bare, window{from, to}}, f)
}

// except is an hourly or every rule, or another except of one, and the window that is left
// out.
type except struct {
	rule Rule
	left window
}

func (r except) kind() string                 { return KindOf(r.rule) }
func (r except) moments() []Moment            { return append(Moments(r.rule), r.left.moments()...) }
func (r except) MarshalText() ([]byte, error) { return Marshal(r) }
func (r except) Occurrences(s calendar.Session, loc *time.Location) ([]Occurrence, error) {
	return occurrences(r, s, loc)
}

func (r except) String() string {
	word := " " + wordExcept + " "
	if _, more := r.rule.(except); more {
		word = ","
	}
	return r.rule.String() + word + r.left.String()
}

// errNoWindow is what a rule without a window says to an except.
var errNoWindow = errors.New("except leaves times out of a window, as in every 1m open-close except 11:30-12:30: want an hourly or every rule")

func (r except) check() error {
	var whole window
	var included calendar.WallTime // of its end
	switch rule := r.rule.(type) {
	case hourly:
		whole, included = rule.window, 1
	case every:
		whole = rule.window
	case except:
	default:
		return errNoWindow
	}
	if err := r.rule.(builtin).check(); err != nil {
		return err
	}
	if err := r.left.checkEnds(); err != nil {
		return err
	}
	if r.left.longest() <= 0 {
		return fmt.Errorf("end is not after start of %s, which is to be left out; a time of the day after is 00:15+1d", r.left)
	}
	if whole != (window{}) && whole.onWall() && r.left.onWall() &&
		r.left.from.Wall <= whole.from.Wall && r.left.to.Wall >= whole.to.Wall+included {
		return fmt.Errorf("nothing of %s is left without %s", whole, r.left)
	}
	return nil
}

func (r except) spans(s calendar.Session, loc *time.Location) ([]Span, error) {
	spans, err := Compile(r.rule, s, loc)
	if err != nil || len(spans) == 0 {
		return spans, err
	}
	from, err := r.left.from.Resolve(s, loc)
	if err != nil {
		return nil, err
	}
	to, err := r.left.to.Resolve(s, loc)
	if err != nil {
		return nil, err
	}
	var rest []Span
	for _, sp := range spans {
		rest = append(rest, sp.without(from.Unix(), to.Unix())...)
	}
	if len(rest) == 0 {
		return nil, fmt.Errorf("nothing of session %s is left without %s", s.Date, r.left)
	}
	return rest, nil
}

// without returns what is left of a span outside of a range of Unix time, whose end is not
// in it.
func (sp Span) without(from, to int64) (rest []Span) {
	begin, end := sp.After(from-1), sp.After(to-1)
	if begin >= end {
		return []Span{sp}
	}
	if before := sp; begin > 0 {
		before.N = begin
		rest = append(rest, before)
	}
	if after := sp; end < sp.N {
		after.First += int64(end) * sp.Step
		after.N -= end
		rest = append(rest, after)
	}
	return rest
}
