package exchange

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/calendar"
)

// files returns a file system of the given files: name, content, name, content...
func files(pairs ...string) fstest.MapFS {
	fsys := make(fstest.MapFS)
	for pair := range slices.Chunk(pairs, 2) {
		fsys[pair[0]] = &fstest.MapFile{Data: []byte(pair[1])}
	}
	return fsys
}

// get returns a calendar of the set.
func get(t testing.TB, s *Set, name string) *Sessions {
	t.Helper()
	c, err := s.Calendar(name)
	require.NoError(t, err)
	return c
}

func TestSetWithoutFilesHasTheEmbeddedCalendars(t *testing.T) {
	s, err := LoadFS(files())
	require.NoError(t, err)
	assert.Equal(t, Names(), s.Names())
	assert.Same(t, MustGet("XNSE.FO"), get(t, s, "XNSE.FO"))
}

func TestSetReadsMarketsAndOverrides(t *testing.T) {
	s, err := LoadFS(files(
		"XTST.json", smallMarket,
		"XTST.csv", overrideHeader+"2026-12-01,closed,,,,Storm,\n2026-12-02,closed,,,,Storm,\n",
		"XTST.FO.csv", overrideHeader+"2026-12-02,special,,10:00,11:00,Futures trade on,\n",
		"XNSE.csv", overrideHeader+"2026-12-01,closed,,,,Elections,\n",
		"README.md", "notes",
		".XNSE.csv.swp", "an editor's",
		"XNSE.csv~", "an editor's", "#XNSE.csv#", "what is not saved yet",
		"..data/XTKS.csv", "a mounted volume's",
	))
	require.NoError(t, err)
	assert.Equal(t, "closed: Storm", describe(t, get(t, s, "XTST"), "2026-12-01"))
	assert.Equal(t, "closed: Storm", describe(t, get(t, s, "XTST.FO"), "2026-12-01"))
	assert.Equal(t, "closed: Storm", describe(t, get(t, s, "XTST"), "2026-12-02"))
	assert.Equal(t, "special session: Futures trade on | regular 10:00-11:00", describe(t, get(t, s, "XTST.FO"), "2026-12-02"),
		"the file for one calendar goes before the market's")
	for _, name := range []string{"XNSE", "XNSE.CAS", "XNSE.FO"} {
		assert.Equal(t, "closed: Elections", describe(t, get(t, s, name), "2026-12-01"))
	}
	assert.Same(t, MustGet("XTKS"), get(t, s, "XTKS"), "no file touches it")

	names := s.Names()
	assert.True(t, slices.IsSorted(names))
	assert.Len(t, names, len(Names())+2)
	for _, name := range names {
		c, err := s.Lookup(name)
		require.NoError(t, err)
		assert.Equal(t, name, c.Name())
	}
}

func TestSetFileOfAMarketReplacesAllOfTheEmbeddedOne(t *testing.T) {
	own := strings.NewReplacer("XTST.FO", "XNSE.X", "XTST", "XNSE").Replace(smallMarket)
	s, err := LoadFS(files("XNSE.json", own))
	require.NoError(t, err)
	assert.Equal(t, "Test Exchange, shares", get(t, s, "XNSE").Title())
	assert.Contains(t, s.Names(), "XNSE.X")
	assert.NotContains(t, s.Names(), "XNSE.FO")
	_, err = s.Calendar("XNSE.FO")
	assert.ErrorIs(t, err, ErrUnknownCalendar, "the embedded segment is not mixed with another market's data")
	c, err := s.Lookup("XNSE.FO")
	assert.ErrorIs(t, err, ErrUnknownCalendar)
	assert.Nil(t, c)
}

