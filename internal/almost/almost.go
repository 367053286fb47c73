// Package almost finds optional interfaces that a value has with another signature, or by
// half: it is not used as one, and the compiler does not say so. It owns nothing, and
// imports nothing of the module.
package almost

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Types returns the interfaces that pointers point to, as in (*io.Reader)(nil).
func Types(pointers ...any) []reflect.Type {
	types := make([]reflect.Type, len(pointers))
	for i, p := range pointers {
		types[i] = reflect.TypeOf(p).Elem()
	}
	return types
}

// Find tells which of some optional interfaces a value has only almost, in a sentence
// each.
func Find(v any, mayBe []reflect.Type) []string {
	if v == nil {
		return nil
	}
	var found []string
	is := reflect.TypeOf(v)
	for i, wanted := range mayBe {
		if is.Implements(wanted) {
			continue
		}
		if has := namesakes(is, wanted, mayBe[:i]); len(has) > 0 {
			found = append(found, fmt.Sprintf("%v is not used as %s: it has %s, and needs %s",
				is, wanted.Name(), strings.Join(has, " and "), strings.Join(methodsOf(wanted), " and ")))
		} else if is.Kind() != reflect.Pointer && reflect.PointerTo(is).Implements(wanted) {
			found = append(found, fmt.Sprintf("%v is not used as %s: its pointer is one, and it is given as a value", is, wanted.Name()))
		}
	}
	return found
}

// namesakes are the methods of a type that have the name of one of an interface's, but
// for those that the interface has of others before it.
func namesakes(is, wanted reflect.Type, before []reflect.Type) []string {
	var has []string
	for i := range wanted.NumMethod() {
		name := wanted.Method(i).Name
		shared := slices.ContainsFunc(before, func(o reflect.Type) bool {
			_, ok := o.MethodByName(name)
			return ok
		})
		if m, ok := is.MethodByName(name); ok && !shared {
			has = append(has, signature(m.Name, m.Type, 1))
		}
	}
	return has
}

func methodsOf(wanted reflect.Type) []string {
	methods := make([]string, wanted.NumMethod())
	for i := range methods {
		m := wanted.Method(i)
		methods[i] = signature(m.Name, m.Type, 0)
	}
	return methods
}

// signature writes a method without its receiver, which is the first of from
// parameters.
func signature(name string, f reflect.Type, from int) string {
	var in, out []string
	for i := from; i < f.NumIn(); i++ {
		in = append(in, f.In(i).String())
	}
	for i := range f.NumOut() {
		out = append(out, f.Out(i).String())
	}
	text := name + "(" + strings.Join(in, ", ") + ")"
	switch len(out) {
	case 0:
		return text
	case 1:
		return text + " " + out[0]
	}
	return text + " (" + strings.Join(out, ", ") + ")"
}
