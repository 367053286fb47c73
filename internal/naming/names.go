// Package naming holds names to what every store can keep and every log line can show,
// and gives values that have names their texts.
package naming

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const longest = 200

// Check holds the names of schedulers, accounts, tasks and groups to what
// every store can keep and every log line can show.
func Check(name string) error {
	switch {
	case name == "":
		return errors.New("a name is required")
	case len(name) > longest:
		return fmt.Errorf("the name has %d bytes, the limit is %d", len(name), longest)
	case !utf8.ValidString(name):
		return fmt.Errorf("the name %q is not valid UTF-8", name)
	case strings.TrimSpace(name) != name:
		return fmt.Errorf("the name %q begins or ends with a space", name)
	case strings.ContainsFunc(name, unicode.IsControl):
		return fmt.Errorf("the name %q has a control character", name)
	}
	return nil
}

// Of returns the name of a value, or what tells that it has none.
func Of(names []string, i int) string {
	if i < len(names) {
		return names[i]
	}
	return fmt.Sprintf("invalid(%d)", i)
}

// Marshal returns the text form of a value that has a name.
func Marshal(what string, names []string, i int) ([]byte, error) {
	if i >= len(names) {
		return nil, fmt.Errorf("%s: %d has no name", what, i)
	}
	return []byte(names[i]), nil
}

// Parse returns the index of a name in a text that may be empty. The empty text is the zero value.
func Parse(what string, names []string, text string) (int, error) {
	if text == "" {
		return 0, nil
	}
	return Unmarshal(what, names, text)
}

// Unmarshal returns the index of a name: what is the name of is told in the error if there
// is none.
func Unmarshal(what string, names []string, text string) (int, error) {
	if i := slices.Index(names, text); i >= 0 {
		return i, nil
	}
	return 0, fmt.Errorf("%s %q is none of %s", what, text, strings.TrimPrefix(strings.Join(names, ", "), ", "))
}

// Row names the row of a task, of one account or of all others, in a sentence.
func Row(task, account string) string {
	if account == "" {
		return task
	}
	return task + " for account " + account
}
