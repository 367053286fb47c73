package exchange

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// The endings of data files.
const (
	extMarket    = ".json"
	extHolidays  = ".nse.json"
	extOverrides = ".csv"
)

// maxFiles bounds the files of a directory: there are fewer exchanges.
const maxFiles = 1000

// LoadFile reads one file, a market's data, its holidays of a year or overrides of
// its days, by the rules of LoadFS. The error names the folder too.
func LoadFile(file string) (*Set, error) {
	files, err := readFile(file)
	if err != nil {
		return nil, inFolder(filepath.Dir(file), err)
	}
	set, err := newSet(files)
	if err != nil {
		return nil, inFolder(filepath.Dir(file), err)
	}
	return set, nil
}

// LoadDir reads the files of a directory by the rules of LoadFS. The error names the
// directory too.
func LoadDir(dir string) (*Set, error) {
	set, err := LoadFS(os.DirFS(dir))
	if err != nil {
		return nil, inFolder(dir, err)
	}
	return set, nil
}

// inFolder names the folder of files that were refused. Where it cannot be read
// itself, the error of the system calls it by a dot.
func inFolder(dir string, err error) error {
	var failed *fs.PathError
	if errors.As(err, &failed) && failed.Path == "." {
		err = fmt.Errorf("%s: %w", failed.Op, failed.Err)
	}
	return fmt.Errorf("calendars in %s: %w", dir, err)
}

// LoadFS reads the files at the root of a file system.
//
// <MIC>.json is the data of a market, for ReadMarket, in place of the embedded
// ones. It is refused if it lists no day of a time of which these list some, as it
// was emptied then. <MIC>.csv holds overrides, for ReadOverrides, for all calendars of a
// market, be it of such a file or embedded, and a file such as XNSE.FO.csv those
// for one of its calendars, which go before the market's.
//
// A file such as XNSE.2027.nse.json is a holiday list of the National Stock
// Exchange of India, for ReadNSEHolidays, from which the days of that year are
// taken, as they are for shares, or, from XIMC.COM.2027.nse.json, as they are for another
// segment. It extends the coverage of all calendars of the
// market to the end of that year, as NSEHolidays.Apply does. If the market's data
// cover days of that year already, it changes nothing: they may know closures
// that were announced after the list. Overrides go on top of it.
//
// Hidden files, those whose names end in ~ or # and README.md are passed over; any
// other one is an error, so that a misspelled name does not go unnoticed. So are
// directories.
//
// Everything is checked before there is a Set. The error names each file with the
// line or the key of its first ten problems, and tells how many more there are.
func LoadFS(fsys fs.FS) (*Set, error) {
	files, err := readDir(fsys)
	if err != nil {
		return nil, err
	}
	return newSet(files)
}

// readPath reads a file, or the files of a directory.
func readPath(name string) (map[string][]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return readDir(os.DirFS(name))
	}
	return readFile(name)
}

// readFile returns the content of one file under its base name.
func readFile(file string) (map[string][]byte, error) {
	name := filepath.Base(file)
	if !isData(name) {
		return nil, unknownFile(name)
	}
	data, err := readOne(os.DirFS(filepath.Dir(file)), name)
	if err != nil {
		return nil, err
	}
	return map[string][]byte{name: data}, nil
}

// readDir returns the contents of the files at the root of a file system.
func readDir(fsys fs.FS) (map[string][]byte, error) {
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return nil, err
	}
	if len(entries) > maxFiles {
		return nil, fmt.Errorf("more than %d files", maxFiles)
	}
	files := make(map[string][]byte)
	var p problems
	for _, e := range entries {
		name := e.Name()
		switch {
		case strings.HasPrefix(name, "."), strings.HasSuffix(name, "~"), strings.HasSuffix(name, "#"), name == "README.md":
			continue
		case !isData(name):
			p = append(p, unknownFile(name))
			continue
		}
		if files[name], err = readOne(fsys, name); err != nil {
			p = append(p, err)
		}
	}
	if len(p) > 0 {
		return nil, p.first()
	}
	return files, nil
}

func isData(name string) bool {
	_, ext := splitName(name)
	return ext != ""
}

// splitName parts the name of a data file from its ending, which is empty if the
// name is that of another file.
func splitName(name string) (stem, ext string) {
	for _, ext := range []string{extHolidays, extMarket, extOverrides} {
		if stem, ok := strings.CutSuffix(name, ext); ok {
			return stem, ext
		}
	}
	return name, ""
}

func unknownFile(name string) error {
	return fmt.Errorf("%s: is no data of a calendar: want <MIC>.json, <MIC>.<year>.nse.json or <calendar>.csv", name)
}

// readOne reads a file up to the size that the readers take, and a byte more, so
// that they refuse a larger one.
func readOne(fsys fs.FS, name string) ([]byte, error) {
	info, err := fs.Stat(fsys, name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: is no regular file", name)
	}
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFileSize+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return data, nil
}
