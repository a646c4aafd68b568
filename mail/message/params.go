package message

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// parseParams reads "value; key=value; ..." as Content-Type and Content-Disposition have it, with RFC 2231
// continuations and charsets, RFC 2047 words where they are not allowed but usual, unquoted spaces and doubled keys
// (the first counts). The value and the keys are lower case.
func parseParams(raw string) (value string, params map[string]string) {
	items := splitOutsideQuotes(raw, ';')
	value = strings.ToLower(clean(items[0]))
	params = map[string]string{}
	pieces := map[string][]piece{}
	for _, item := range items[1:] {
		key, text, ok := strings.Cut(item, "=")
		key = strings.ToLower(strings.TrimSpace(key))
		if !ok || key == "" {
			continue
		}
		text = unquoteParam(strings.TrimSpace(text))
		if base, rest, ok := strings.Cut(key, "*"); ok {
			encoded := rest == "" || strings.HasSuffix(rest, "*")
			number, _ := strconv.Atoi(strings.TrimSuffix(rest, "*"))
			pieces[base] = append(pieces[base], piece{number, encoded, text})
		} else if _, doubled := params[key]; !doubled {
			params[key] = decodeWords(text)
		}
	}
	for key, list := range pieces { // RFC 2231 wins over the plain form, which is there for old readers
		params[key] = assemble(list)
	}
	return value, params
}

// piece is one "key*0*=text" of RFC 2231.
type piece struct {
	number  int
	encoded bool
	text    string
}

func assemble(list []piece) string {
	slices.SortStableFunc(list, func(a, b piece) int { return cmp.Compare(a.number, b.number) })
	var raw []byte
	declared := ""
	for i, p := range list {
		if !p.encoded {
			raw = append(raw, p.text...)
			continue
		}
		if i == 0 {
			if name, rest, ok := strings.Cut(p.text, "'"); ok {
				if _, text, ok := strings.Cut(rest, "'"); ok {
					declared, p.text = name, text
				}
			}
		}
		raw = append(raw, unquote(nil, []byte(strings.ReplaceAll(strings.ReplaceAll(p.text, "=", "=3D"), "%", "=")))...)
	}
	text, _ := decodeText(raw, declared)
	return clean(text)
}

func splitOutsideQuotes(s string, separator byte) []string {
	var items []string
	quoted, start := false, 0
	for i := 0; i < len(s); i++ {
		switch {
		case quoted && s[i] == '\\':
			i++
		case s[i] == '"':
			quoted = !quoted
		case !quoted && s[i] == separator:
			items, start = append(items, s[start:i]), i+1
		}
	}
	return append(items, s[start:])
}

func unquoteParam(text string) string {
	if !strings.HasPrefix(text, `"`) {
		return text
	}
	var out strings.Builder
	for i := 1; i < len(text) && text[i] != '"'; i++ {
		// A backslash escapes only what must be: unescaped Windows paths are common.
		if text[i] == '\\' && i+1 < len(text) && (text[i+1] == '"' || text[i+1] == '\\') {
			i++
		}
		out.WriteByte(text[i])
	}
	return out.String()
}
