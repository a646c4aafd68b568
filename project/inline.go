package project

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/waybill-io/waybill/bpmn"
	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/connectors/suggest"
	"github.com/waybill-io/waybill/freemarker"
)

// maxInline bounds a file that travels with a definition, in bytes.
const maxInline = 64 << 10

// folder is a project folder that files are read from. os.Root keeps links from leading out of it.
type folder struct {
	root *os.Root
	err  error
}

func (l *loader) open(path string) (*os.Root, error) {
	f, ok := l.folders[path]
	if !ok {
		f = &folder{}
		f.root, f.err = os.OpenRoot(path)
		l.folders[path] = f
	}
	return f.root, f.err
}

func (l *loader) close() {
	for _, f := range l.folders {
		if f.err == nil {
			_ = f.root.Close() // was only read
		}
	}
	for _, u := range l.unpacked {
		_ = os.RemoveAll(u.dir) // else the system does, some day
	}
}

// inliner puts the text of files where the extensions of a model name them.
type inliner struct {
	loader *loader
	name   string // of the extensions file
	folder string

	template bool // the input at hand takes a mail template
}

// inline rewrites the extensions: for an input of type file, {"type":"value","value":"templates/reply.ftl"} becomes
// {"type":"file","value":{"name","mediaType","text"}}. bpmn.Parse has accepted the file, so its shape is known.
func (i *inliner) inline(extensions []byte, m *bpmn.Model) []byte {
	var root map[string]any
	d := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(extensions, []byte("\xef\xbb\xbf"))))
	d.UseNumber()
	if err := d.Decode(&root); err != nil {
		i.loader.fail(fmt.Errorf("%s: %w", i.name, err))
		return nil
	}
	byProcess, later := root["extensions"].(map[string]any)
	for _, p := range m.Processes {
		scope := root
		if later {
			scope = object(byProcess, p.ID)
		}
		for _, n := range p.Nodes {
			i.node(scope, n)
		}
		i.mails(scope)
	}
	text, err := json.Marshal(root)
	if err != nil {
		i.loader.fail(fmt.Errorf("%s: %w", i.name, err))
	}
	return text
}

// fromText is the value of an integer, a boolean or a list that is written as text: the original product's schema allows constants nothing
// else. ok is false for every other type, and for text that is none of the type.
func fromText(t connectors.Type, text string) (value any, ok bool) {
	switch t {
	case connectors.TypeInteger:
		n, err := strconv.ParseInt(text, 10, 64)
		return n, err == nil
	case connectors.TypeBoolean:
		return text == "true", text == "true" || text == "false"
	case connectors.TypeArray:
		var list []any
		err := json.Unmarshal([]byte(text), &list)
		return list, err == nil && list != nil
	}
	return nil, false
}

func (i *inliner) node(scope map[string]any, n *bpmn.Node) {
	connector, action := connectors.SplitImplementation(n.Implementation)
	d := i.loader.known[connector]
	if d == nil {
		return
	}
	feature, err := d.Action(action)
	if err != nil {
		return // checkConnectors has told
	}
	for _, input := range feature.Inputs {
		for _, part := range []struct {
			name   string
			params map[string]any
		}{
			{"inputs", object(object(object(scope, "mappings"), n.ID), "inputs")},
			{"constants", object(object(scope, "constants"), n.ID)},
		} {
			entry := object(part.params, input.Name)
			if input.Type != connectors.TypeFile {
				kind, _ := entry["type"].(string)
				if text, ok := entry["value"].(string); ok && !strings.EqualFold(kind, "variable") {
					if value, ok := fromText(input.Type, text); ok {
						entry["value"] = value
					}
				}
				continue
			}
			if kind, _ := entry["type"].(string); strings.EqualFold(kind, "variable") || kind == "file" {
				continue
			}
			// The email connector takes any file for a template.
			i.template = connector == "email" && input.Name == "template"
			value, found, err := i.value(entry["value"])
			switch {
			case err != nil:
				i.loader.fail(fmt.Errorf("%s: %s of %s: %s: %w", i.name, part.name, n.ID, input.Name, err))
			case found:
				entry["type"], entry["value"] = "file", value
			}
		}
	}
}

