package said

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
)

func TestCut(t *testing.T) {
	long := strings.Repeat("x", 5000)
	for _, test := range []struct {
		name, text, want string
	}{
		{"short", "refused", "refused"},
		{"as long as may be", long[:100], long[:100]},
		{"longer", long[:101], long[:60] + "… (and 41 bytes more)"},
		{"much longer", long, long[:60] + "… (and 4940 bytes more)"},
		{"no rune is cut in two", strings.Repeat("x", 58) + strings.Repeat("€", 50), strings.Repeat("x", 58) + "… (and 150 bytes more)"},
		{"no text at all", strings.Repeat("\x80", 200), strings.Repeat("\x80", 57) + "… (and 143 bytes more)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := Cut(test.text, 100)
			assert.Equal(t, test.want, got)
			assert.LessOrEqual(t, len(got), 100)
			assert.Equal(t, utf8.ValidString(test.text), utf8.ValidString(got))
		})
	}
}

func TestPanicTextFollowsNothingForEver(t *testing.T) {
	assert.Equal(t, "no config", Panic("no config"))
	assert.Equal(t, "disk full", Panic(errors.New("disk full")))
	assert.Equal(t, "int: 3", Panic(3))
	assert.Contains(t, Panic(ring()), "encountered a cycle")
	assert.LessOrEqual(t, len(Panic(strings.Repeat("x", 1<<20))), MaxReason)
}

// ring is a value that contains itself.
func ring() map[string]any {
	r := map[string]any{"orders": 3}
	r["ring"] = []any{r}
	return r
}
