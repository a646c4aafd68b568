package template

import (
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

// The endings of template files. What stands before is the name, with _ and the locale behind it: task-assigned_de.mail.html.
const (
	EndingGo         = ".mail.html"
	EndingFreeMarker = ".mail.ftl"
)

// IsFile reports whether a file is a template of a mail, by its name.
func IsFile(name string) bool {
	return strings.HasSuffix(name, EndingGo) || strings.HasSuffix(name, EndingFreeMarker)
}

// textMark is the line behind which the plain text stands, a comment to editors of HTML.
const textMark = "<!-- text -->"

// headers are the fields of the head of a file.
var headers = []string{"Subject", "From", "Tenant"}

// ReadFile reads a template file: a head of fields (Subject, From, Tenant), an empty line, the HTML and, behind a line "<!-- text -->",
// the plain text. The last two may be missing, not both. The error joins all that is wrong, each with file and line.
func ReadFile(file string, content []byte) (Key, Template, error) {
	key, engine, err := keyOf(file)
	if err != nil {
		return key, Template{}, err
	}
	t := Template{Engine: engine}
	if !utf8.Valid(content) {
		return key, t, fmt.Errorf("%s: a template is text in UTF-8", file)
	}
	source := strings.ReplaceAll(strings.TrimPrefix(string(content), "\ufeff"), "\r\n", "\n")
	at := lines{1, 1, 1}
	n := 0 // lines read
	seen := map[string]int{}
	for {
		var line string
		var more bool
		line, source, more = strings.Cut(source, "\n")
		n++
		if strings.TrimSpace(line) == "" {
			break
		}
		name, value, ok := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch {
		case !ok || !slices.Contains(headers, name):
			return key, t, fmt.Errorf("%s: line %d: the file begins with its head, fields of %s, and an empty line behind them", file, n, strings.Join(headers, ", "))
		case seen[name] > 0:
			return key, t, fmt.Errorf("%s: line %d: the field %s is in line %d already", file, n, name, seen[name])
		case name == "Subject":
			t.Subject, at.subject = value, n
		case name == "From":
			t.From = value
		case name == "Tenant":
			key.Tenant = value
		}
		seen[name] = n
		if !more {
			break
		}
	}
	if t.Subject == "" {
		return key, t, fmt.Errorf("%s: line 1: the subject is missing; the file begins with a field Subject", file)
	}
	body, plain, marked := strings.Cut("\n"+source, "\n"+textMark+"\n")
	at.html = n + 1
	at.text = n + strings.Count(body, "\n") + 2
	t.HTML = strings.TrimPrefix(body, "\n")
	if strings.TrimSpace(t.HTML) == "" {
		t.HTML = ""
	}
	if marked {
		t.Text = plain
	}
	if err := key.Validate(); err != nil { // that of the name of the file has been checked
		return key, t, fmt.Errorf("%s: line %d: %w", file, seen["Tenant"], err)
	}
	if _, err := sender(t.From); err != nil {
		return key, t, fmt.Errorf("%s: line %d: %w", file, seen["From"], err)
	}
	_, err = t.parse(file, at)
	return key, t, err
}

func keyOf(file string) (Key, string, error) {
	name, engine := path.Base(filepath.ToSlash(file)), Go
	base, ok := strings.CutSuffix(name, EndingGo)
	if !ok {
		base, ok = strings.CutSuffix(name, EndingFreeMarker)
		engine = FreeMarker
	}
	if !ok {
		return Key{}, "", fmt.Errorf("%s: a template of a mail is named NAME%s, or NAME%s when it is written in FreeMarker", file, EndingGo, EndingFreeMarker)
	}
	base, locale, has := strings.Cut(base, "_")
	key := Key{Name: base, Locale: Locale(locale)}
	if has && key.Locale == "" {
		return key, "", fmt.Errorf("%s: %q is no locale; a file is named such as %s_de%s or %s_de-AT%s", file, locale, base, EndingGo, base, EndingGo)
	}
	return key, engine, key.Validate()
}

// Format writes a template as a file, which ReadFile reads.
func Format(k Key, t Template) (file string, content []byte) {
	file = k.Base() + EndingGo
	if t.Engine == FreeMarker {
		file = k.Base() + EndingFreeMarker
	}
	var b strings.Builder
	for _, h := range []struct{ name, value string }{{"Subject", t.Subject}, {"From", t.From}, {"Tenant", k.Tenant}} {
		if h.value != "" {
			fmt.Fprintf(&b, "%s: %s\n", h.name, h.value)
		}
	}
	b.WriteString("\n" + t.HTML)
	if t.Text != "" {
		if !strings.HasSuffix(b.String(), "\n") {
			b.WriteString("\n")
		}
		b.WriteString(textMark + "\n" + t.Text)
	}
	return file, []byte(b.String())
}
