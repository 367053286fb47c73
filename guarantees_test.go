package tradeclock_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The tests here hold docs/guarantees.md to what there is.

func readGuarantees(t *testing.T) string {
	t.Helper()
	content, err := os.ReadFile("docs/guarantees.md")
	require.NoError(t, err)
	return string(content)
}

// readSources returns the Go files of all modules whose paths match, in one text.
func readSources(t *testing.T, match func(path string) bool) string {
	t.Helper()
	var all strings.Builder
	require.NoError(t, filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".go" || !match(filepath.ToSlash(path)) {
			return err
		}
		content, err := os.ReadFile(path)
		all.Write(content)
		return err
	}))
	return all.String()
}

func isTest(path string) bool { return strings.HasSuffix(path, "_test.go") }

// unwrapped returns a text on one line.
func unwrapped(text string) string { return strings.Join(strings.Fields(text), " ") }

// matches returns what the first group of a pattern finds, each once.
func matches(t *testing.T, pattern, text string) (found []string) {
	t.Helper()
	seen := make(map[string]bool)
	for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		if !seen[match[1]] {
			seen[match[1]] = true
			found = append(found, match[1])
		}
	}
	require.NotEmpty(t, found, "nothing on the page matches %s", pattern)
	return found
}

func TestGuaranteesNameTestsThatExist(t *testing.T) {
	tests := readSources(t, isTest)
	for _, name := range matches(t, `\b(Test[A-Z]\w+)`, readGuarantees(t)) {
		assert.Contains(t, tests, "\nfunc "+name+"(t *testing.T)", name)
	}
}

func TestGuaranteesNameInvariantsAndBreakagesThatExist(t *testing.T) {
	world := readSources(t, func(path string) bool { return strings.HasPrefix(path, "internal/world/") && !isTest(path) })
	page := unwrapped(readGuarantees(t))
	for _, name := range matches(t, "`world: ([^`]+)`", page) {
		assert.Contains(t, world, `"`+name+`", `, "an invariant")
	}
	for _, name := range matches(t, "`teeth: ([^`]+)`", page) {
		assert.Contains(t, world, `{"`+name+`", "`, "a breakage")
	}
}

func TestGuaranteesNameFilesThatExist(t *testing.T) {
	page := readGuarantees(t)
	for _, path := range matches(t, `\]\(([^)#:]+)\)`, page) {
		_, err := os.Stat(filepath.Join("docs", path))
		assert.NoError(t, err)
	}
	for _, path := range matches(t, `\s(\./(?:internal|tests|sqlstore)[\w/]*)`, page) {
		assert.DirExists(t, path)
	}
}

// What the page puts in double quotes is what health, the log or the ledger says, and
// so is what the page on capacity does.
func TestGuaranteesQuoteWhatIsSaid(t *testing.T) {
	library := readSources(t, func(path string) bool {
		return !isTest(path) && (!strings.Contains(path, "/") || strings.HasPrefix(path, "sqlstore/") || strings.HasPrefix(path, "store/") || strings.HasPrefix(path, "internal/why/") || strings.HasPrefix(path, "internal/vet/") || strings.HasPrefix(path, "internal/answer/") || strings.HasPrefix(path, "view/") || strings.HasPrefix(path, "internal/quiet/") || strings.HasPrefix(path, "internal/engine/"))
	})
	capacity, err := os.ReadFile("docs/capacity.md")
	require.NoError(t, err)
	for _, page := range []string{readGuarantees(t), string(capacity)} {
		prose := regexp.MustCompile("(?ms)^```.*?^```$").ReplaceAllString(page, "")
		for _, said := range matches(t, `"([^"]+)"`, unwrapped(prose)) {
			assert.Contains(t, library, said)
		}
	}
}

func TestGuaranteesShowCodeThatCompiles(t *testing.T) {
	source, err := os.ReadFile("guarantees_example_test.go")
	require.NoError(t, err)
	for _, code := range matches(t, "(?ms)^```go\n(.*?)^```$", readGuarantees(t)) {
		assert.Contains(t, string(source), code)
	}
}
