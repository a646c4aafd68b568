package ews

import (
	"bufio"
	"encoding/xml"
	"errors"
	"io"
)

const (
	maxDepth       = 100
	maxAnswerBytes = 16 << 20 // of an answer without mail: 512 changes have some 500 bytes each
)

// source gives the decoder the bytes of an answer one by one, so that it never reads beyond the element it returned: what
// follows may be the content of a mail, or an envelope that has not come yet.
type source struct {
	r      *bufio.Reader
	budget int64
	last   [2]byte
}

func newSource(r io.Reader, budget int64) *source {
	return &source{r: bufio.NewReaderSize(r, 4<<10), budget: budget}
}

func (s *source) ReadByte() (byte, error) {
	if s.budget <= 0 {
		return 0, errors.New("the answer is longer than allowed")
	}
	s.budget--
	b, err := s.r.ReadByte()
	s.last[0], s.last[1] = s.last[1], b
	return b, err
}

// Read is there because the decoder asks for an io.Reader; it uses ReadByte.
func (s *source) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	b, err := s.ReadByte()
	if err != nil {
		return 0, err
	}
	p[0] = b
	return 1, nil
}

// selfClosed reports, behind the start of an element, whether that was its end too.
func (s *source) selfClosed() bool { return s.last == [2]byte{'/', '>'} }

// decoder reads XML without document types, whose entities EWS has no use for, and without deep nesting.
func (s *source) decoder() *xml.Decoder { return xml.NewTokenDecoder(&guard{raw: xml.NewDecoder(s)}) }

type guard struct {
	raw   *xml.Decoder
	depth int
}

func (g *guard) Token() (xml.Token, error) {
	token, err := g.raw.RawToken()
	switch token.(type) {
	case xml.Directive:
		return nil, errors.New("the answer has a document type, which is refused")
	case xml.StartElement:
		if g.depth++; g.depth > maxDepth {
			return nil, errors.New("the answer is nested too deep")
		}
	case xml.EndElement:
		g.depth--
	}
	return token, err
}

// next returns the start of the next element with this local name, whatever stands before it.
func next(d *xml.Decoder, name string) (xml.StartElement, error) {
	for {
		token, err := d.Token()
		if err != nil {
			return xml.StartElement{}, err
		}
		if start, ok := token.(xml.StartElement); ok && start.Name.Local == name {
			return start, nil
		}
	}
}
