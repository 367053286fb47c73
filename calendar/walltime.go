package calendar

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// WallTime is a time of day as a clock on the wall shows it, in seconds after
// midnight: 9*3600+15*60 is 09:15. Values from 24 hours on are on later days, and those
// below zero on the day before: Wall(17, 0) - EndOfDay is 17:00-1d.
type WallTime int32

// EndOfDay is 24:00, the midnight at which the day ends.
const EndOfDay WallTime = secondsPerDay

const (
	secondsPerDay = 24 * 60 * 60
	maxHour       = math.MaxInt32/3600 - 1 // that a WallTime can hold
)

// NoTime is what Wall returns for figures that are no time, and what is refused
// wherever a wall time is looked at.
const NoTime WallTime = math.MinInt32

// Wall returns the wall time of hour and minute. Hours from 24 on are on later days:
// Wall(26, 0) is 02:00+1d. A minute that is not from 0 to 59, or an hour below 0, is
// not carried over to another time: what is made of it is not valid.
func Wall(hour, minute int) WallTime {
	if hour < 0 || hour > maxHour || minute < 0 || minute > 59 {
		return NoTime
	}
	return WallTime(hour*3600 + minute*60)
}

// String returns the time in the form 09:15, or 09:15:30 if it has seconds.
// Whole days are written after it: 02:00+1d, and 17:00-1d for the day before.
func (w WallTime) String() string {
	switch {
	case w == NoTime:
		return "(no time)"
	case w < -EndOfDay:
		return fmt.Sprintf("WallTime(%d)", int32(w))
	case w < 0:
		return (w + EndOfDay).String() + dayBefore
	}
	days, clock := w/EndOfDay, w%EndOfDay
	text := fmt.Sprintf("%02d:%02d", clock/3600, clock/60%60)
	if clock%60 != 0 {
		text += fmt.Sprintf(":%02d", clock%60)
	}
	if days != 0 {
		text += fmt.Sprintf("+%dd", days)
	}
	return text
}

// ErrNoTime is wrapped by the error of ParseWallTime for figures in the form of a time
// that are none, as in 25:00.
var ErrNoTime = errors.New("there is no such time of day")

var errTimeForm = errors.New("want the form 09:15 or 09:15:30, up to 24:00")

// ParseWallTime parses a time of day: 09:15 or 09:15:30, up to 24:00.
func ParseWallTime(text string) (WallTime, error) {
	w, err := parseTimeOfDay(text)
	if err != nil {
		return 0, fmt.Errorf("time of day %q: %w", text, err)
	}
	return w, nil
}

// What stands behind a time of the day before or after in its text.
const dayBefore, dayAfter = "-1d", "+1d"

// MarshalText returns the time in the form of String, and 24:00 for the end of
// the day. It is an error for a time that is not of that day or one beside it.
func (w WallTime) MarshalText() ([]byte, error) {
	switch {
	case !w.nearby():
		return nil, fmt.Errorf("%s is not within a day, the one before and the one after", w)
	case w == EndOfDay:
		return []byte("24:00"), nil
	case w == 2*EndOfDay:
		return []byte("24:00" + dayAfter), nil
	}
	return []byte(w.String()), nil
}

// nearby reports whether the time is of the day, of the one before or the one after.
func (w WallTime) nearby() bool { return w >= -EndOfDay && w <= 2*EndOfDay }

// UnmarshalText parses what MarshalText wrote: a time of day, with -1d or +1d behind it
// if it is one of the day before or after.
func (w *WallTime) UnmarshalText(text []byte) (err error) {
	clock, shift := string(text), WallTime(0)
	if before, ok := strings.CutSuffix(clock, dayBefore); ok {
		clock, shift = before, -EndOfDay
	} else if after, ok := strings.CutSuffix(clock, dayAfter); ok {
		clock, shift = after, EndOfDay
	}
	*w, err = ParseWallTime(clock)
	if err == nil {
		*w += shift
	}
	return err
}

// On returns the instant, in UTC, at which the clocks in loc show w on date d.
//
// This is the one place where a wall time becomes an instant. A time that the
// clocks skip means the first instant after the gap; a time that they show twice
// means the first. So there is exactly one instant for each date. A bare
// time.Date would go back from a gap in New York and forward in London.
func (w WallTime) On(d Date, loc *time.Location) time.Time {
	wall := d.UTC().Unix() + int64(w) // what the clocks show, counted as if it were UTC
	// Two days before, the clocks cannot show this yet: no zone has moved its
	// clocks by more than one. From there, look at each period of one offset.
	period := time.Unix(wall-2*secondsPerDay, 0).In(loc)
	for {
		_, offset := period.Zone()
		instant := time.Unix(wall-int64(offset), 0)
		if instant.Before(period) { // skipped by the change at which the period begins
			return period.UTC()
		}
		end := offsetEnd(period)
		if end.IsZero() || instant.Before(end) {
			return instant.UTC()
		}
		period = end
	}
}

// offsetEnd returns an instant after t up to which t's offset holds, or zero if
// it holds for ever. In a zone that changes by a yearly rule, ZoneBounds may name
// the year's end, and in a leap year the start of its last day: on that day the
// offset holds up to the next one.
func offsetEnd(t time.Time) time.Time {
	_, end := t.ZoneBounds()
	if !end.IsZero() && !end.After(t) {
		return t.Truncate(24 * time.Hour).Add(24 * time.Hour)
	}
	return end
}

// parseTimeOfDay parses 09:15 and 09:15:30, up to 24:00. It returns errTimeForm, or
// ErrNoTime for figures in that form that are no time.
func parseTimeOfDay(text string) (WallTime, error) {
	parts := strings.Split(text, ":")
	if len(parts) < 2 || len(parts) > 3 {
		return 0, errTimeForm
	}
	var wall WallTime
	exists := true
	for i, part := range append(parts, "00")[:3] {
		if len(part) != 2 || strings.Trim(part, "0123456789") != "" {
			return 0, errTimeForm
		}
		n, _ := strconv.Atoi(part) // two digits
		exists = exists && (i == 0 || n <= 59)
		wall = wall*60 + WallTime(n)
	}
	if !exists || wall > EndOfDay {
		return 0, ErrNoTime
	}
	return wall, nil
}
