package cron_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	robfig "github.com/robfig/cron/v3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/cron"
	"github.com/tradeclock/tradeclock/rule"
)

// firstDate begins the 400 dates on which expressions are compared, with a leap day.
var firstDate = calendar.Date{Year: 2027, Month: time.September, Day: 1}

const comparedDates = 400

// everything names the number of random expressions that are compared, as in
// TRADECLOCK_CRON_SPECS=10000, and has the zones compared on each date: minutes of work.
const everything = "TRADECLOCK_CRON_SPECS"

func specs(t *testing.T) int {
	t.Helper()
	text := os.Getenv(everything)
	if text == "" {
		return 60
	}
	n, err := strconv.Atoi(text)
	require.NoError(t, err)
	return n
}

// TestRandomExpressionsAreDueWhenRobfigsAre compares each occurrence with the Next of the
// library whose parser is used, in UTC, and the native rules that they translate to with
// both.
func TestRandomExpressionsAreDueWhenRobfigsAre(t *testing.T) {
	random := rand.New(rand.NewPCG(2026, 11))
	compared, translated := 0, 0
	for n := range specs(t) {
		if n > 0 && n%1000 == 0 {
			t.Logf("%d expressions, %d occurrences", n, compared)
		}
		text := randomExpression(random)
		r, err := cron.Parse(text)
		if err != nil {
			require.ErrorContains(t, err, "that date never comes", text)
			continue
		}
		oracle, err := robfig.ParseStandard(text)
		require.NoError(t, err, text)
		compared += requireSame(t, text, r, oracle)
		if native, err := cron.Translate(text); err == nil {
			translated++
			requireSame(t, text+", which is "+native, rule.MustParse(native), oracle)
		}
	}
	t.Logf("%d occurrences were the same, and %d expressions have a native rule", compared, translated)
	assert.Greater(t, compared, 1000*specs(t))
	assert.Greater(t, translated, specs(t)/20)
}

// requireSame compares a rule with the oracle on all dates, and returns how many
// occurrences they have.
func requireSame(t *testing.T, text string, r rule.Rule, oracle robfig.Schedule) (n int) {
	t.Helper()
	next := oracle.Next(firstDate.UTC().Add(-time.Second))
	for i := range comparedDates {
		date := firstDate.AddDays(i)
		for _, o := range occurrences(t, r, date, time.UTC) {
			if !o.Due.Equal(next) {
				require.Failf(t, "another instant", "%s: %v, and not %v", text, o.Due, next)
			}
			next = oracle.Next(next)
			n++
		}
		if end := date.AddDays(1).UTC(); !next.IsZero() && next.Before(end) {
			require.Failf(t, "an occurrence is missing", "%s: %v", text, next)
		}
	}
	return n
}

// randomExpression makes an expression of the forms that people write, half of them for
// each date.
func randomExpression(r *rand.Rand) string {
	day, month := "*", "*"
	if r.IntN(2) == 0 {
		day = randomField(r, 1, 31, nil)
		month = randomField(r, 1, 12, []string{1: "jan", "FEB", "mar", "apr", "May", "jun", "jul", "aug", "sep", "oct", "nov", "dec"})
	}
	return strings.Join([]string{
		randomField(r, 0, 59, nil), randomField(r, 0, 23, nil), day, month, randomField(r, 0, 6, []string{"sun", "Mon", "TUE", "wed", "thu", "fri", "sat"}),
	}, " ")
}

func randomField(r *rand.Rand, low, high int, names []string) string {
	value := func(from int) int { return from + r.IntN(high-from+1) }
	name := func(v int) string {
		if names != nil && r.IntN(3) == 0 {
			return names[v]
		}
		return strconv.Itoa(v)
	}
	parts := make([]string, 1+max(0, r.IntN(5)-2))
	for i := range parts {
		from := value(low)
		switch step := 1 + r.IntN(high-low); r.IntN(8) {
		case 0, 1:
			parts[i] = "*"
		case 2:
			parts[i] = fmt.Sprintf("*/%d", step)
		case 3:
			parts[i] = fmt.Sprintf("%s-%s/%d", name(from), name(value(from)), step)
		case 4:
			parts[i] = name(from) + "-" + name(value(from))
		case 5:
			parts[i] = fmt.Sprintf("%d/%d", from, step)
		default:
			parts[i] = name(from)
		}
	}
	return strings.Join(parts, ",")
}
