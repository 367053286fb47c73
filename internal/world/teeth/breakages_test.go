package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestEachBreakageBreaksOnePlace holds the breakages to the code that they are to break,
// which may have moved.
func TestEachBreakageBreaksOnePlace(t *testing.T) {
	for _, b := range breakages {
		text, err := os.ReadFile(filepath.Join("../../..", b.file))
		require.NoError(t, err, b.name)
		assert.Equal(t, 1, strings.Count(string(text), b.old), "%s: in %s", b.name, b.file)
		assert.NotEqual(t, b.old, b.new, b.name)
	}
}
