package svg

import (
	"bytes"
	"encoding/xml"
	"math"
	"strconv"
	"strings"
)

// Buffer is SVG in the making.
type Buffer struct{ bytes.Buffer }

// Add writes an empty element with attributes in pairs of name and value; a value is a string, a number or an int.
func (b *Buffer) Add(name string, attributes ...any) {
	b.tag(name, attributes)
	b.WriteString("/>\n")
}

// Open begins an element, which Close ends.
func (b *Buffer) Open(name string, attributes ...any) {
	b.tag(name, attributes)
	b.WriteString(">\n")
}

// Close ends an element.
func (b *Buffer) Close(name string) { b.WriteString("</" + name + ">\n") }

// Text writes an element with text in it.
func (b *Buffer) Text(name, text string, attributes ...any) {
	b.tag(name, attributes)
	b.WriteByte('>')
	b.WriteString(Escape(text))
	b.Close(name)
}

func (b *Buffer) tag(name string, attributes []any) {
	b.WriteString("<" + name)
	for i := 0; i+1 < len(attributes); i += 2 {
		key, _ := attributes[i].(string)
		b.WriteString(" " + key + `="`)
		switch v := attributes[i+1].(type) {
		case string:
			b.WriteString(Escape(v))
		case float64:
			b.WriteString(Number(v))
		case int:
			b.WriteString(strconv.Itoa(v))
		}
		b.WriteByte('"')
	}
}

// Number is v with at most two digits after the point; what is no number is 0.
func Number(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "0"
	}
	text := strings.TrimSuffix(strings.TrimRight(strconv.FormatFloat(v, 'f', 2, 64), "0"), ".")
	if text == "-0" {
		return "0"
	}
	return text
}

// Escape makes text safe in XML, as content and in quotes. What XML cannot hold is replaced.
func Escape(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // a Builder fails never
	return b.String()
}
