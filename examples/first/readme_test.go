package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

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
	times := regexp.MustCompile(`\d\d:\d\d:\d\d`) // which are those of whoever runs it
	masked := func(text string) string { return times.ReplaceAllString(text, "hh:mm:ss") }
	assert.Contains(t, masked(screen), masked(printed(t))+"```\n")
}

// printed returns what main prints.
func printed(t *testing.T) string {
	stdout := os.Stdout
	defer func() { os.Stdout = stdout }()
	file := filepath.Join(t.TempDir(), "stdout")
	var err error
	os.Stdout, err = os.Create(file)
	require.NoError(t, err)
	synctest.Test(t, func(*testing.T) { main() })
	require.NoError(t, os.Stdout.Close())
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	return string(text)
}
