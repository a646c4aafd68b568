// Package jsonfile reads the JSON files of a project strictly: a duplicate key, an unknown field or a wrong type is
// an error that names the file, the path of the value and what would be right. All errors of a file are reported
// together. It knows no particular format; connector definitions and triggers are read with it.
package jsonfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/waybill-io/waybill/connectors/suggest"
)

// Limits of a file. A definition or trigger written by people stays far below them.
const (
	MaxSize  = 1 << 20
	MaxDepth = 64
)

// File is a file that is being read. It collects the errors.
type File struct {
	name string
	errs []error
}

// Parse reads data as one JSON object. The error is of syntax; errors of content are collected and told by Err.
func Parse(name string, data []byte) (*File, Object, error) {
	f := &File{name: name}
	if len(data) > MaxSize {
		return nil, Object{}, fmt.Errorf("%s: %d bytes, at most %d are allowed", name, len(data), MaxSize)
	}
	d := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))))
	d.UseNumber()
	value, err := f.value(d, "", 0)
	if err == nil {
		if _, extra := d.Token(); extra != io.EOF {
			err = errors.New("more after the end of the object; write one JSON object")
		}
	}
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		line := 1 + bytes.Count(data[:min(len(data), int(d.InputOffset()))], []byte("\n"))
		return nil, Object{}, fmt.Errorf("%s: line %d: %w", name, line, err)
	}
	fields, ok := value.(map[string]any)
	if !ok {
		return nil, Object{}, fmt.Errorf("%s: %s where a JSON object should be", name, kind(value))
	}
	return f, Object{file: f, fields: fields, seen: map[string]bool{}}, nil
}

// value reads one value from the tokens, since Unmarshal takes the last of two equal keys without a word.
func (f *File) value(d *json.Decoder, path string, depth int) (any, error) {
	if depth > MaxDepth {
		return nil, fmt.Errorf("nested deeper than %d", MaxDepth)
	}
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('{'):
		object := map[string]any{}
		for d.More() {
			key, err := d.Token()
			if err != nil {
				return nil, err
			}
			name, _ := key.(string) // the decoder lets only strings be keys
			at := join(path, name)
			if _, twice := object[name]; twice {
				f.Errorf(at, "given twice; keep one")
			}
			if object[name], err = f.value(d, at, depth+1); err != nil {
				return nil, err
			}
		}
		_, err = d.Token()
		return object, err
	case json.Delim('['):
		list := []any{}
		for d.More() {
			item, err := f.value(d, fmt.Sprintf("%s[%d]", path, len(list)), depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, item)
		}
		_, err = d.Token()
		return list, err
	}
	if n, ok := token.(json.Number); ok {
		if i, err := n.Int64(); err == nil {
			return i, nil
		}
		return n.Float64()
	}
	return token, nil
}

// Errorf records an error at a path.
func (f *File) Errorf(path, format string, args ...any) {
	if path != "" {
		path += ": "
	}
	f.errs = append(f.errs, fmt.Errorf("%s: %s%w", f.name, path, fmt.Errorf(format, args...)))
}

// Err joins all errors recorded so far.
func (f *File) Err() error { return errors.Join(f.errs...) }

// Object is a JSON object whose fields are asked for one by one. What was never asked for is unknown to Done.
type Object struct {
	file   *File
	path   string
	fields map[string]any
	seen   map[string]bool
}

// Path is where a field of the object stands in the file.
func (o Object) Path(field string) string { return join(o.path, field) }

// Errorf records an error at a field, or at the object itself when field is "".
func (o Object) Errorf(field, format string, args ...any) {
	o.file.Errorf(o.Path(field), format, args...)
}

// Any returns a field as it is: nil, bool, string, int64, float64, []any or map[string]any.
func (o Object) Any(field string) (any, bool) {
	o.seen[field] = true
	value, ok := o.fields[field]
	return value, ok && value != nil
}

// Keys are the names of all fields, sorted.
func (o Object) Keys() []string { return slices.Sorted(maps.Keys(o.fields)) }

// String returns a text field, or "" when it is absent.
func (o Object) String(field string) string { return read[string](o, field, "a string") }

// Bool returns a true-or-false field, or false when it is absent.
func (o Object) Bool(field string) bool { return read[bool](o, field, "true or false") }

// Required returns a text field that must be there and not be empty.
func (o Object) Required(field string) string {
	text := o.String(field)
	if _, there := o.Any(field); text == "" && (!there || o.fields[field] == "") {
		o.Errorf(field, "is required")
	}
	return text
}

// Object returns a field that is an object; an empty one when it is absent.
func (o Object) Object(field string) Object {
	return o.child(o.Path(field), read[map[string]any](o, field, "an object"))
}

// Objects returns the elements of a field that is a list of objects.
func (o Object) Objects(field string) []Object {
	var objects []Object
	for i, item := range read[[]any](o, field, "a list") {
		path := fmt.Sprintf("%s[%d]", o.Path(field), i)
		fields, ok := item.(map[string]any)
		if !ok {
			o.file.Errorf(path, "is %s; an object is expected", kind(item))
			continue
		}
		objects = append(objects, o.child(path, fields))
	}
	return objects
}

// Done records an error for every field that was not asked for.
func (o Object) Done() {
	for _, key := range o.Keys() {
		if !o.seen[key] {
			o.Errorf(key, "unknown field%s", suggest.Hint(key, slices.Collect(maps.Keys(o.seen))))
		}
	}
}

func (o Object) child(path string, fields map[string]any) Object {
	return Object{file: o.file, path: path, fields: fields, seen: map[string]bool{}}
}

func read[T any](o Object, field, expected string) (value T) {
	raw, ok := o.Any(field)
	if !ok {
		return value
	}
	value, ok = raw.(T)
	if !ok {
		o.Errorf(field, "is %s; %s is expected", kind(raw), expected)
	}
	return value
}

func join(path, field string) string {
	if path == "" || field == "" {
		return path + field
	}
	return path + "." + field
}

func kind(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case bool:
		return "true or false"
	case string:
		return "a string"
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	}
	return "a number"
}
