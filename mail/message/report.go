package message

import (
	"bytes"
	"io"
	"net/textproto"
	"strings"
)

// maxReport bounds in bytes what is kept of delivery reports, and of the header of the mail that is reported on.
const maxReport = 64 << 10

// maxFolded is how long a folded field of a report may get, in bytes.
const maxFolded = 4 << 10

// report is what Parse keeps of the parts that tell what became of another mail: their content is small, read by
// machines, and gone with the sink otherwise.
type report struct {
	status     []byte // message/delivery-status (RFC 3464), parts joined
	receipt    []byte // message/disposition-notification (RFC 8098)
	original   string // Message-ID of the first mail or header that came along
	originalAt bool   // there was one, with an ID or without
}

// keep returns a reader that gives what content gives, and a function for when it has been read.
func (r *report) keep(mediaType string, content io.Reader) (io.Reader, func()) {
	switch mediaType {
	case "message/delivery-status", "message/global-delivery-status": // the latter RFC 6533
		return keeping(content, &r.status)
	case "message/disposition-notification", "message/global-disposition-notification":
		return keeping(content, &r.receipt)
	case "message/rfc822", "text/rfc822-headers", "message/rfc822-headers", "message/global", "message/global-headers":
		if r.originalAt {
			break
		}
		r.originalAt = true
		var header []byte
		kept, _ := keeping(content, &header)
		return kept, func() {
			for _, f := range fieldGroups(header)[0] {
				if f.key == "Message-Id" {
					r.original = firstID(f.value)
					break
				}
			}
		}
	}
	return content, func() {}
}

func keeping(content io.Reader, into *[]byte) (io.Reader, func()) {
	if len(*into) > 0 {
		*into = append(*into, '\n', '\n')
	}
	return io.TeeReader(content, &bounded{into}), func() {}
}

// bounded keeps the beginning of what is written to it.
type bounded struct{ into *[]byte }

func (b *bounded) Write(p []byte) (int, error) {
	room := max(maxReport-len(*b.into), 0)
	*b.into = append(*b.into, p[:min(len(p), room)]...)
	return len(p), nil
}

// fieldGroups reads fields in groups that empty lines separate (RFC 3464 section 2.1). There is at least one group.
// Lines that are no fields are passed over.
func fieldGroups(raw []byte) [][]field {
	groups := [][]field{nil}
	last := &groups[0]
	for line := range bytes.Lines(raw) {
		text := decodeRaw(bytes.ReplaceAll(bytes.TrimRight(line, "\r\n"), []byte{0}, nil))
		switch key, value, ok := strings.Cut(text, ":"); {
		case strings.TrimSpace(text) == "":
			if len(*last) > 0 {
				groups = append(groups, nil)
				last = &groups[len(groups)-1]
			}
		case text[0] == ' ' || text[0] == '\t':
			if n := len(*last); n > 0 && len((*last)[n-1].value) < maxFolded { // else the time would be quadratic
				(*last)[n-1].value += " " + strings.TrimSpace(text)
			}
		case ok && !strings.ContainsAny(key, " \t"):
			*last = append(*last, field{textproto.CanonicalMIMEHeaderKey(key), strings.TrimSpace(value)})
		}
	}
	return groups
}
