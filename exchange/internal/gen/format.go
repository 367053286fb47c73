package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/tradeclock/tradeclock/exchange"
)

// lineWidth is how long a line of a data file may get before it is broken up.
const lineWidth = 160

// format returns the market as JSON that is pleasant to read and to compare: an
// object or a list is on one line if it fits, so that most days are.
func format(m exchange.Market) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(m); err != nil {
		return nil, fmt.Errorf("%s: %w", m.MIC, err)
	}
	text, err := layOut(json.NewDecoder(&b), "", 0)
	return []byte(text + "\n"), err
}

// layOut returns the next value that in holds, where the line which it begins on
// has the indent and used characters after it.
func layOut(in *json.Decoder, indent string, used int) (string, error) {
	var raw json.RawMessage
	if err := in.Decode(&raw); err != nil {
		return "", err
	}
	if raw[0] != '{' && raw[0] != '[' {
		return string(raw), nil
	}
	items, err := itemsOf(raw, indent+"  ")
	if err != nil {
		return "", err
	}
	first, last := string(raw[0]), string(raw[len(raw)-1])
	line := first + strings.Join(items, ", ") + last
	fits := len(indent)+used+utf8.RuneCountInString(line) <= lineWidth
	if fits && !strings.Contains(line, "\n") {
		return line, nil
	}
	return first + "\n" + indent + "  " + strings.Join(items, ",\n"+indent+"  ") + "\n" + indent + last, nil
}

// itemsOf returns the members of an object or the elements of a list.
func itemsOf(raw json.RawMessage, indent string) ([]string, error) {
	in := json.NewDecoder(bytes.NewReader(raw))
	if _, err := in.Token(); err != nil {
		return nil, err
	}
	var items []string
	for in.More() {
		key := ""
		if raw[0] == '{' {
			name, err := in.Token()
			if err != nil {
				return nil, err
			}
			key = fmt.Sprintf("%q: ", name)
		}
		value, err := layOut(in, indent, len(key)+1) // and a comma
		if err != nil {
			return nil, err
		}
		items = append(items, key+value)
	}
	return items, nil
}
