package bpmn

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

func TestHostileXML(t *testing.T) {
	const open = `<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL">`
	tests := []struct{ name, src, want string }{
		{"empty", "", "line 1: no XML element"},
		{"blank", "\n\n", "no XML element"},
		{"text", "hello", "text outside of the root element"},
		{"DTD", "<?xml version=\"1.0\"?>\n<!DOCTYPE x [<!ENTITY a \"b\">]>" + open + "</definitions>", "line 2: a document type declaration is refused"},
		{"external entity", open + "<process id=\"p\" name=\"&xxe;\"/></definitions>", "line 1: not well-formed XML: invalid character entity &xxe;"},
		{"not closed", open, "not well-formed XML: unexpected EOF"},
		{"crossed", open + "<a></b>", "not well-formed XML"},
		{"second root", open + "</definitions>\n<definitions/>", "line 2: a second root element definitions"},
		{"trailing text", open + "</definitions> more", "text outside of the root element"},
		{"deep", open + strings.Repeat("<a>", 200), "elements are nested deeper than 100"},
		{"wide", open + "<a " + manyAttributes(101) + "/>", "element a has more than 100 attributes"},
		{"attribute twice", open + `<a b="1" b="2"/>`, "attribute b of element a is given twice"},
		{"undeclared element prefix", open + "\n<bpmn:process/>", "line 2: the prefix of bpmn:process is not declared"},
		{"undeclared attribute prefix", open + `<task camunda:class="x"/>`, "the prefix of attribute camunda:class is not declared"},
		{"encoding", `<?xml version="1.0" encoding="EBCDIC"?>` + open, "encoding ebcdic is not supported: save the file as UTF-8"},
		{"invalid UTF-8", open + "\xff", "invalid UTF-8"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := Parse("m.bpmn", []byte(test.src), Options{})
			require.ErrorContains(t, err, test.want)
			_, err = Strip([]byte(test.src))
			require.ErrorContains(t, err, test.want)
		})
	}
}

func manyAttributes(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, ` a%d=""`, i)
	}
	return b.String()
}

func TestLimits(t *testing.T) {
	src := between(`<task id="e"/>`)
	_, err := Parse("m.bpmn", src, Options{Limits: Limits{Bytes: len(src) - 1}})
	require.ErrorContains(t, err, "the limit is")
	_, err = Parse("m.bpmn", src, Options{Limits: Limits{Elements: 4}})
	require.ErrorContains(t, err, "more than 4 elements")
	_, err = Parse("m.bpmn", src, Options{Limits: Limits{Depth: 2}})
	require.ErrorContains(t, err, "line 3: elements are nested deeper than 2")
	_, err = Parse("m.bpmn", src, Options{Limits: Limits{Bytes: len(src), Elements: 9, Depth: 3, Attributes: 4}})
	require.NoError(t, err)
}

func TestEncodings(t *testing.T) {
	body := ` encoding="%s"?><definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"><process id="p" name="Auftrag prüfen"><startEvent id="s"/></process></definitions>`
	text := func(encoding string) string { return `<?xml version="1.0"` + strings.Replace(body, "%s", encoding, 1) }
	utf16le, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(text("UTF-16"))
	require.NoError(t, err)
	utf16be, err := unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewEncoder().String(text("UTF-16"))
	require.NoError(t, err)
	latin1, err := charmap.ISO8859_1.NewEncoder().String(text("ISO-8859-1"))
	require.NoError(t, err)
	windows, err := charmap.Windows1252.NewEncoder().String(text("windows-1252"))
	require.NoError(t, err)
	for name, src := range map[string]string{
		"UTF-8": text("utf-8"), "UTF-8 with a mark": "\xEF\xBB\xBF" + text("UTF-8"), "UTF-16LE": utf16le, "UTF-16BE": utf16be,
		"ISO-8859-1": latin1, "windows-1252": windows,
	} {
		t.Run(name, func(t *testing.T) {
			m, err := Parse("m.bpmn", []byte(src), Options{})
			require.NoError(t, err)
			require.Equal(t, "Auftrag prüfen", m.Processes[0].Name)
			stripped, err := Strip([]byte(src))
			require.NoError(t, err)
			require.Contains(t, string(stripped), `name="Auftrag prüfen"`)
		})
	}
}
