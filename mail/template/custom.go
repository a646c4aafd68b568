package template

import (
	"errors"
	"fmt"
	"path"
	"strings"
)

// Custom is a template that a model brings along: HTML or a file. It is in FreeMarker, unless the file is one of ReadFile's.
type Custom struct {
	From    string
	Subject string // in FreeMarker; "": that of the file, if it has one
	File    string // the name of the file; "": Text is HTML
	Text    string
}

// Parse reads the template. Its name is for errors. A mail that it makes has no subject when neither it nor its file has one.
func (c Custom) Parse(name string) (*Parsed, error) {
	t := Template{Engine: FreeMarker, HTML: c.Text}
	var failed error
	switch file := path.Base(c.File); {
	case IsFile(file):
		_, t, failed = ReadFile(file, []byte(c.Text))
	case strings.HasSuffix(strings.TrimSuffix(strings.ToLower(file), ".ftl"), ".txt"):
		t.HTML, t.Text = "", c.Text
	}
	if failed != nil {
		return nil, fmt.Errorf("%s: %w", name, failed)
	}
	if c.From != "" {
		t.From = c.From
	}
	p, err := t.Parse(name)
	if c.Subject != "" && p != nil {
		subject, subjectErr := parsePart(FreeMarker, name+": subject", c.Subject, 1, false)
		p.subject, err = subject, errors.Join(err, subjectErr)
	}
	return p, err
}
