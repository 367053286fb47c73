package sqlstore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// address is what a connection string has and no path: a scheme, a password, or a user
// before a host.
var address = regexp.MustCompile(`(?i)://|\b(password|host|dbname)\s*=|^[^/\\]*:[^/\\]*@`)

// checkPath refuses what SQLite would take for the name of a file that nobody meant. The
// error shows no part of an address, which may have a password in it.
func checkPath(driver, path string) error {
	switch {
	case address.MatchString(driver) || address.MatchString(path):
		return errors.New("OpenFile takes the driver's name and the path of a SQLite file, and not an address: " +
			"give that to sql.Open, and the database to Open")
	case path == "":
		return errors.New("the path of the file is empty")
	case path == ":memory:" || strings.HasPrefix(path, "file:"):
		return fmt.Errorf("%s is no path: give it to sql.Open, and the database to Open; "+
			"in memory each connection has a database of its own, so call SetMaxOpenConns(1) before", path)
	}
	if file, err := os.Stat(path); err == nil && file.IsDir() {
		return fmt.Errorf("%s is a folder", path)
	}
	if _, err := os.Stat(filepath.Dir(path)); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no folder %s: make it first", filepath.Dir(path))
	}
	return nil // of anything else SQLite knows more
}
