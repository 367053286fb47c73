package calendar

import (
	"fmt"
	"strings"
	"time"
)

// alwaysOpenName is the name of the calendars of AlwaysOpen.
const alwaysOpenName = "always-open"

// ByName returns a calendar that needs no data by the name by which a schedule may name
// it: always-open, which has its days in UTC, always-open:Asia/Tokyo, and
// weekdays:Asia/Kolkata. They are those of AlwaysOpen and Weekdays in that zone, without
// hours, under that name. It is not ok for another name. The error is one of the zone.
func ByName(name string) (cal Calendar, ok bool, err error) {
	kind, zone, zoned := strings.Cut(name, ":")
	switch {
	case kind != alwaysOpenName && kind != WeekdaysName:
		return nil, false, nil
	case kind == WeekdaysName && !zoned:
		return nil, true, fmt.Errorf("calendar %s needs a zone: want %s:Asia/Kolkata or another", name, name)
	}
	loc := time.UTC
	if zoned {
		if loc, err = zoneOf(zone); err != nil {
			return nil, true, fmt.Errorf("calendar %s: %w", name, err)
		}
	}
	if kind == WeekdaysName {
		return &pattern{name: name, loc: loc, open: isWeekday}, true, nil
	}
	return &pattern{name: name, loc: loc, hours: wholeDay, open: isDay}, true, nil
}

// zoneOf loads a zone by its name. That of the host has none.
func zoneOf(name string) (*time.Location, error) {
	if name == "" || name == "Local" {
		return nil, fmt.Errorf("%q is no zone: want a name such as Asia/Kolkata", name)
	}
	return time.LoadLocation(name)
}
