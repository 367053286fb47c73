package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestREADMEBeginsWithThisProgram holds the first screen of the README to this program,
// and to what it prints. It runs in a bubble, where its seconds take no time.
func TestREADMEBeginsWithThisProgram(t *testing.T) {
	program, err := os.ReadFile("main.go")
	require.NoError(t, err)
	_, body, _ := strings.Cut(string(program), "\nfunc main() {")
	body = strings.TrimSuffix(strings.ReplaceAll(body, "\n\t", "\n"), "}\n")
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	screen := strings.Join(strings.SplitAfter(string(readme), "\n")[:29], "")

	assert.Contains(t, screen, "```go"+body+"```\n")
	assert.Contains(t, screen, printed(t, time.Date(2026, time.November, 23, 9, 15, 1, 0, time.UTC))+"```\n")
}

// printed returns what main prints if it is started at an instant.
func printed(t *testing.T, start time.Time) string {
	stdout := os.Stdout
	defer func() { os.Stdout = stdout }()
	file := filepath.Join(t.TempDir(), "stdout")
	var err error
	os.Stdout, err = os.Create(file)
	require.NoError(t, err)
	synctest.Test(t, func(*testing.T) {
		time.Sleep(time.Until(start))
		main()
	})
	require.NoError(t, os.Stdout.Close())
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	return string(text)
}