// value replaces the name of a file, or a list of names. found is false when it names none: an expression, or a file
// that is written out.
func (i *inliner) value(v any) (value any, found bool, err error) {
	switch v := v.(type) {
	case string:
		if v == "" || strings.Contains(v, "${") || strings.Contains(v, "#{") {
			return nil, false, nil
		}
		file, err := i.file(v)
		if err != nil {
			return nil, false, err
		}
		return file.Value(), true, nil
	case []any:
		var files []any
		for _, item := range v {
			name, ok := item.(string)
			if !ok || strings.Contains(name, "${") || strings.Contains(name, "#{") {
				return nil, false, nil
			}
			file, err := i.file(name)
			if err != nil {
				return nil, false, err
			}
			files = append(files, file.Value())
		}
		return files, len(files) > 0, nil
	}
	return nil, false, nil
}

func (i *inliner) file(name string) (connectors.File, error) {
	if !filepath.IsLocal(filepath.FromSlash(name)) || strings.Contains(name, `\`) {
		return connectors.File{}, fmt.Errorf("%q: the name of a file in %s is expected, with forward slashes", name, i.folder)
	}
	root, err := i.loader.open(i.folder)
	if err != nil {
		return connectors.File{}, err
	}
	name = path.Clean(name)
	f, err := root.Open(filepath.FromSlash(name))
	if errors.Is(err, fs.ErrNotExist) {
		return connectors.File{}, fmt.Errorf("%q: there is no such file in %s%s", name, i.folder, near(root, name))
	}
	if err != nil {
		return connectors.File{}, fmt.Errorf("%q: a file inside %s is expected: %w", name, i.folder, err)
	}
	defer f.Close()
	data, err := bounded(name, f, maxInline)
	if err != nil {
		return connectors.File{}, err
	}
	if !utf8.Valid(data) {
		return connectors.File{}, fmt.Errorf("%q: only text in UTF-8 can travel with a process", name)
	}
	i.loader.used[filepath.Join(i.folder, filepath.FromSlash(name))] = true
	file := connectors.File{Name: path.Base(name), MediaType: mediaType(name), Text: string(data)}
	if ending := path.Ext(name); i.template || ending == ".ftl" || ending == ".ftlh" {
		// A mistake in a template shows now and not when the first mail is due. What it makes, text or HTML, is the same to its syntax.
		_, err = freemarker.Parse(filepath.Join(i.folder, filepath.FromSlash(name)), file.Text, freemarker.HTML)
	}
	return file, err
}

// near names the file of the same folder that was probably meant.
func near(root *os.Root, name string) string {
	entries, err := fs.ReadDir(root.FS(), path.Dir(name))
	if err != nil {
		return ""
	}
	var known []string
	for _, e := range entries {
		known = append(known, path.Join(path.Dir(name), e.Name()))
	}
	if meant := suggest.Nearest(name, known); meant != "" {
		return fmt.Sprintf("; did you mean %q?", meant)
	}
	return ""
}

// mediaType goes by the ending alone, and by a list of our own: the system's would change digests between machines.
func mediaType(name string) string {
	name = strings.ToLower(name)
	if inner, template := strings.CutSuffix(name, ".ftl"); template && path.Ext(inner) != "" {
		name = inner // reply.txt.ftl makes text
	}
	switch path.Ext(name) {
	case ".html", ".htm", ".ftl", ".ftlh":
		return "text/html"
	case ".json":
		return "application/json"
	case ".xml":
		return "application/xml"
	case ".csv":
		return "text/csv"
	case ".md":
		return "text/markdown"
	case ".svg":
		return "image/svg+xml"
	case ".ics":
		return "text/calendar"
	}
	return "text/plain"
}

// object is a field that is an object; nil, which reads as empty, when it is not there.
func object(of map[string]any, field string) map[string]any {
	inner, _ := of[field].(map[string]any)
	return inner
}
