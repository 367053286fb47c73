package exchange

import (
	"embed"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/tradeclock/tradeclock/calendar"
)

//go:generate go run ./internal/gen

// dataFiles are the markets, each as <MIC>.json. The generator makes them from
// the tables in facts; do not edit them.
//
//go:embed data/*.json
var dataFiles embed.FS

// ErrUnknownCalendar is wrapped by the error for a name that no calendar has.
var ErrUnknownCalendar = errors.New("no calendar has this name")

// embedded holds the calendars of each embedded market by its MIC. A market is
// read and built when it is first asked for, and then once.
var embedded = embeddedMarkets()

func embeddedMarkets() map[string]func() ([]*Sessions, error) {
	markets := make(map[string]func() ([]*Sessions, error))
	files, _ := dataFiles.ReadDir("data") // it is there, or this would not compile
	for _, f := range files {
		mic := strings.TrimSuffix(f.Name(), path.Ext(f.Name()))
		markets[mic] = sync.OnceValues(func() ([]*Sessions, error) {
			m, err := readEmbedded(mic)
			if err != nil {
				return nil, err
			}
			return m.Build()
		})
	}
	return markets
}

// Names returns the names of all embedded calendars, sorted: XAMS, XASX, XBOM,
// XBOM.CAS, ... It reads every market when it is first called.
func Names() []string { return slices.Clone(names()) }

var names = sync.OnceValue(func() []string {
	var all []string
	for mic := range embedded {
		m, err := readEmbedded(mic)
		if err != nil {
			continue // Get tells; it cannot happen with the data that were tested
		}
		for _, s := range m.Segments {
			all = append(all, s.Calendar)
		}
	}
	slices.Sort(all)
	return all
})

// Get returns an embedded calendar by its name: a MIC as in XNYS, or a segment of
// a market as in XNSE.FO. A name may be in any case, and NSE, BSE, NYSE, NASDAQ, LSE,
// JPX, HKEX, XETRA, ASX, TSX, SGX, KRX, SSE, SIX, CME, MCX, SHFE and FX stand for the
// MIC, as in nse.fo. The error for any other name wraps ErrUnknownCalendar, and lists what is near. Each call
// for a calendar returns the same one. It may be called from several goroutines at once.
func Get(name string) (*Sessions, error) {
	full := canonical(name)
	market, ok := embedded[micOf(full)]
	if !ok {
		return nil, unknownCalendar(name, names())
	}
	calendars, err := market()
	if err != nil {
		return nil, err
	}
	for _, c := range calendars {
		if c.Name() == full {
			return c, nil
		}
	}
	return nil, unknownCalendar(name, names())
}

// MustGet is Get for a name that is written in code. It panics if there is no
// calendar of that name.
func MustGet(name string) *Sessions {
	c, err := Get(name)
	if err != nil {
		panic(fmt.Sprintf("exchange: MustGet: %v", err))
	}
	return c
}

// Lookup is Get in the form that a scheduler's configuration takes, to find the
// calendars that schedules name, with those of calendar.ByName.
func Lookup(name string) (calendar.Calendar, error) { return lookup(name, Get) }

// lookup finds a calendar that needs no data, or one of the exchanges.
func lookup[C calendar.Calendar](name string, get func(string) (C, error)) (calendar.Calendar, error) {
	if cal, ok, err := calendar.ByName(name); ok {
		return cal, err
	}
	c, err := get(name)
	if err != nil {
		return nil, err // and not a nil of a type
	}
	return c, nil
}

// EmbeddedMarket returns the data of an embedded market by its MIC, to look into
// or to build upon. It is read anew with each call, so the caller may change it.
// The error for any other name wraps ErrUnknownCalendar.
func EmbeddedMarket(mic string) (Market, error) {
	if _, ok := embedded[mic]; !ok {
		return Market{}, unknownCalendar(mic, slices.Collect(maps.Keys(embedded)))
	}
	return readEmbedded(mic)
}

func readEmbedded(mic string) (Market, error) {
	name := "data/" + mic + ".json"
	f, err := dataFiles.Open(name)
	if err != nil {
		return Market{}, fmt.Errorf("embedded %s: %w", name, err)
	}
	defer f.Close()
	m, err := ReadMarket(f)
	if err != nil {
		return Market{}, fmt.Errorf("embedded %s: %w", name, err)
	}
	return m, nil
}
