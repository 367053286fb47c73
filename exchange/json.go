package exchange

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
)

// jsonReader walks over the tokens of one JSON value. Package json alone would
// not do: it takes keys in any case, the last of two equal ones, and says
// neither line nor key of a text that does not parse.
type jsonReader struct {
	data []byte
	dec  *json.Decoder
}

// newJSONReader returns a reader of data, which it has found to be one value of
// sound syntax: the steps of the walk need not look for that.
func newJSONReader(data []byte) (*jsonReader, error) {
	var whole json.RawMessage
	if err := json.Unmarshal(data, &whole); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			return nil, fmt.Errorf("line %d: %w", lineAt(data, int(syntax.Offset)), err)
		}
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber() // a number is refused for its place, not for its size
	return &jsonReader{data: data, dec: dec}, nil
}

// fail returns the error of the key that was just read.
func (r *jsonReader) fail(key, format string, args ...any) error {
	line := lineAt(r.data, int(r.dec.InputOffset()))
	if key == "" {
		return fmt.Errorf("line %d: %w", line, fmt.Errorf(format, args...))
	}
	return fmt.Errorf("line %d: %s: %w", line, key, fmt.Errorf(format, args...))
}

// value reads the next value into v, whose type is made of structs, slices,
// pointers, strings and what unmarshals itself from text.
func (r *jsonReader) value(v reflect.Value, key string) error {
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return r.text(key, u.UnmarshalText)
	}
	switch v.Kind() {
	case reflect.Struct:
		return r.structure(v, key)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 0, 0)) // nil is null when it is written
		return r.list(key, func(key string) error {
			v.Set(reflect.Append(v, reflect.Zero(v.Type().Elem())))
			return r.value(v.Index(v.Len()-1), key)
		})
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return r.value(v.Elem(), key)
	default:
		return r.text(key, func(text []byte) error {
			v.SetString(string(text))
			return nil
		})
	}
}

// text reads a string and hands it to set.
func (r *jsonReader) text(key string, set func([]byte) error) error {
	text, err := r.str(key)
	if err != nil {
		return err
	}
	if err := set([]byte(text)); err != nil {
		return r.fail(key, "%w", err)
	}
	return nil
}

// str reads a string.
func (r *jsonReader) str(key string) (string, error) {
	token, err := r.dec.Token()
	if err != nil {
		return "", err
	}
	text, ok := token.(string)
	if !ok {
		return "", r.fail(key, "want a string")
	}
	return text, nil
}

// strOrNull reads a string, or a null as the empty one.
func (r *jsonReader) strOrNull() (string, error) {
	token, err := r.dec.Token()
	text, _ := token.(string)
	return text, err
}

// structure reads an object whose keys are those of v's fields. A field that is
// never left out when it is written must be there when it is read: a window
// without a start would begin at midnight.
func (r *jsonReader) structure(v reflect.Value, key string) error {
	fields := make(map[string]reflect.Value)
	var required []string
	for i := range v.NumField() {
		name, options, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		fields[name] = v.Field(i)
		if options == "" {
			required = append(required, name)
		}
	}
	seen := make(map[string]bool)
	err := r.object(key, func(name, key string) error {
		field, ok := fields[name]
		if !ok {
			return r.fail(key, "unknown key")
		}
		seen[name] = true
		return r.value(field, key)
	})
	if err != nil {
		return err
	}
	for _, name := range required {
		if !seen[name] {
			return r.fail(key, "key %q is missing", name)
		}
	}
	return nil
}

// object reads an object and calls field for each key, which must read the
// value: name is the key itself and key the way to it from the top.
func (r *jsonReader) object(key string, field func(name, key string) error) error {
	if token, err := r.dec.Token(); err != nil || token != json.Delim('{') {
		return r.fail(key, "want an object")
	}
	seen := make(map[string]bool)
	for r.dec.More() {
		name, err := r.str(key)
		if err != nil {
			return err
		}
		at := name
		if key != "" {
			at = key + "." + name
		}
		if seen[name] {
			return r.fail(at, "the key is given twice")
		}
		seen[name] = true
		if err := field(name, at); err != nil {
			return err
		}
	}
	_, err := r.dec.Token()
	return err
}

// list reads a list and calls item for each of its items, which must read it. A
// null is refused: it says that a list is missing, and not that it is empty.
func (r *jsonReader) list(key string, item func(key string) error) error {
	token, err := r.dec.Token()
	if err != nil || token != json.Delim('[') {
		return r.fail(key, "want a list")
	}
	for i := 0; r.dec.More(); i++ {
		if err := item(fmt.Sprintf("%s[%d]", key, i)); err != nil {
			return err
		}
	}
	_, err = r.dec.Token()
	return err
}

// skip reads the next value, whatever it is.
func (r *jsonReader) skip() error {
	var value json.RawMessage
	return r.dec.Decode(&value)
}