func TestSetExtendsAMarketByTheListsOfYears(t *testing.T) {
	list := nseList(t, list2027...)
	s, err := LoadFS(files(
		"XNSE.json", string(FrozenFile),
		"XNSE.2027.nse.json", list,
		"XBOM.json", strings.ReplaceAll(string(FrozenFile), "XNSE", "XBOM"),
		"XBOM.2027.nse.json", list,
		"XTST.json", smallMarket,
		"XTST.2027.nse.json", list,
		"XTST.2028.nse.json", nseList(t, "2027-01-26 Republic Day", "2028-01-26 Republic Day", "2028-03-24 Holi", "2028-04-14 Good Friday",
			"2028-05-01 Maharashtra Day", "2028-08-15 Independence Day", "2028-10-02 Gandhi Jayanti", "2028-12-25 Christmas"),
		"XNSE.FO.csv", overrideHeader+"2027-10-29,special,,18:00,19:00,Muhurat,\n",
	))
	require.NoError(t, err)
	for _, name := range []string{"XNSE", "XNSE.CAS", "XNSE.FO", "XBOM", "XTST"} {
		assert.Equal(t, "closed: Republic Day", describe(t, get(t, s, name), "2027-01-26"))
	}
	assert.Equal(t, "special session: Muhurat | regular 18:00-19:00", describe(t, get(t, s, "XNSE.FO"), "2027-10-29"), "overrides go on top")
	assert.Contains(t, describe(t, get(t, s, "XNSE"), "2027-10-29"), "hours unknown")
	day, err := get(t, s, "XNSE").Session(date(t, "2027-01-26"))
	require.NoError(t, err)
	assert.Equal(t, "holiday list of NSE in the file XNSE.2027.nse.json", day.Source)
	for name, want := range map[string]string{"XNSE": "2027-12-31", "XBOM.FO": "2027-12-31", "XTST": "2028-12-31"} {
		_, last := get(t, s, name).Coverage()
		assert.Equal(t, date(t, want), last, name)
	}
	assert.Equal(t, "closed: Holi", describe(t, get(t, s, "XTST"), "2028-03-24"))
	_, err = get(t, s, "XNSE").Settles(date(t, "2027-01-27"))
	assert.ErrorIs(t, err, calendar.ErrUnknownDate, "the list has no settlement holidays")
}

func TestSetPassesOverTheListOfAYearThatIsCovered(t *testing.T) {
	// The list was made before the elections of 2026-01-15 were announced.
	rows := slices.DeleteFunc(list2026(t), func(row string) bool { return row[:10] == "2026-01-15" })
	s, err := LoadFS(files("XNSE.2026.nse.json", nseList(t, rows...), "XTST.json", smallMarket, "XTST.2026.nse.json", nseList(t, rows...)))
	require.NoError(t, err)
	assert.Equal(t, MustGet("XNSE").Version(), get(t, s, "XNSE").Version())
	assert.Contains(t, describe(t, get(t, s, "XTST"), "2026-11-20"), "regular session")
}

