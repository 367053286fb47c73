package tradeclock

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/tradeclock/tradeclock/rule"
)

func TestValidateOfSpreadAndStartLimit(t *testing.T) {
	for _, test := range []struct {
		spread time.Duration
		limit  string
		want   string
	}{
		{0, "", ""},
		{31 * 24 * time.Hour, "broker", ""},
		{-time.Second, "", "Spread: -1s is not between 0 and 744h0m0s"},
		{32 * 24 * time.Hour, "", "Spread: 768h0m0s is not between"},
		{0, " broker", `StartLimit: the name " broker" begins or ends with a space`},
		{-1, "\n", "StartLimit: "},
	} {
		err := Schedule{Task: "buy", Rule: rule.MustParse("daily 09:15"), Spread: test.spread, StartLimit: test.limit}.Validate()
		if test.want == "" {
			assert.NoError(t, err)
			continue
		}
		assert.ErrorContains(t, err, test.want)
	}
}
