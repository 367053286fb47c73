package main_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestAWrongCommandLineDoesNothing: nothing of it is passed over, and the answer is one line.
func TestAWrongCommandLineDoesNothing(t *testing.T) {
	s := monday(t, sqliteFile(t), "09:02:00")
	for line, want := range map[string]string{
		"halt 42 43 --reason stop --actor ana --yes": `"43" is one argument too many: see tradeclock halt --help`,
		"halts 42":                        `"42" is one argument too many`,
		"lift --all 42 --actor ana --yes": "for an account, or for all?",
		"trigger analysis sell_monitor --account 42 --actor ana --yes": `"sell_monitor" is one argument too many`,
		"runs 2026-11-20":                         `"2026-11-20" is one argument too many`,
		"explain analysis today 42":               `"42" is one argument too many`,
		"calendar show XNSE today tomorrow 3":     `"3" is one argument too many`,
		"calendar show XNSE 2026-11-24 2026-11-1": `date "2026-11-1"`,
		"calendar show XNSE tomorrow today":       "2026-11-23 is before 2026-11-24",
		"plan --limit 0":                          "want a number from 1 on",
		"runs --limit=-1":                         "want a number from 1 on",
		"accounts --limit=-1":                     "want a number from 1 on",
		"requests --limit 0":                      "want a number from 1 on",
		"plan --limitt 3":                         "flag provided but not defined",
		"schedules set analysis --timeout soon":   `invalid duration "soon"`,
		"schedules show":                          "which task?",
		"schedules bogus":                         `there is no command "bogus": see tradeclock schedules --help`,
		"bogus":                                   `there is no command "bogus": see tradeclock --help`,
	} {
		args := append(strings.Fields(line), "--db", s.at.url, "--calendar", "XNSE")
		if !strings.Contains(line, "--yes") {
			args = append(args, "--at", "2026-11-23T09:02")
		}
		if line == "bogus" {
			args = args[:1]
		}
		got := run(t, "", args...)
		assert.Equal(t, 3, got.code, line)
		assert.Empty(t, got.out, line)
		assert.Contains(t, got.err, want, line)
		assert.Equal(t, 1, strings.Count(got.err, "\n"), line)
	}
	assert.Equal(t, "Nothing is halted.\n", s.ask("halts").out)
	assert.Contains(t, s.ask("calendar", "show", "always-open", "today", "today").out, "2026-11-23")
}
