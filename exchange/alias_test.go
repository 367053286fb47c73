package exchange_test

import (
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/exchange"
)

func TestNamesByWhichExchangesGo(t *testing.T) {
	empty, err := exchange.LoadFS(fstest.MapFS{})
	require.NoError(t, err)
	for name, want := range map[string]string{
		"NSE": "XNSE", "nse.fo": "XNSE.FO", "BSE.CAS": "XBOM.CAS", "xnse": "XNSE",
		"NYSE": "XNYS", "Nasdaq": "XNAS", "LSE": "XLON", "HKEX": "XHKG", "Xetra": "XETR", "SGX": "XSES", "TSX": "XTSE",
	} {
		for _, lookup := range []func(string) (*exchange.Sessions, error){exchange.Get, empty.Calendar} {
			c, err := lookup(name)
			require.NoError(t, err, name)
			assert.Same(t, exchange.MustGet(want), c, "%s is the calendar itself, which keeps its name", name)
		}
	}
}

// A market of a file goes before the alias that it has for its MIC.
func TestAFileMayTakeTheNameOfAnAlias(t *testing.T) {
	data := `{"mic": "NYSE", "name": "Mine", "timezone": "UTC", "version": "1", "from": "2026-01-01", "to": "2026-12-31", "basis": "",
		"segments": [{"calendar": "NYSE", "name": "", "eras": [{"from": "2026-01-01", "hours": [{"phase": "regular", "start": "09:00", "end": "17:00"}]}]}],
		"days": []}`
	set, err := exchange.LoadFS(fstest.MapFS{"NYSE.json": {Data: []byte(data)}})
	require.NoError(t, err)
	c, err := set.Calendar("NYSE")
	require.NoError(t, err)
	assert.Equal(t, "Mine", c.Title())
	c, err = set.Calendar("NASDAQ")
	require.NoError(t, err)
	assert.Equal(t, "XNAS", c.Name())
}
