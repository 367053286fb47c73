package engine

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write anew what the engine answers in the stories")

// A story is what an engine is told, line by line, and under each line what is different
// in what it answers and says of itself. The steps are in steps_test.go. Whoever changes
// the answers with -update reads the difference.
func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/stories/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		var told strings.Builder
		for i, story := range strings.SplitAfter("\n"+string(text), "\n== ") {
			if i == 0 {
				told.WriteString(strings.TrimPrefix(story, "\n"))
				continue
			}
			name, rest, _ := strings.Cut(story, "\n")
			told.WriteString(name + "\n")
			t.Run(name, func(t *testing.T) {
				is := tell(t, rest)
				if !*update {
					assert.Equal(t, rest, is)
				}
				told.WriteString(is)
			})
		}
		if *update && !t.Failed() {
			require.NoError(t, os.WriteFile(file, []byte(told.String()), 0o600))
		}
	}
}

// tell tells the engine a story, and returns it with what the engine answers.
func tell(t *testing.T, story string) string {
	var out strings.Builder
	d := &teller{desk: &desk{t: t, rows: make(map[Key]*Row), halted: make(map[string]string)}}
	var before saying
	for line := range strings.Lines(story) {
		if strings.HasPrefix(line, "  ") {
			continue // an answer
		}
		out.WriteString(line)
		words := strings.Fields(line)
		if len(words) == 0 || words[0] == "#" || words[0] == "==" {
			continue
		}
		d.answers = nil
		d.step(words)
		if d.Engine == nil {
			continue
		}
		now := d.says()
		for _, answer := range d.answers {
			if d.many > 0 && strings.Contains(answer, " many-") {
				continue
			}
			out.WriteString("  " + answer + "\n")
		}
		writeDifference(&out, before, now)
		before = now
	}
	return out.String()
}

// writeDifference writes the lines that have gone and have come, and in one line those
// words that are others.
func writeDifference(out *strings.Builder, before, now saying) {
	for _, line := range less(before.lines, now.lines) {
		out.WriteString("  - " + line + "\n")
	}
	for _, line := range less(now.lines, before.lines) {
		out.WriteString("  + " + line + "\n")
	}
	var others []string
	for i, word := range now.words {
		_, value, _ := strings.Cut(word, ": ")
		if known := before.words != nil; known && word != before.words[i] || !known && !slices.Contains([]string{"never", "0", "false", "[]"}, value) {
			others = append(others, word)
		}
	}
	if len(others) > 0 {
		out.WriteString("  " + strings.Join(others, ", ") + "\n")
	}
}

// less returns the lines of which others has fewer.
func less(lines, others []string) (left []string) {
	others = slices.Clone(others)
	for _, line := range lines {
		if at := slices.Index(others, line); at >= 0 {
			others = slices.Delete(others, at, at+1)
			continue
		}
		left = append(left, line)
	}
	return left
}

// saying is what an engine says of itself: in lines that come and go, and in words.
type saying struct{ lines, words []string }

// teller tells an engine a story.
type teller struct {
	*desk
	cfg     Config
	served  []string
	began   string
	answers []string // of the last step
	term    int64    // the last one that was resumed
	many    int      // accounts, of which not each is told
}

func (d *teller) answer(format string, args ...any) {
	d.answers = append(d.answers, fmt.Sprintf(format, args...))
}

// says is what the engine says of itself.
func (d *teller) says() (s saying) {
	add := func(format string, args ...any) {
		if line := fmt.Sprintf(format, args...); d.many == 0 || !strings.Contains(line, " many-") {
			s.lines = append(s.lines, line)
		}
	}
	for _, p := range d.going {
		add("runs %v", describe(p))
	}
	for _, p := range d.claims {
		add("to claim %v", describe(p))
	}
	for _, key := range d.keys() {
		var told []string
		d.Tell(key, func(slot, what string) {
			if what != "being claimed" { // it is among those to claim
				told = append(told, slot+" "+what)
			}
		})
		slices.Sort(told)
		for _, text := range told {
			add("pending %s %s %s", key.Task, key.Account, text)
		}
	}
	for _, r := range d.Records() {
		add("to record %s", describeRecord(r))
	}
	for _, r := range d.Releases() {
		add("to give back %v of term %d%s", describe(r.Run), r.Term, map[Outcome]string{Skipped: ", skipped: ", Missed: ", missed: "}[r.Outcome]+r.Reason)
	}
	for _, e := range d.ToEnrol().Told {
		add("to enrol %s", describeEnrolment(e))
	}
	gone, back := d.ToAccount()
	for _, e := range slices.Concat(gone, back) {
		add("to account for %s", describeEnrolment(e))
	}
	for _, a := range d.Accounts.All() {
		add("account %s served %s%s", a.Name, served(a.Served()), notes(note{a.IsGone(), "gone"}, note{!a.HasStarted(), "not started"}))
	}
	s.words = d.words()
	return s
}