func TestLoadRefusesNamingTheFile(t *testing.T) {
	tests := map[string]struct {
		fsys fstest.MapFS
		want []string
	}{
		"unknown extension": {files("XNSE.txt", ""), []string{"XNSE.txt: is no data of a calendar"}},
		"no extension":      {files("XNSE", ""), []string{"XNSE: is no data of a calendar"}},
		"directory":         {files("sub/XNSE.csv", ""), []string{"sub: is no data of a calendar"}},
		"directory of a data file's name": {
			files("XNSE.csv/XNSE.csv", ""), []string{"XNSE.csv: is no regular file"},
		},
		"overrides of no calendar": {
			files("XABC.csv", overrideHeader, "XNSE.CD.csv", overrideHeader, ".csv", "", "x.csv", overrideHeader),
			[]string{
				`XABC.csv: "XABC": no calendar has this name`,
				"XNSE.CD.csv: XNSE.CD is no calendar of the market XNSE",
				`x.csv: "x": no calendar has this name`,
			},
		},
		"list of no year": {
			files("XNSE.nse.json", "{}", "XNSE.FO.nse.json", "{}", "XABC.2027.nse.json", "{}"),
			[]string{
				`XABC.2027.nse.json: "XABC": no calendar has this name`,
				"XNSE.nse.json: want a name as in XNSE.2027.nse.json",
				"XNSE.FO.nse.json: want a name as in XNSE.2027.nse.json",
			},
		},
		"list of another country": {
			files("XNYS.2028.nse.json", nseList(t, "2028-01-26 Republic Day")),
			[]string{"XNYS.2028.nse.json: XNYS is in America/New_York, and the list is for markets in Asia/Kolkata"},
		},
		"list that is none": {files("XNSE.2027.nse.json", "<html>"), []string{"XNSE.2027.nse.json: line 1: invalid character"}},
		"list of the year before": {
			files("XNSE.2027.nse.json", nseList(t, list2026(t)...)), []string{"XNSE.2027.nse.json: no holiday of 2027 is listed"},
		},
		"list that is cut off": {
			files("XNSE.json", string(FrozenFile), "XNSE.2027.nse.json", nseList(t, list2027[:3]...)),
			[]string{"XNSE.2027.nse.json: year 2027: lists 3 closed weekdays"},
		},
		"list with a gap before it": {
			files("XTST.json", smallMarket, "XTST.2028.nse.json", nseList(t, "2028-01-26 Republic Day")),
			[]string{"XTST.2028.nse.json: year 2028: does not join the coverage, 2026-11-16 to 2026-12-31"},
		},
		"market of another name": {files("XABC.json", smallMarket), []string{`XABC.json: mic: is "XTST", and the file's name says "XABC"`}},
		"bad markets before overrides": {
			files("XTST.json", "{}", "XAAA.json", "[", "XTST.csv", overrideHeader, "XNSE.csv", "?"),
			[]string{"XAAA.json: line 1: unexpected end of JSON input", `XTST.json: line 1: key "mic" is missing`},
		},
		"all bad overrides": {
			files("XNSE.csv", overrideHeader+"2026-12-01,shut,,,,,\n2036-12-01,shut,,,,,\n", "XNYS.csv", overrideHeader+"2036-12-01,closed,,,,,\n"),
			[]string{
				`XNSE.csv: line 2: status: "shut"`, `XNSE.csv: line 3: status: "shut"`,
				"XNYS.csv: line 2: 2036-12-01: outside the coverage",
			},
		},
		"content of a market": {
			files("XTST.json", strings.Replace(smallMarket, `"2026-12-25", "status": "closed"`, `"2026-11-24", "status": "special"`, 1)),
			[]string{
				"XTST.json: days: 2026-11-24: XTST is listed twice", "XTST.json: days: 2026-11-24: XTST.FO is listed twice",
				"XTST.json: days: 2026-11-24: hours: a day that is special",
			},
		},
		"too large": {files("XNSE.csv", strings.Repeat("\n", maxFileSize+1)), []string{"XNSE.csv: larger than 8 MiB"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s, err := LoadFS(tt.fsys)
			require.Error(t, err)
			assert.Nil(t, s)
			lines := strings.Split(err.Error(), "\n")
			require.Len(t, lines, len(tt.want), "%v", err)
			for i, want := range tt.want {
				assert.Contains(t, lines[i], want)
			}
		})
	}

	bad := overrideHeader
	for range 25 {
		bad += "2026-12-01,shut,,,,,\n"
	}
	_, err := LoadFS(files("XNSE.csv", bad+strings.Repeat("x", 1000)+"\n", "XNYS.csv", overrideHeader+strings.Repeat("é", 1000)+",closed,,,,,\n"))
	require.Error(t, err)
	lines := strings.Split(err.Error(), "\n")
	require.Len(t, lines, maxProblems+2, "the first problems of one file, how many more, and the one of the other")
	assert.Equal(t, "and 16 more", lines[maxProblems])
	assert.Contains(t, lines[maxProblems+1], "XNYS.csv: line 2: date \"é")
	for _, line := range lines {
		assert.LessOrEqual(t, len(line), maxProblemText+len("..."))
		assert.True(t, utf8.ValidString(line))
	}

	many := files()
	for i := range maxFiles + 1 {
		many[fmt.Sprintf("X%d.csv", i)] = &fstest.MapFile{}
	}
	_, err = LoadFS(many)
	assert.EqualError(t, err, "more than 1000 files")
}

