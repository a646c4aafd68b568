package camunda

import (
	"encoding/base64"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// content is a variable of the types Bytes and File, or an Object that is no JSON. In a process
//
//	a File is    {"name", "mediaType", "text"}, as connectors have files, or with "data", base64, in the place of "text" when it is no text;
//	             and "encoding", where it has one;
//	Bytes are    {"mediaType": "application/octet-stream", "data"};
//	an Object is {"objectTypeName", "serializationDataFormat", "serialized"},
//
// and what has just these parts is one again when a worker fetches it.
type content struct {
	kind  string // Bytes, File, Object
	bytes []byte
	info  map[string]any
}

const (
	octets     = "application/octet-stream"
	serialized = "serialized"
)

// value is a content as workers get it. That of a file is only given to who asks for it, as in Camunda.
func (c content) value() value {
	v := value{Type: c.kind, Info: c.info}
	switch c.kind {
	case "Bytes":
		v.Value = base64.StdEncoding.EncodeToString(c.bytes)
	case "Object":
		v.Value = string(c.bytes)
	}
	return v
}

// contentOf tells whether a variable is a content.
func contentOf(v map[string]any) (c content, ok bool) {
	texts := map[string]string{}
	for name, part := range v {
		if texts[name], ok = part.(string); !ok {
			return c, false
		}
	}
	c.info = map[string]any{}
	encoding, encoded := texts["encoding"]
	if encoded {
		c.info["encoding"] = encoding
		delete(texts, "encoding")
	}
	is := func(parts ...string) bool { return slices.Equal(slices.Sorted(maps.Keys(texts)), parts) }
	switch {
	case is("mediaType", "name", "text"):
		c.kind, c.bytes = "File", []byte(texts["text"])
	case is("data", "mediaType", "name"):
		c.kind = "File"
	case is("data", "mediaType") && !encoded && texts["mediaType"] == octets:
		c.kind = "Bytes"
	case is(objectTypeName, dataFormat, serialized) && !encoded:
		c.kind, c.bytes = "Object", []byte(texts[serialized])
		c.info[objectTypeName], c.info[dataFormat] = texts[objectTypeName], texts[dataFormat]
	default:
		return c, false
	}
	if c.kind == "File" {
		c.info["filename"], c.info["mimeType"] = texts["name"], texts["mediaType"]
	}
	if data, there := texts["data"]; there {
		var err error
		c.bytes, err = base64.StdEncoding.DecodeString(data)
		return c, err == nil
	}
	return c, true
}

// kept is an object of which nothing is known here but what its worker says.
func kept(text, format string, info map[string]any) map[string]any {
	class, _ := info[objectTypeName].(string)
	return map[string]any{objectTypeName: class, dataFormat: format, serialized: text}
}

func bytesOf(text string) (map[string]any, error) {
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, err
	}
	return map[string]any{"mediaType": octets, "data": base64.StdEncoding.EncodeToString(data)}, nil
}

// file is the variable that a File is. Clients name its media type mimeType, and camunda-external-task-client-js mimetype.
func (v value) file() (any, error) {
	info := func(names ...string) (text string) {
		for _, name := range names {
			if s, ok := v.Info[name].(string); ok && text == "" {
				text = s
			}
		}
		return text
	}
	name := info("filename")
	if name == "" {
		return nil, invalid("Cannot create file without filename! Please set a name into ValueInfo with key filename")
	}
	text, ok := v.Value.(string)
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil || !ok && v.Value != nil {
		return nil, invalid("Cannot convert value '%.100v' of type '%s' to java type [B", v.Value, v.Type)
	}
	file := map[string]any{"name": name, "mediaType": octets}
	if kind := info("mimeType", "mimetype"); kind != "" {
		file["mediaType"] = kind
	}
	encoding := info("encoding")
	if encoding != "" {
		file["encoding"] = encoding
	}
	if utf8.Valid(data) && (encoding == "" || strings.EqualFold(encoding, "utf-8")) && !slices.Contains(data, 0) {
		file["text"] = string(data)
	} else {
		file["data"] = text
	}
	return file, nil
}
