package ewsserver

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Namespaces of the prefixes in the answers.
const (
	soapNS     = "http://schemas.xmlsoap.org/soap/envelope/"
	messagesNS = "http://schemas.microsoft.com/exchange/services/2006/messages"
	typesNS    = "http://schemas.microsoft.com/exchange/services/2006/types"
	errorsNS   = "http://schemas.microsoft.com/exchange/services/2006/errors"
)

const maxDepth = 64

// node is an XML element: with its local name when it was read, with its prefix when it will be written.
type node struct {
	name  string
	attrs []attr
	text  string
	kids  []*node
}

type attr struct{ name, value string }

// el makes an element of its parts: strings are text, nodes are children, attrs are attributes.
func el(name string, parts ...any) *node {
	n := &node{name: name}
	for _, part := range parts {
		switch part := part.(type) {
		case string:
			n.text += part
		case attr:
			n.attrs = append(n.attrs, part)
		case *node:
			if part != nil {
				n.kids = append(n.kids, part)
			}
		case []*node:
			n.kids = append(n.kids, part...)
		default:
			panic(fmt.Sprintf("ewsserver: a %T is no part of an element", part))
		}
	}
	return n
}

// parse reads one document. A document type is refused: EWS has none, and entities come with it.
func parse(r io.Reader) (*node, error) {
	decoder := xml.NewDecoder(r)
	var open []*node
	for {
		token, err := decoder.Token()
		if err != nil {
			return nil, fmt.Errorf("read request: %w", err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			n := &node{name: token.Name.Local}
			for _, a := range token.Attr {
				n.attrs = append(n.attrs, attr{a.Name.Local, a.Value})
			}
			if len(open) > 0 {
				parent := open[len(open)-1]
				parent.kids = append(parent.kids, n)
			}
			if open = append(open, n); len(open) > maxDepth {
				return nil, errors.New("read request: nested too deep")
			}
		case xml.EndElement:
			if len(open) == 1 {
				return open[0], nil
			}
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) > 0 {
				open[len(open)-1].text += string(token)
			}
		case xml.Directive:
			return nil, errors.New("read request: a document type is not allowed")
		}
	}
}

// at walks down by local names and returns nil when there is no such element; it may be called on nil.
func (n *node) at(path ...string) *node {
	for _, name := range path {
		if n == nil {
			return nil
		}
		var found *node
		for _, kid := range n.kids {
			if kid.name == name {
				found = kid
				break
			}
		}
		n = found
	}
	return n
}

// value is the text of the element below, "" when there is none.
func (n *node) value(path ...string) string {
	if n = n.at(path...); n == nil {
		return ""
	}
	return strings.TrimSpace(n.text)
}

func (n *node) attr(name string) string {
	if n != nil {
		for _, a := range n.attrs {
			if a.name == name {
				return a.value
			}
		}
	}
	return ""
}

func (n *node) children() []*node {
	if n == nil {
		return nil
	}
	return n.kids
}

func (n *node) write(b *strings.Builder) {
	b.WriteString("<" + n.name)
	for _, a := range n.attrs {
		b.WriteString(" " + a.name + `="`)
		_ = xml.EscapeText(b, []byte(a.value))
		b.WriteString(`"`)
	}
	if n.text == "" && len(n.kids) == 0 {
		b.WriteString("/>")
		return
	}
	b.WriteString(">")
	_ = xml.EscapeText(b, []byte(n.text))
	for _, kid := range n.kids {
		kid.write(b)
	}
	b.WriteString("</" + n.name + ">")
}

// envelope wraps the body as the server does, with its version in the header.
func envelope(body *node) string { return wrap("s:Envelope", body) }

// streamed wraps like the server does on a stream, where the envelope has no prefix. Some clients look for just that.
func streamed(body *node) string { return wrap("Envelope", body, attr{"xmlns", soapNS}) }

func wrap(name string, body *node, more ...attr) string {
	var b strings.Builder
	b.WriteString(`<?xml version="1.0" encoding="utf-8"?>`)
	outer := el(name,
		attr{"xmlns:s", soapNS}, attr{"xmlns:m", messagesNS}, attr{"xmlns:t", typesNS},
		el("s:Header", el("t:ServerVersionInfo",
			attr{"MajorVersion", "15"}, attr{"MinorVersion", "2"}, attr{"MajorBuildNumber", "1748"},
			attr{"MinorBuildNumber", "10"}, attr{"Version", "V2017_07_11"})),
		el("s:Body", body))
	outer.attrs = append(more, outer.attrs...)
	outer.write(&b)
	return b.String()
}

// failure is an EWS error.
type failure struct {
	code, text string
	backOff    int // milliseconds, 0 for none
}

func (f *failure) Error() string { return f.code + ": " + f.text }

func refuse(code, format string, args ...any) *failure {
	return &failure{code: code, text: fmt.Sprintf(format, args...)}
}

func (f *failure) messageXML() *node {
	if f.backOff == 0 {
		return nil
	}
	return el("t:MessageXml", el("t:Value", attr{"Name", "BackOffMilliseconds"}, fmt.Sprint(f.backOff)))
}

// fault is the answer to a request that failed as a whole.
func (f *failure) fault() *node {
	detail := el("detail",
		el("e:ResponseCode", attr{"xmlns:e", errorsNS}, f.code),
		el("e:Message", attr{"xmlns:e", errorsNS}, f.text),
		f.messageXML())
	return el("s:Fault",
		el("faultcode", attr{"xmlns:a", typesNS}, "a:"+f.code),
		el("faultstring", attr{"xml:lang", "en-US"}, f.text),
		detail)
}

// message is one element of ResponseMessages.
func message(operation string, err *failure, parts ...any) *node {
	name := "m:" + operation + "ResponseMessage"
	if err == nil {
		return el(name, append([]any{attr{"ResponseClass", "Success"}, el("m:ResponseCode", "NoError")}, parts...)...)
	}
	inner := []any{
		attr{"ResponseClass", "Error"},
		el("m:MessageText", err.text),
		el("m:ResponseCode", err.code),
		el("m:DescriptiveLinkKey", "0"),
	}
	if m := err.messageXML(); m != nil {
		m.name = "m:MessageXml"
		inner = append(inner, m)
	}
	return el(name, append(inner, parts...)...)
}

// isTrue reads an xs:boolean.
func isTrue(text string) bool { return text == "true" || text == "1" }
