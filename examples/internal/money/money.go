// Package money counts in integers, so that a book of account always adds up.
package money

import (
	"fmt"
	"strconv"
)

// Amount is a sum or a price in ten-thousandths of a rupee, the unit of the bar
// files: 950000 is 95 rupees.
type Amount int64

// The larger units.
const (
	Paisa Amount = 100
	Rupee        = 100 * Paisa
)

// String returns the amount in rupees and paise, rounded to the nearest paisa:
// "1,234.50".
func (a Amount) String() string {
	sign := ""
	if a < 0 {
		sign, a = "-", -a
	}
	paise := (a + Paisa/2) / Paisa
	rupees := strconv.FormatInt(int64(paise/100), 10)
	for i := len(rupees) - 3; i > 0; i -= 3 {
		rupees = rupees[:i] + "," + rupees[i:]
	}
	if paise == 0 {
		sign = ""
	}
	return fmt.Sprintf("%s%s.%02d", sign, rupees, paise%100)
}

// Times returns the value of a number of shares at price a.
func (a Amount) Times(quantity int64) Amount { return a * Amount(quantity) }

// BasisPoints returns n hundredths of a percent of a, rounded towards zero.
func (a Amount) BasisPoints(n int64) Amount { return a * Amount(n) / 10_000 }
