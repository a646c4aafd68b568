package bpmn

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// Limits bounds what is read, so that a hostile file costs little; a zero field takes its default.
type Limits struct {
	Bytes      int // of a model or an extensions file; 10 MiB
	Depth      int // of nested XML elements; 100
	Elements   int // XML elements, diagram included; 200,000
	Attributes int // of one XML element; 100
}

func (l Limits) withDefaults() Limits {
	set := func(v *int, def int) {
		if *v <= 0 {
			*v = def
		}
	}
	set(&l.Bytes, 10<<20)
	set(&l.Depth, 100)
	set(&l.Elements, 200_000)
	set(&l.Attributes, 100)
	return l
}

const (
	nsBPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"
	nsXML  = "http://www.w3.org/XML/1998/namespace"
)

// isDiagram reports whether a namespace holds drawings only (BPMN 2.0, chapter 12).
func isDiagram(space string) bool {
	switch space {
	case "http://www.omg.org/spec/BPMN/20100524/DI", "http://www.omg.org/spec/DD/20100524/DI", "http://www.omg.org/spec/DD/20100524/DC":
		return true
	}
	return false
}

// scanner reads XML tokens under limits. There is no DTD, so there are no entities but the five predefined ones.
type scanner struct {
	src      []byte // UTF-8
	dec      *xml.Decoder
	limits   Limits
	depth    int
	elements int
	rooted   bool
	spaces   map[string]bool // every namespace URI that was declared
}

// token is an XML token with the place and the bytes of scanner.src that it came from.
type token struct {
	xml.Token
	line, column int
	from, to     int64
}

func newScanner(src []byte, limits Limits) (*scanner, error) {
	limits = limits.withDefaults()
	if len(src) > limits.Bytes {
		return nil, &Error{Msg: fmt.Sprintf("the file has %d bytes, the limit is %d", len(src), limits.Bytes)}
	}
	src, err := toUTF8(src)
	if err != nil {
		return nil, &Error{Line: 1, Msg: err.Error()}
	}
	dec := xml.NewDecoder(bytes.NewReader(src))
	dec.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil } // toUTF8 has done it
	return &scanner{src: src, dec: dec, limits: limits, spaces: map[string]bool{"": true, nsXML: true}}, nil
}

// next returns the next token, or io.EOF after a complete document.
func (s *scanner) next() (token, error) {
	line, column := s.dec.InputPos()
	t := token{line: line, column: column, from: s.dec.InputOffset()}
	tok, err := s.dec.Token()
	if err != nil {
		if errors.Is(err, io.EOF) && !s.rooted {
			return t, &Error{Line: line, Msg: "no XML element: this is not a BPMN 2.0 model"}
		}
		if syntax, ok := errors.AsType[*xml.SyntaxError](err); ok {
			return t, &Error{Line: syntax.Line, Msg: "not well-formed XML: " + syntax.Msg}
		}
		return t, err
	}
	t.Token, t.to = tok, s.dec.InputOffset()
	fail := func(format string, args ...any) error { return &Error{Line: line, Msg: fmt.Sprintf(format, args...)} }
	switch tok := tok.(type) {
	case xml.Directive:
		return t, fail("a document type declaration is refused: remove <!DOCTYPE ...> and its entities")
	case xml.StartElement:
		if s.depth == 0 && s.rooted {
			return t, fail("a second root element %s", tok.Name.Local)
		}
		s.rooted = true
		if s.depth++; s.depth > s.limits.Depth {
			return t, fail("elements are nested deeper than %d", s.limits.Depth)
		}
		if s.elements++; s.elements > s.limits.Elements {
			return t, fail("more than %d elements", s.limits.Elements)
		}
		if len(tok.Attr) > s.limits.Attributes {
			return t, fail("element %s has more than %d attributes", tok.Name.Local, s.limits.Attributes)
		}
		if msg := s.names(tok); msg != "" {
			return t, fail("%s", msg)
		}
	case xml.EndElement:
		s.depth--
	case xml.CharData:
		if s.depth == 0 && len(bytes.TrimSpace(tok)) > 0 {
			return t, fail("text outside of the root element")
		}
	}
	return t, nil
}

