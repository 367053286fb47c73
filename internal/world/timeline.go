package world

import "hash"

// keptLines is how many lines of a timeline are kept, unless it is kept whole.
const keptLines = 400

// timeline is what happened, in lines.
type timeline struct {
	whole  bool
	lines  []string
	digest hash.Hash64
}

func (t *timeline) add(line string) {
	t.digest.Write([]byte(line))
	t.digest.Write([]byte{'\n'})
	if !t.whole && len(t.lines) >= 2*keptLines {
		t.lines = append(t.lines[:0], t.lines[keptLines:]...)
	}
	t.lines = append(t.lines, line)
}
