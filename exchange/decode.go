package exchange

import (
	"bytes"
	"fmt"
	"io"
	"reflect"
	"unicode/utf8"
)

// maxFileSize bounds a file that is read. The largest one that is embedded has
// less than a hundredth of it.
const maxFileSize = 8 << 20

// ReadMarket reads the JSON of a data file: UTF-8, with or without a byte order
// mark, and at most 8 MiB. It is strict: each key must be known, spelled exactly
// and given once, none that a Market always has may be missing, and none is null.
// An error names the line and the key, as in
//
//	line 12: days[3].status: want a string
//
// ReadMarket decodes and no more. Market.Build checks what the data say.
func ReadMarket(r io.Reader) (Market, error) {
	data, err := readText(r)
	if err != nil {
		return Market{}, err
	}
	walk, err := newJSONReader(data)
	if err != nil {
		return Market{}, err
	}
	var m Market
	if err := walk.value(reflect.ValueOf(&m).Elem(), ""); err != nil {
		return Market{}, err
	}
	return m, nil
}

// readText reads all of a text file, without its byte order mark.
func readText(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxFileSize+1))
	switch {
	case err != nil:
		return nil, err
	case len(data) > maxFileSize:
		return nil, fmt.Errorf("larger than %d MiB", maxFileSize>>20)
	}
	if !utf8.Valid(data) {
		return nil, fmt.Errorf("line %d: not UTF-8", lineAt(data, firstInvalid(data)))
	}
	return bytes.TrimPrefix(data, []byte("\uFEFF")), nil
}

// firstInvalid returns the offset of the first byte that is not UTF-8.
func firstInvalid(data []byte) int {
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return len(data)
}

// lineAt returns the number of the line in which the byte at offset lies.
func lineAt(data []byte, offset int) int {
	return 1 + bytes.Count(data[:min(offset, len(data))], []byte("\n"))
}
