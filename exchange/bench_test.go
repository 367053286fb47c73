package exchange_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/exchange"
)

// What a scheduler asks every minute: the aim is 50 ns and no allocation.

func BenchmarkSessionOfDate(b *testing.B) {
	c, d := exchange.MustGet("XNSE.CAS"), ymd("2026-11-23")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Session(d); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkIsOpen(b *testing.B) {
	c := exchange.MustGet("XNSE.CAS")
	at := local(b, c, "2026-11-23 12:00")
	b.ReportAllocs()
	for b.Loop() {
		if open, err := c.IsOpen(at); !open || err != nil {
			b.Fatal(open, err)
		}
	}
}

func BenchmarkNextClose(b *testing.B) {
	c := exchange.MustGet("XNSE.CAS")
	at := local(b, c, "2026-11-21 12:00")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.NextClose(at); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkNth(b *testing.B) {
	c, d := exchange.MustGet("XNSE.CAS"), ymd("2019-01-01")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Nth(d, 1900); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBuild(b *testing.B) {
	m, err := exchange.EmbeddedMarket("XNSE")
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.Build(); err != nil {
			b.Fatal(err)
		}
	}
}

func TestHotQueriesDoNotAllocate(t *testing.T) {
	c := exchange.MustGet("XNSE.CAS")
	d, at, loc := ymd("2026-11-23"), local(t, c, "2026-11-23 12:00"), time.FixedZone("elsewhere", -5*3600)
	abroad := at.In(loc)
	queries := map[string]func(){
		"Session":       func() { _, _ = c.Session(d) },
		"IsSession":     func() { _, _ = c.IsSession(d) },
		"SessionAt":     func() { _, _ = c.SessionAt(abroad) },
		"IsOpen":        func() { _, _ = c.IsOpen(abroad) },
		"InPhase":       func() { _, _ = c.InPhase("closing_auction", at) },
		"Next":          func() { _, _ = c.Next(d) },
		"Nth":           func() { _, _ = c.Nth(d, -900) },
		"OpenClose":     func() { _, _, _ = c.OpenClose(d) },
		"NextOpen":      func() { _, _ = c.NextOpen(at) },
		"PreviousClose": func() { _, _ = c.PreviousClose(at) },
		"NextWindow":    func() { _, _ = c.NextWindow("pre_open", at) },
	}
	for name, query := range queries {
		assert.Zero(t, testing.AllocsPerRun(100, query), name)
	}
}
