package exchange

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tradeclock/tradeclock/internal/spelling"
)

// aliases are names by which exchanges go besides their MIC. TSE is none, as it is
// Tokyo to some and Toronto to others.
var aliases = map[string]string{
	"NSE": "XNSE", "BSE": "XBOM",
	"NYSE": "XNYS", "NASDAQ": "XNAS",
	"LSE": "XLON", "JPX": "XTKS", "HKEX": "XHKG", "XETRA": "XETR", "ASX": "XASX", "TSX": "XTSE", "SGX": "XSES",
	"KRX": "XKRX", "SSE": "XSHG", "SIX": "XSWX",
	"CME": "XCME", "MCX": "XIMC", "SHFE": "XSGE", "FX": "FX24",
}

// canonical returns the name of the calendar that a name in any case, or one with an
// alias for its market, stands for: XNSE.FO for nse.fo. Any other name is returned in
// capital letters.
func canonical(name string) string {
	name = strings.ToUpper(name)
	if mic, ok := aliases[micOf(name)]; ok {
		return mic + strings.TrimPrefix(name, micOf(name))
	}
	return name
}

// unknownCalendar is the error for a name that is none of the known ones. It lists
// what is near: the markets in whose full names it occurs, or names that it may be a
// slip of; and what there is, of the market or at all, if nothing is near.
func unknownCalendar(name string, known []string) error {
	err := fmt.Errorf("%q: %w", name, ErrUnknownCalendar)
	near := slices.Clone(known)
	for alias, mic := range aliases {
		if slices.Contains(known, mic) {
			near = append(near, alias)
		}
	}
	if called := marketsCalled(name, known); len(called) > 0 {
		return fmt.Errorf("%w: did you mean %s?", err, strings.Join(called, " or "))
	}
	if hint := spelling.Hint(name, near); hint != "" {
		return fmt.Errorf("%w%s", err, hint)
	}
	if of := micOf(canonical(name)); slices.Contains(known, of) {
		return fmt.Errorf("%w: of %s there are %s", err, of, listed(known, func(k string) bool { return micOf(k) == of }))
	}
	return fmt.Errorf("%w: there are %s", err, listed(known, func(k string) bool { return micOf(k) == k }))
}

func listed(names []string, which func(string) bool) string {
	chosen := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return !which(n) })
	slices.Sort(chosen)
	return strings.Join(chosen, ", ")
}

// marketsCalled returns the embedded markets among the known calendars whose full names
// have a name in them, as in XTKS (Tokyo Stock Exchange) for Tokyo, or the initials TSE.
func marketsCalled(name string, known []string) (called []string) {
	name = strings.ToLower(name)
	for _, mic := range known {
		m, err := EmbeddedMarket(mic)
		if err != nil {
			continue
		}
		var initials strings.Builder
		for _, word := range strings.Fields(strings.ToLower(m.Name)) {
			initials.WriteByte(word[0])
		}
		if name == initials.String() || len(name) > 3 && strings.Contains(strings.ToLower(m.Name), name) {
			called = append(called, fmt.Sprintf("%s (%s)", mic, m.Name))
		}
	}
	return called
}
