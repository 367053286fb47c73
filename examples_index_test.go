package tradeclock_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestTheIndexOfExamples holds each link of docs/examples.md to an Example function of the
// file that it names, or to a program.
func TestTheIndexOfExamples(t *testing.T) {
	page, err := os.ReadFile("docs/examples.md")
	require.NoError(t, err)
	answers := 0
	for line := range strings.Lines(string(page)) {
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| ---") || strings.HasPrefix(line, "| How do I") {
			continue
		}
		answers++
		assert.NotEmpty(t, exampleLinks(line), line)
	}
	assert.NotZero(t, answers)
	for _, link := range exampleLinks(string(page)) {
		name, file := link[1], link[2]
		text, err := os.ReadFile(filepath.Join("docs", file))
		require.NoError(t, err)
		if program := strings.HasPrefix(name, "examples/"); program {
			assert.Equal(t, "../"+name+"/main.go", file)
			assert.Contains(t, string(text), "\nfunc main() {\n", file)
		} else {
			assert.Contains(t, string(text), "\nfunc "+name+"() {\n", file)
		}
	}
}

func exampleLinks(text string) [][]string {
	return regexp.MustCompile("\\[`((?:Example|examples/)[^`]*)`\\]\\(([^)]+)\\)").FindAllStringSubmatch(text, -1)
}
