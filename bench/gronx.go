package main

import (
	"time"

	"github.com/adhocore/gronx"
)

// gronxNext returns what tells the next instant of an expression. The library
// parses it each time.
func gronxNext(spec string, loc *time.Location) (nextFunc, error) {
	return func(t time.Time) (time.Time, error) { return gronx.NextTickAfter(spec, t.In(loc), false) }, nil
}
