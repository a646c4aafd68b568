package trigger

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxPattern bounds a pattern in bytes. Matching takes time linear in pattern and text.
const maxPattern = 2000

// pattern is a Java regular expression as Go runs it.
type pattern struct{ re *regexp.Regexp }

func compile(source string) (*pattern, error) {
	if len(source) > maxPattern {
		return nil, fmt.Errorf("%d bytes, at most %d are allowed", len(source), maxPattern)
	}
	t := translator{source: source}
	if err := t.run(); err != nil {
		return nil, fmt.Errorf("at character %d: %w", utf8.RuneCountInString(source[:t.at])+1, err)
	}
	re, err := regexp.Compile(t.out.String())
	if err != nil {
		if e := (*syntax.Error)(nil); errors.As(err, &e) {
			return nil, fmt.Errorf("%s: %q", e.Code, e.Expr)
		}
		return nil, err
	}
	p := &pattern{re: re}
	names := p.groups()
	for i, name := range names {
		if slices.Contains(names[:i], name) {
			return nil, fmt.Errorf("group %q is there twice", name)
		}
	}
	return p, nil
}

// find searches text. Line ends become \n and those at the end are dropped, which is how "." and "$" mean in Go what
// they mean in Java.
func (p *pattern) find(text string) (map[string]any, bool) {
	text = strings.TrimRight(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	at := p.re.FindStringSubmatchIndex(text)
	if at == nil {
		return nil, false
	}
	groups := map[string]any{}
	for i, name := range p.re.SubexpNames() {
		if name == "" {
			continue
		}
		groups[name] = nil
		if at[2*i] >= 0 {
			groups[name] = text[at[2*i]:at[2*i+1]]
		}
	}
	return groups, true
}

func (p *pattern) groups() []string {
	var names []string
	for _, name := range p.re.SubexpNames() {
		if name != "" {
			names = append(names, name)
		}
	}
	return names
}
