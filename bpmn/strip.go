package bpmn

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
)

// Strip returns the model as UTF-8 XML without diagram elements, comments, processing instructions and whitespace
// between elements, for travelling in histories. Everything else is copied byte by byte, so Parse gives the same model
// for it, except for line numbers: what is left stands on few lines.
func Strip(src []byte) ([]byte, error) {
	s, err := newScanner(src, Limits{})
	if err != nil {
		return nil, err
	}
	// Whether whitespace counts is known only when its element ends: beside text, as in a script, it does.
	type scope struct{ text bool }
	type piece struct {
		from, to int64
		blankIn  *scope
	}
	var pieces []piece
	scopes := []*scope{{}}
	skip := 0
	for {
		t, err := s.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		switch tok := t.Token.(type) {
		case xml.StartElement:
			if skip > 0 || isDiagram(tok.Name.Space) && len(scopes) > 1 {
				skip++
				continue
			}
			scopes = append(scopes, &scope{})
			pieces = append(pieces, piece{from: t.from, to: t.to})
		case xml.EndElement:
			if skip > 0 {
				skip--
				continue
			}
			scopes = scopes[:len(scopes)-1]
			pieces = append(pieces, piece{from: t.from, to: t.to})
		case xml.CharData:
			if skip > 0 || len(scopes) == 1 {
				continue
			}
			in := scopes[len(scopes)-1]
			p := piece{from: t.from, to: t.to}
			if len(bytes.TrimSpace(tok)) == 0 {
				p.blankIn = in
			} else {
				in.text = true
			}
			pieces = append(pieces, p)
		}
	}
	var out bytes.Buffer
	for _, p := range pieces {
		if p.blankIn == nil || p.blankIn.text {
			out.Write(s.src[p.from:p.to])
		}
	}
	return out.Bytes(), nil
}
