package message

import (
	"bufio"
	"bytes"
	"strings"

	"github.com/emersion/go-message/textproto"
)

// header is the fields of a mail or a part, raw but unfolded and in UTF-8.
type header struct {
	fields    []field
	truncated bool
	body      []byte // lines instead of a header: the empty line is missing, and no field is there
}

type field struct{ key, value string }

// get returns the first field of that name.
func (h header) get(key string) string {
	for _, f := range h.fields {
		if f.key == key {
			return f.value
		}
	}
	return ""
}

func (h header) count(key string) int {
	n := 0
	for _, f := range h.fields {
		if f.key == key {
			n++
		}
	}
	return n
}

// header reads the fields and leaves out lines that are none: a mail with one bad line in its header is common, a mail
// whose body begins there is not.
func (p *parser) header(where string) header {
	block, truncated := p.lines.block(p.limits.HeaderBytes)
	if truncated {
		p.defect("%s is larger than %d bytes, the rest is left out", where, p.limits.HeaderBytes)
	}
	block = bytes.TrimPrefix(block, []byte("\xef\xbb\xbf")) // a byte order mark would cost the first field
	h := header{truncated: truncated}
	r := bufio.NewReader(bytes.NewReader(bytes.ReplaceAll(block, []byte{0}, nil)))
	for {
		read, err := textproto.ReadHeader(r)
		for fields := read.Fields(); fields.Next(); {
			h.fields = append(h.fields, field{fields.Key(), decodeRaw([]byte(fields.Value()))})
		}
		if err != nil {
			p.defect("%s: a line that is no field: %.80s", where, strings.TrimPrefix(err.Error(), "message: "))
		}
		if _, err := r.Peek(1); err != nil {
			if len(h.fields) == 0 {
				h.body = block
			}
			return h
		}
	}
}
