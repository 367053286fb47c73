package spelling

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestHint(t *testing.T) {
	known := []string{"XNSE", "XNSE.FO", "XNYS", "XNAS", "open", "close", "buy_orders", "mon", "tue"}
	for name, want := range map[string]string{
		"XNES":       `: did you mean "XNSE"?`, // swapped
		"XNSF":       `: did you mean "XNSE"?`, // another letter
		"NSE":        `: did you mean "XNSE"?`, // one left out
		"XNSEE":      `: did you mean "XNSE"?`, // one too many
		"xnse":       `: did you mean "XNSE"?`,
		"xnes":       `: did you mean "XNSE"?`,
		"XNSE.F0":    `: did you mean "XNSE.FO"?`,
		"XNS":        `: did you mean "XNAS" or "XNSE" or "XNYS"?`,
		"XNXS":       `: did you mean "XNAS" or "XNYS"?`,
		"opne":       `: did you mean "open"?`,
		"pen":        `: did you mean "open"?`,
		"buy_order":  `: did you mean "buy_orders"?`,
		"buy-orders": `: did you mean "buy_orders"?`,
		"omn":        `: did you mean "mon"?`,
		"MON":        `: did you mean "mon"?`,
		"sun":        "", // in a short name a slip makes another word
		"mo":         "",
		"XBOM":       "",
		"sell":       "",
		"":           "",
		"open":       "", // it is known
	} {
		assert.Equal(t, want, Hint(name, known), name)
	}
	assert.Empty(t, Hint("open", nil))
	assert.Equal(t, `: did you mean "open"?`, Hint("opne", []string{"open", "open"}))
}