func TestLoadFromDisk(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "XTST.json", smallMarket)
	write(t, dir, "XNSE.FO.csv", overrideHeader+"2026-12-01,closed,,,,Elections,\n")
	s, err := LoadDir(dir)
	require.NoError(t, err)
	assert.Equal(t, "closed: Christmas", describe(t, get(t, s, "XTST"), "2026-12-25"))
	assert.Equal(t, "closed: Elections", describe(t, get(t, s, "XNSE.FO"), "2026-12-01"))

	s, err = LoadFile(filepath.Join(dir, "XTST.json"))
	require.NoError(t, err)
	assert.Equal(t, "closed: Christmas", describe(t, get(t, s, "XTST"), "2026-12-25"))
	assert.Same(t, MustGet("XNSE.FO"), get(t, s, "XNSE.FO"), "the neighbours of a file are not read")

	t.Chdir(dir)
	s, err = LoadFile("XNSE.FO.csv")
	require.NoError(t, err)
	assert.Equal(t, "closed: Elections", describe(t, get(t, s, "XNSE.FO"), "2026-12-01"))

	for _, path := range []string{filepath.Join(dir, "XNYS.csv"), filepath.Join(dir, "none")} {
		_, err = LoadDir(path)
		assert.ErrorIs(t, err, fs.ErrNotExist)
		assert.EqualError(t, err, "calendars in "+path+": open: no such file or directory")
	}
	_, err = LoadFile(filepath.Join(dir, "XNYS.csv"))
	assert.ErrorIs(t, err, fs.ErrNotExist)
	assert.ErrorContains(t, err, "calendars in "+dir+": ")
	_, err = LoadFile(dir)
	assert.ErrorContains(t, err, "is no data of a calendar")

	write(t, dir, "XTST.csv", overrideHeader+"2026-12-01,shut,,,,Elections,\n")
	for _, load := range []func() (*Set, error){
		func() (*Set, error) { return LoadDir(dir) },
		func() (*Set, error) { return LoadFile(filepath.Join(dir, "XTST.csv")) },
	} {
		_, err = load()
		assert.ErrorContains(t, err, "calendars in "+dir+": XTST.csv: line 2: ")
	}
}

// A name that is none is answered with those that are near, those of files too.
func TestUnknownCalendarsNameThoseThatAreNear(t *testing.T) {
	s, err := LoadFS(fstest.MapFS{"XTST.json": {Data: []byte(smallMarket)}})
	require.NoError(t, err)
	for name, want := range map[string]string{
		"XNES":    `"XNES": no calendar has this name: did you mean "XNSE"?`,
		"XNSE.OF": `"XNSE.OF": no calendar has this name: did you mean "XNSE.FO"?`,
		"NASDQA":  `"NASDQA": no calendar has this name: did you mean "NASDAQ"?`,
		"Tokyo":   `"Tokyo": no calendar has this name: did you mean XTKS (Tokyo Stock Exchange)?`,
		"TSE":     `"TSE": no calendar has this name: did you mean XTKS (Tokyo Stock Exchange) or XTSE (Toronto Stock Exchange)?`,
	} {
		_, err := Get(name)
		assert.EqualError(t, err, want)
		_, err = s.Calendar(name)
		assert.EqualError(t, err, want)
	}
	_, err = s.Calendar("XTTS")
	assert.EqualError(t, err, `"XTTS": no calendar has this name: did you mean "XTST"?`)
	_, err = Get("XTTS")
	assert.EqualError(t, err, `"XTTS": no calendar has this name: did you mean "XTKS"?`)
	_, err = Get("XQQQ")
	assert.ErrorContains(t, err, `"XQQQ": no calendar has this name: there are FX24, XAMS, XASX, XBOM, `, "nothing is near")
	_, err = s.Calendar("XQQQ")
	assert.ErrorContains(t, err, ", XTST", "with those of files")
	_, err = EmbeddedMarket("XNES")
	assert.EqualError(t, err, `"XNES": no calendar has this name: did you mean "XNSE"?`)
}

// write puts a file into a directory.
func write(t testing.TB, dir, name, content string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
}
