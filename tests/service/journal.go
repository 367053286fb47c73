package service

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"time"
)

// What an Entry says.
const (
	Began   = "began"   // an attempt of a run begins
	Ended   = "ended"   // it has ended, as Result says
	Term    = "term"    // the process holds the term, or none if it is 0
	Started = "started" // the executor of an account was started
	Stopped = "stopped" // and stopped
)

// The results of an attempt. Any other is the cause with which its context ended.
const (
	OK   = "ok"
	Fail = "failed"
)

// Entry is a line of a journal.
type Entry struct {
	What    string
	Process int
	At      time.Time // on the clock of the service
	Term    int64     `json:",omitempty"`

	Run     string    `json:",omitempty"`
	Account string    `json:",omitempty"`
	Task    string    `json:",omitempty"`
	Slot    string    `json:",omitempty"`
	Due     time.Time `json:",omitzero"`
	Attempt int       `json:",omitempty"`
	Result  string    `json:",omitempty"`
}

// Journal is a file of what a process did. It shares nothing with the database
// whose account it is to be compared with.
type Journal struct {
	mu   sync.Mutex
	file *os.File
}

// OpenJournal opens a journal to append to it.
func OpenJournal(path string) (*Journal, error) {
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	return &Journal{file: file}, nil
}

// Write appends an entry. When it returns, the entry is on the disk.
func (j *Journal) Write(e Entry) error {
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, err := j.file.Write(append(line, '\n')); err != nil {
		return err
	}
	return j.file.Sync()
}

// ReadJournal returns the entries of a journal in order. A last line that its
// process did not come to finish does not count.
func ReadJournal(path string) ([]Entry, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	text = text[:bytes.LastIndexByte(text, '\n')+1]
	var entries []Entry
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		var e Entry
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		entries = append(entries, e)
	}
	return entries, lines.Err()
}
