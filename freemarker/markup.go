package freemarker

import (
	"errors"
	"strings"
)

// place is where in HTML a template is: escaping keeps a value inside the text and inside quotes, and nowhere else.
type place int

const (
	inText     place = iota
	inTag            // between attributes, or in a name
	beforeAttr       // behind the = of an attribute
	inUnquoted       // a value without quotes
	inDouble         // "value"
	inSingle         // 'value'
	inComment
	afterLess // behind < or </, where a name may follow
)

// markup follows the HTML that a template writes, over all its tokens.
type markup struct {
	place place
	tail  string // of what was read: the name of an attribute, or the end of a comment
	link  bool   // in quotes: the value is a link
	// The beginning of a link is where its scheme may be.
	begins bool           // no value is in it yet
	prefix string         // what was read since the quote, or the last value
	last   *interpolation // the last value in it
}

// links are attributes whose values lead somewhere.
var links = map[string]bool{"href": true, "src": true, "action": true, "formaction": true, "background": true, "xlink:href": true}

func (m *markup) read(text string) {
	for i := 0; i < len(text); i++ {
		m.next(text[i])
	}
}

func (m *markup) next(c byte) {
	letter := 'a' <= c|0x20 && c|0x20 <= 'z'
	space := c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f'
	switch m.place {
	case inText:
		if c == '<' {
			m.enter(afterLess)
		}
	case afterLess:
		switch {
		case letter:
			m.enter(inTag)
		case c == '!' || c == '/' || c == '-' && m.tail != "":
			if m.tail += string(c); m.tail == "!--" {
				m.enter(inComment)
			}
		case c != '<':
			m.enter(inText)
		}
	case inComment:
		if m.tail += string(c); strings.HasSuffix(m.tail, "-->") {
			m.enter(inText)
		}
		m.tail = m.tail[max(0, len(m.tail)-2):]
	case inTag:
		switch {
		case c == '>':
			m.enter(inText)
		case c == '=':
			m.place = beforeAttr
		case space:
			m.tail += " "
		default:
			if strings.HasSuffix(m.tail, " ") || c == '/' {
				m.tail = ""
			}
			m.tail += strings.ToLower(string(c))
		}
	case beforeAttr:
		switch {
		case c == '"' || c == '\'':
			link := links[strings.TrimSpace(m.tail)]
			m.enter(map[byte]place{'"': inDouble, '\'': inSingle}[c])
			m.link, m.begins = link, true
		case c == '>':
			m.enter(inText)
		case !space:
			m.enter(inUnquoted)
		}
	case inUnquoted:
		switch {
		case c == '>':
			m.enter(inText)
		case space:
			m.enter(inTag)
		}
	case inDouble, inSingle:
		if c == '"' && m.place == inDouble || c == '\'' && m.place == inSingle {
			m.enter(inTag)
		} else if m.link {
			m.prefix += string(c)
			if m.last != nil {
				m.last.suffix += string(c)
			}
			if schemeEnds(string(c)) {
				m.link = false // what follows belongs to no scheme
			}
		}
	}
}

func (m *markup) enter(p place) { *m = markup{place: p} }

// value notes that a value is written here.
func (m *markup) value(n *interpolation) error {
	switch m.place {
	case beforeAttr, inUnquoted:
		return errors.New(`put quotes around the attribute: ="${` + n.value.path + `}"`)
	case inTag, afterLess:
		return errors.New("a value makes no tags and attributes; write it between them, or into the quotes of an attribute")
	}
	if m.link {
		n.link, n.begins, n.prefix = true, m.begins, m.prefix
		m.begins, m.prefix, m.last = false, "", n
	}
	return nil
}

// join is where a template is behind branches, or a list that may have no turn.
func (m *markup) join(other markup) error {
	if m.place != other.place {
		if open := func(p place) bool { return p == inTag || p == beforeAttr || p == inUnquoted }; !open(m.place) || !open(other.place) {
			return errors.New("it ends in another place of the HTML than it begins, or than its other branches; close quotes, tags and comments where they are opened")
		}
		m.place = max(m.place, other.place)
	}
	if other.link && !m.link {
		*m = other
	}
	return nil
}

func schemeEnds(text string) bool { return strings.ContainsAny(text, ":/?#") }

// leadsAstray tells whether a link has a scheme that mails do not use, such as javascript.
func leadsAstray(link string) bool {
	link = strings.Map(func(r rune) rune { // as browsers do
		if r <= ' ' {
			return -1
		}
		return r
	}, link)
	i := strings.IndexAny(link, ":/?#")
	if i < 0 || link[i] != ':' {
		return false
	}
	switch strings.ToLower(link[:i]) {
	case "http", "https", "mailto", "cid":
		return false
	}
	return true
}
