// Package zones gives tests the zones of the world, and every change of their clocks.
package zones

import (
	"archive/zip"
	"go/build"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Shown returns what the clocks of loc show at an instant, counted as if it were
// Unix time.
func Shown(at int64, loc *time.Location) int64 {
	_, offset := time.Unix(at, 0).In(loc).Zone()
	return at + int64(offset)
}

// Transitions finds the changes of the clocks by looking at each day's offset.
func Transitions(loc *time.Location, fromYear, toYear int) (changes []int64) {
	const day = 24 * 60 * 60
	offset := func(at int64) int64 { return Shown(at, loc) - at }
	last := time.Date(toYear, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	for at := time.Date(fromYear, 1, 1, 0, 0, 0, 0, time.UTC).Unix(); at < last; at += day {
		low, high := at, at+day
		if offset(low) == offset(high) {
			continue
		}
		for high-low > 1 {
			if mid := (low + high) / 2; offset(mid) == offset(low) {
				low = mid
			} else {
				high = mid
			}
		}
		changes = append(changes, high)
	}
	return changes
}

// All reads the zones that come with Go, each once if it has many names.
func All(t *testing.T) map[string]*time.Location {
	t.Helper()
	archive, err := zip.OpenReader(filepath.Join(build.Default.GOROOT, "lib", "time", "zoneinfo.zip"))
	require.NoError(t, err)
	defer archive.Close()
	zones := make(map[string]*time.Location)
	seen := make(map[string]bool)
	for _, file := range archive.File {
		if strings.HasSuffix(file.Name, "/") {
			continue
		}
		r, err := file.Open()
		require.NoError(t, err)
		data, err := io.ReadAll(r)
		require.NoError(t, err)
		if seen[string(data)] {
			continue
		}
		seen[string(data)] = true
		zones[file.Name], err = time.LoadLocationFromTZData(file.Name, data)
		require.NoError(t, err, file.Name)
	}
	return zones
}
