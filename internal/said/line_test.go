package said

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestOneLine(t *testing.T) {
	for text, want := range map[string]string{
		"":                           "",
		"loss limit":                 "loss limit",
		"नुकसान सीमा":                "नुकसान सीमा",
		"a\nb":                       "a; b",
		"a\r\n\r\nb\n":               "a; b",
		"a\u2028b\u2029c\u0085d":     "a; b; c; d",
		"a\x00b\x1b[2Jc\td":          "a b [2Jc d",
		"safe\u202egnp.exe\u2066end": "safe gnp.exe end",
	} {
		assert.Equal(t, want, Line(text), "%q", text)
	}
	assert.Equal(t, "a b", FirstLine("a\x07b\rc"))
	assert.Equal(t, "1 session, 2 sessions, 0 sessions", strings.Join([]string{Counted(1, "session"), Counted(2, "session"), Counted(0, "session")}, ", "))
}
