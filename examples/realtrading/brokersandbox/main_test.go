package main

import (
	"errors"
	"flag"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/calendar"
)

func TestBadOptionsAreNamed(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"now", `unexpected argument "now"`},
		{"-from tomorrow", `-from "tomorrow"`},
		{"-speed 0", "-speed 0"},
		{"-rate 0", "-rate 0"},
		{"-login 1s", "-login 1s"},
		{"-lost 0.6 -late 0.6", "-lost, -slow and -late"},
		{"-lost -1", "-lost, -slow and -late"},
		{"-nonsense", "nonsense"},
	} {
		_, err := parseOptions(strings.Fields(c.args), io.Discard)
		assert.ErrorContains(t, err, c.want, c.args)
	}
	_, err := parseOptions([]string{"-h"}, io.Discard)
	assert.True(t, errors.Is(err, flag.ErrHelp))
}

func TestANewFileBeginsAtTheTimeThatIsAskedFor(t *testing.T) {
	opts, err := parseOptions(strings.Fields("-from 2026-11-23T15:25 -speed 60"), io.Discard)
	require.NoError(t, err)

	clock, err := opts.begin()

	require.NoError(t, err)
	assert.True(t, calendar.Wall(15, 25).On(calendar.Date{Year: 2026, Month: time.November, Day: 23}, nse.Location()).Equal(clock.Start))
	assert.Equal(t, 60, clock.Factor)
	assert.False(t, clock.Live())
	opts.live = true
	clock, err = opts.begin()
	require.NoError(t, err)
	assert.True(t, clock.Live())
}
