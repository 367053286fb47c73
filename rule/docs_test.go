package rule

import (
	"bytes"
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestDocumentedRules reads the rules of the page, each of which prints as it is written
// there.
func TestDocumentedRules(t *testing.T) {
	page, err := os.ReadFile("../docs/rules.md")
	require.NoError(t, err)
	page, _, _ = bytes.Cut(page, []byte("## Calendars"))
	rules := regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllStringSubmatch(string(page), -1)
	require.Greater(t, len(rules), 20)
	for _, found := range rules {
		r, err := Parse(found[1])
		if assert.NoError(t, err) {
			assert.Equal(t, found[1], r.String())
		}
	}
}
