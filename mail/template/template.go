package template

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"

	"github.com/waybill-io/waybill/freemarker"
	"github.com/waybill-io/waybill/mail"
)

// Limits of a template, in bytes of one part, and of making one mail of it.
const (
	MaxSource  = 64 << 10
	MaxOutput  = 1 << 20
	maxSubject = 500
	maxTurns   = 100_000
	maxTime    = 2 * time.Second
)

// Engines are the languages of templates.
const (
	Go         = "go"
	FreeMarker = "freemarker"
)

// Template is the text of a mail in one language. It has HTML, Text or both; without Text, the plain text is made from HTML.
type Template struct {
	Subject string `json:"subject,omitempty"`
	HTML    string `json:"html,omitempty"`
	Text    string `json:"text,omitempty"`
	Engine  string `json:"engine,omitempty"` // Go, also for "", or FreeMarker
	From    string `json:"from,omitempty"`   // the sender, "Name <address>" or an address; "": that of the tenant. It takes no values
}

// Mail is what came of a template.
type Mail struct {
	From    mail.Address // empty: the template names none
	Subject string       // on one line
	Text    string       // never empty
	HTML    string       // may be empty
}

// Parsed is a template that has been read. It is safe for concurrent use.
type Parsed struct {
	name    string
	from    mail.Address
	subject part
	html    part // nil: none
	text    part // nil: made from html
}

// part is one piece of a template. Its bounds are those of the clock that it is given.
type part interface {
	render(w *output, data map[string]any, c *clock) error
}

// Parse reads a template. Its name is for errors, which say the line.
func (t Template) Parse(name string) (*Parsed, error) { return t.parse(name, lines{1, 1, 1}) }

// lines are where the parts begin in a file.
type lines struct{ subject, html, text int }

func (t Template) parse(name string, at lines) (*Parsed, error) {
	p := &Parsed{name: name}
	if t.HTML == "" && t.Text == "" {
		return nil, fmt.Errorf("%s: the template is empty: it has neither HTML nor text", name)
	}
	var errs []error
	var err error
	if p.from, err = sender(t.From); err != nil {
		errs = append(errs, fmt.Errorf("%s: %w", name, err))
	}
	for _, piece := range []struct {
		what, source string
		line         int
		isHTML       bool
		to           *part
	}{{"subject", t.Subject, at.subject, false, &p.subject}, {"HTML", t.HTML, at.html, true, &p.html}, {"text", t.Text, at.text, false, &p.text}} {
		if piece.source == "" && piece.what != "subject" {
			continue
		}
		if len(piece.source) > MaxSource {
			errs = append(errs, fmt.Errorf("%s: the %s has %d bytes, at most %d are allowed", name, piece.what, len(piece.source), MaxSource))
			continue
		}
		*piece.to, err = parsePart(t.Engine, name, piece.source, piece.line, piece.isHTML)
		if err != nil {
			errs = append(errs, err)
		}
	}
	return p, errors.Join(errs...)
}

// sender reads a field From; "" is none.
func sender(text string) (mail.Address, error) {
	if text == "" {
		return mail.Address{}, nil
	}
	from, err := mail.ParseAddress(text)
	if err != nil || strings.ContainsFunc(text, unicode.IsControl) {
		return mail.Address{}, fmt.Errorf("from: %q is no address such as Name <name@example.com>", text)
	}
	return from, nil
}

func parsePart(engine, name, source string, line int, isHTML bool) (part, error) {
	source = strings.Repeat("\n", line-1) + source // so that errors have the line of the file
	switch engine {
	case "", Go:
		return parseGo(name, source, isHTML)
	case FreeMarker:
		format := freemarker.Text
		if isHTML {
			format = freemarker.HTML
		}
		t, err := freemarker.Parse(name, source, format)
		return freemarkerPart{t}, err
	}
	return nil, fmt.Errorf("%s: engine: %q is neither %s nor %s", name, engine, Go, FreeMarker)
}

// Render makes a mail. Data are values of JSON. The error names the template, the line and what is missing.
func (p *Parsed) Render(data map[string]any) (Mail, error) {
	data = plain(data)
	m := Mail{From: p.from}
	c := &clock{end: time.Now().Add(maxTime)}
	for _, piece := range []struct {
		part part
		to   *string
	}{{p.subject, &m.Subject}, {p.html, &m.HTML}, {p.text, &m.Text}} {
		if piece.part == nil {
			continue
		}
		w := &output{}
		if err := piece.part.render(w, data, c); err != nil {
			return Mail{}, fmt.Errorf("template %s: %w", p.name, err)
		}
		*piece.to = strings.TrimSpace(w.String())
	}
	m.Subject = OneLine(m.Subject)
	m.Text = gaps.ReplaceAllString(m.Text, "\n\n")
	if p.text == nil {
		m.Text = plainText(m.HTML)
	}
	if m.Text == "" && m.HTML != "" {
		m.Text = m.Subject // of HTML that shows no text, such as an image
	}
	if m.Text == "" {
		return Mail{}, fmt.Errorf("template %s: the mail that it makes is empty", p.name)
	}
	return m, nil
}

// gaps are where parts were left out.
var gaps = regexp.MustCompile(`\n\s*\n\n`)

// OneLine keeps a subject on its line and within what people read: a line end in it would begin another header.
func OneLine(subject string) string {
	subject = line(subject)
	if len(subject) > maxSubject {
		subject = strings.ToValidUTF8(subject[:maxSubject], "") + "…"
	}
	return subject
}

// apart tells whether a character parts the words of a line: white space, control characters, and those that have what follows read in another direction,
// with which a name looks like another.
func apart(r rune) bool {
	return unicode.IsSpace(r) || unicode.IsControl(r) || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}

// output is what a part makes, up to MaxOutput.
type output struct{ strings.Builder }

var errTooLong = fmt.Errorf("makes more than %d bytes", MaxOutput)

func (o *output) Write(b []byte) (int, error) {
	if o.Len()+len(b) > MaxOutput {
		return 0, errTooLong
	}
	return o.Builder.Write(b)
}

func (o *output) WriteString(s string) (int, error) { return o.Write([]byte(s)) }

// freemarkerPart is bounded by itself but for its size.
type freemarkerPart struct{ *freemarker.Template }

func (p freemarkerPart) render(w *output, data map[string]any, _ *clock) error {
	return p.Render(w, data)
}

var (
	_ part = freemarkerPart{}
	_ part = textPart{}
	_ part = htmlPart{}
)
