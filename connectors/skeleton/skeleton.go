package skeleton

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"go/format"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/waybill-io/waybill/connectors"
)

//go:embed files
var files embed.FS

// names are what the files call the connector.
type names struct {
	Name    string // order-desk
	Package string // orderdesk
	Setting string // ORDER_DESK
}

// Write writes the connector into the folder dir/NAME, which must not be there, and returns the paths of the files.
func Write(dir, name string) ([]string, error) {
	if !connectors.ValidName(name) {
		return nil, fmt.Errorf("%q is not a connector name: %s", name, connectors.NameRule)
	}
	folder := filepath.Join(dir, name)
	if _, err := os.Lstat(folder); err == nil {
		return nil, fmt.Errorf("%s is there already; choose another name, or remove it first", folder)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	n := names{Name: name, Package: strings.ReplaceAll(name, "-", ""), Setting: strings.ToUpper(strings.ReplaceAll(name, "-", "_"))}
	if token.IsKeyword(n.Package) {
		n.Package += "connector"
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}
	var written []string
	for _, f := range []struct{ from, to string }{
		{"connector.json", name + ".json"}, {"doc.go", "doc.go"}, {"connector.go", name + ".go"}, {"connector_test.go", name + "_test.go"},
	} {
		path := filepath.Join(folder, f.to)
		text, err := n.fill(f.from)
		if err == nil {
			err = os.WriteFile(path, text, 0o644)
		}
		if err != nil {
			return written, fmt.Errorf("%s: %w", path, err)
		}
		written = append(written, path)
	}
	return written, nil
}

func (n names) fill(file string) ([]byte, error) {
	t, err := template.New("").Delims("[[", "]]").ParseFS(files, "files/"+file+".tmpl")
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	if err := t.ExecuteTemplate(&text, file+".tmpl", n); err != nil {
		return nil, err
	}
	if filepath.Ext(file) == ".go" {
		return format.Source(text.Bytes())
	}
	return text.Bytes(), nil
}