// words are what there is one of.
func (d *teller) words() (words []string) {
	busy := []string{}
	for _, a := range d.Accounts.All() {
		if a.IsBusy() {
			busy = append(busy, a.Name)
		}
	}
	word := func(name string, value any) { words = append(words, fmt.Sprintf("%s: %v", name, value)) }
	at := func(name string, at time.Time) { word(name, clock(at)) }
	word("busy", busy[:min(len(busy), 9)])
	word("waiting", d.Waiting())
	word("claiming", d.Claiming())
	word("unknown streaks", d.Bad.HasUnknown())
	word("crowded", d.crowded())
	word("runs again", d.HasAgain())
	word("more", d.More())
	word("to write", d.HasToWrite())
	word("all claimed", d.IsClaimed())
	at("mark", d.Mark())
	at("safe", d.safeMark())
	at("planned", d.Planned())
	at("looks", d.NextLook())
	at("next due", d.NextDue())
	at("starts", d.StartsAt())
	at("offset", d.LookForStarts())
	at("expires", d.ExpiresAt())
	at("arms", d.ArmsAt())
	at("armed", d.FirstArmed())
	at("open", d.Accounts.OpenFrom())
	return words
}

func (d *teller) keys() []Key {
	keys := make(map[Key]bool)
	for key := range d.rows {
		for _, a := range d.Accounts.All() {
			if key.Account == "" || key.Account == a.Name {
				keys[Key{key.Task, a.Name}] = true
			}
		}
	}
	return slices.SortedFunc(maps.Keys(keys), func(a, b Key) int {
		return strings.Compare(a.Task+" "+a.Account, b.Task+" "+b.Account)
	})
}

// told adds what is to be done beside the answers of a step.
func (d *teller) told() {
	actions := d.Take()
	for _, p := range actions.Cancel {
		d.answer("cancel %v", describe(p))
	}
	for _, a := range actions.Blocked {
		d.answer("the executor of %s is waited for", a.Name)
	}
	for _, taken := range actions.Taken {
		d.answer("%v is taken by %v", describe(taken.Run), describe(taken.By))
	}
	for _, n := range d.Bad.News() {
		d.answer("health: kind %d of %s, %d accounts %v: %s", n.Kind, n.Task, n.Accounts, n.First, n.Last)
	}
}

func describe(p *Run) string {
	text := fmt.Sprintf("%s %s %s #%d, term %d, expires %s", p.Row.Task(), p.Account.Name, clock(p.Due), p.Serial, p.Term, clock(p.Expires))
	text += notes(note{p.Backdated, "backdated"}, note{p.IsArmed(), "armed"}, note{p.IsUnclaimed(), "unclaimed"}, note{p.uncertain, "in doubt"},
		note{p.First, "first"}, note{p.Resumed, "resumed"}, note{p.Replaces != nil, "replaces"},
		note{p.Actor+p.By != "", "by " + p.Actor + p.By})
	if p.Offset > 0 {
		text += ", after " + p.Offset.Round(time.Millisecond).String()
	}
	return text
}

type note struct {
	is   bool
	text string
}

func notes(all ...note) (text string) {
	for _, n := range all {
		if n.is {
			text += ", " + n.text
		}
	}
	return text
}

func describeRecord(r *Record) string {
	text := fmt.Sprintf("%s %s %s %s, finished %s: %s", map[Outcome]string{Skipped: "skipped", Missed: "missed"}[r.Outcome],
		r.Run.Row.Task(), r.Run.Account.Name, clock(r.Run.Due), clock(r.Finished), r.Reason)
	if r.Count > 0 {
		text += fmt.Sprintf(" (%d to %s, %s)", r.Count, clock(r.LastDue), r.LastSlot)
	}
	return text
}

func describeEnrolment(e Enrolment) string {
	return fmt.Sprintf("%s %s, withdrawn %s", e.Account, served(Served{From: e.From, Returned: e.Returned}), clock(e.Withdrawn))
}

func served(s Served) string {
	text := "from " + clock(s.From)
	if !s.Left.IsZero() {
		text += ", left " + clock(s.Left)
	}
	return text + ", returned " + clock(s.Returned)
}

func clock(at time.Time) string {
	switch {
	case at.IsZero():
		return "never"
	case at.Day() != 23:
		return at.Format("2 15:04:05.999")
	}
	return at.Format("15:04:05.999")
}
