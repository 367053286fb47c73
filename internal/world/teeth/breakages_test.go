package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestEachBreakageBreaksOnePlace holds the breakages to the copy that they are to break:
// its code may have moved.
func TestEachBreakageBreaksOnePlace(t *testing.T) {
	t.Chdir("../../..")
	dir := t.TempDir()
	require.NoError(t, copyModule(dir))
	for _, b := range breakages {
		text, err := os.ReadFile(filepath.Join(dir, b.file))
		require.NoError(t, err, b.name)
		assert.Equal(t, 1, strings.Count(string(text), b.old), "%s: in %s", b.name, b.file)
		assert.NotEqual(t, b.old, b.new, b.name)
	}
}