// names checks what encoding/xml lets pass: prefixes that are not declared, whose elements would
// otherwise be taken for foreign ones and ignored, and attributes given twice.
func (s *scanner) names(e xml.StartElement) string {
	for _, a := range e.Attr {
		if a.Name.Space == "xmlns" || a.Name == (xml.Name{Local: "xmlns"}) {
			s.spaces[a.Value] = true
		}
	}
	if !s.spaces[e.Name.Space] {
		return fmt.Sprintf("the prefix of %s:%s is not declared by an xmlns attribute", e.Name.Space, e.Name.Local)
	}
	for i, a := range e.Attr {
		if a.Name.Space != "xmlns" && !s.spaces[a.Name.Space] {
			return fmt.Sprintf("the prefix of attribute %s:%s is not declared by an xmlns attribute", a.Name.Space, a.Name.Local)
		}
		for _, b := range e.Attr[:i] {
			if a.Name == b.Name {
				return fmt.Sprintf("attribute %s of element %s is given twice", a.Name.Local, e.Name.Local)
			}
		}
	}
	return ""
}

var encodingDecl = regexp.MustCompile(`^<\?xml\s[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']`)

// toUTF8 decodes by byte order mark, else by the encoding that the XML declaration names.
func toUTF8(src []byte) ([]byte, error) {
	if bytes.HasPrefix(src, []byte{0xFE, 0xFF}) || bytes.HasPrefix(src, []byte{0xFF, 0xFE}) {
		return unicode.UTF16(unicode.BigEndian, unicode.ExpectBOM).NewDecoder().Bytes(src)
	}
	src = bytes.TrimPrefix(src, []byte{0xEF, 0xBB, 0xBF})
	name := "utf-8"
	if m := encodingDecl.FindSubmatch(src[:min(len(src), 256)]); m != nil {
		name = strings.ToLower(string(m[1]))
	}
	switch name {
	case "utf-8", "utf8", "us-ascii", "ascii":
		return src, nil
	case "iso-8859-1", "latin1":
		return charmap.ISO8859_1.NewDecoder().Bytes(src)
	case "windows-1252":
		return charmap.Windows1252.NewDecoder().Bytes(src)
	}
	return nil, fmt.Errorf("encoding %s is not supported: save the file as UTF-8", name)
}

// element is an XML element of a tree.
type element struct {
	name     xml.Name
	attrs    []xml.Attr
	content  []byte // all text directly inside, joined
	children []*element
	line     int
	column   int // in bytes, from 1
}

func (e *element) attr(space, local string) string {
	for _, a := range e.attrs {
		if a.Name.Space == space && a.Name.Local == local {
			return strings.TrimSpace(a.Value)
		}
	}
	return ""
}

func (e *element) text() string { return strings.TrimSpace(string(e.content)) }

func (e *element) id() string { return e.attr("", "id") }

func (e *element) is(local string) bool { return e.name.Space == nsBPMN && e.name.Local == local }

// all returns the children of this name in the BPMN namespace.
func (e *element) all(local string) []*element {
	var found []*element
	for _, c := range e.children {
		if c.is(local) {
			found = append(found, c)
		}
	}
	return found
}

// child returns the first child of this name in the BPMN namespace, or nil.
func (e *element) child(local string) *element {
	if found := e.all(local); len(found) > 0 {
		return found[0]
	}
	return nil
}

// readTree reads the whole document but its diagrams.
func readTree(src []byte, limits Limits) (*element, error) { return readElements(src, limits, false) }

// readElements reads the whole document.
func readElements(src []byte, limits Limits, diagrams bool) (*element, error) {
	s, err := newScanner(src, limits)
	if err != nil {
		return nil, err
	}
	var root *element
	var open []*element
	skip := 0 // depth inside a diagram element
	for {
		t, err := s.next()
		if errors.Is(err, io.EOF) {
			return root, nil
		}
		if err != nil {
			return nil, err
		}
		switch tok := t.Token.(type) {
		case xml.StartElement:
			if skip > 0 || !diagrams && isDiagram(tok.Name.Space) && root != nil {
				skip++
				continue
			}
			e := &element{name: tok.Name, attrs: tok.Attr, line: t.line, column: t.column}
			if root == nil {
				root = e
			} else {
				parent := open[len(open)-1]
				parent.children = append(parent.children, e)
			}
			open = append(open, e)
		case xml.EndElement:
			if skip > 0 {
				skip--
				continue
			}
			open = open[:len(open)-1]
		case xml.CharData:
			if skip == 0 && len(open) > 0 {
				e := open[len(open)-1]
				e.content = append(e.content, tok...)
			}
		}
	}
}
