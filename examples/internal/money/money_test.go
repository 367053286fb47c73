package money_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/tradeclock/tradeclock/examples/internal/money"
)

func TestAmountsAreShownInRupeesAndPaise(t *testing.T) {
	for amount, want := range map[money.Amount]string{
		0:                        "0.00",
		950000:                   "95.00",
		-950000:                  "-95.00",
		50:                       "0.01",
		49:                       "0.00",
		-49:                      "0.00",
		999 * money.Rupee:        "999.00",
		1000 * money.Rupee:       "1,000.00",
		123456789 * money.Paisa:  "1,234,567.89",
		-123456789 * money.Paisa: "-1,234,567.89",
	} {
		assert.Equal(t, want, amount.String())
	}
}
