package exchange

import (
	"bytes"
	_ "embed"
	"testing"

	"github.com/stretchr/testify/require"
)

// FrozenFile holds the data of XNSE as they were on 2026-11-22: they end on
// 2026-12-31, and the hours of the Muhurat session of 2026-11-08 are not known.
// What is tested of the end of a coverage, of the year after it and of hours that
// arrive late is tested with them, so that the embedded data may go on.
//
//go:embed testdata/XNSE.json
var FrozenFile []byte

// Frozen returns the market of FrozenFile.
func Frozen(t testing.TB) Market {
	t.Helper()
	m, err := ReadMarket(bytes.NewReader(FrozenFile))
	require.NoError(t, err)
	return m
}

// FrozenCalendar returns one of the market's calendars.
func FrozenCalendar(t testing.TB, name string) *Sessions {
	t.Helper()
	return find(t, Frozen(t), name)
}
