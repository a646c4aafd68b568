package message

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
)

// lines reads a mail line by line, at most one buffer at a time. As an io.Reader it gives the content of the current
// part and ends at the next line that is a boundary of any multipart that is open, so that a missing inner boundary
// costs only the part that lacks it. Line ends may be CRLF, LF or a mix.
type lines struct {
	r     *bufio.Reader
	open  [][]byte // "--boundary" of the multiparts around, outermost first
	hit   int      // index in open of the boundary that ended the content, -1 for none
	final bool     // it was "--boundary--"

	start bool   // the next byte begins a line
	held  []byte // line end that belongs to the boundary when one follows (RFC 2046 section 5.1.1)
	buf   []byte
	out   []byte // what Read has still to give of buf
	done  bool
	err   error // of the reader, not io.EOF
	size  int64
	body  *bodyHash
}

func newLines(r io.Reader) *lines {
	return &lines{r: bufio.NewReaderSize(r, 16<<10), hit: -1, start: true}
}

// next returns a line with its end, or a piece of a long one; nil at a boundary and at the end of the mail.
func (l *lines) next() []byte {
	if l.hit >= 0 || l.done {
		return nil
	}
	line, err := l.r.ReadSlice('\n')
	if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
		l.done = true
		if !errors.Is(err, io.EOF) {
			l.err = err
		}
	}
	l.size += int64(len(line))
	if l.body != nil {
		l.body.add(line)
	}
	starts := l.start
	l.start = bytes.HasSuffix(line, []byte("\n"))
	if starts && l.boundary(line) {
		return nil
	}
	return line
}

func (l *lines) boundary(line []byte) bool {
	if len(l.open) == 0 || !bytes.HasPrefix(line, []byte("--")) {
		return false
	}
	line = bytes.TrimRight(line, " \t\r\n")
	for i := len(l.open) - 1; i >= 0; i-- {
		rest, ok := bytes.CutPrefix(line, l.open[i])
		if ok && (len(rest) == 0 || string(rest) == "--") {
			l.hit, l.final, l.held = i, len(rest) > 0, nil
			return true
		}
	}
	return false
}

// resume goes on after a boundary.
func (l *lines) resume() { l.hit, l.final, l.held, l.out = -1, false, nil, nil }

// skip passes over the rest of the content.
func (l *lines) skip() {
	for l.next() != nil {
	}
	l.held, l.out = nil, nil
}

// Read implements io.Reader for the content of the current part.
func (l *lines) Read(p []byte) (int, error) {
	for len(l.out) == 0 {
		line := l.next()
		if line == nil && len(l.held) == 0 {
			if l.err != nil {
				return 0, l.err
			}
			return 0, io.EOF
		}
		text, end := cutEnd(line)
		l.buf = append(append(l.buf[:0], l.held...), text...)
		l.out = l.buf
		l.held = append(l.held[:0], end...)
	}
	n := copy(p, l.out)
	l.out = l.out[n:]
	return n, nil
}

// block reads a header up to and with the empty line; of one that is larger than limit the beginning.
func (l *lines) block(limit int) (block []byte, truncated bool) {
	for {
		starts := l.start
		line := l.next()
		if text, _ := cutEnd(line); line == nil || starts && len(bytes.TrimRight(text, "\r")) == 0 { // CRCRLF comes of careless gateways
			return block, truncated
		}
		if truncated = truncated || len(block)+len(line) > limit; !truncated {
			block = append(block, line...)
		}
	}
}

func cutEnd(line []byte) (text, end []byte) {
	text = bytes.TrimSuffix(line, []byte("\n"))
	if len(text) < len(line) {
		text = bytes.TrimSuffix(text, []byte("\r"))
	}
	return text, line[len(text):]
}

// bodyHash hashes lines whatever their ends are, without empty lines at the end of the mail.
type bodyHash struct {
	hash  hash.Hash
	empty int
}

func newBodyHash() *bodyHash { return &bodyHash{hash: sha256.New()} }

func (b *bodyHash) add(line []byte) {
	text, end := cutEnd(line)
	if len(text) > 0 {
		for ; b.empty > 0; b.empty-- {
			_, _ = b.hash.Write([]byte("\n"))
		}
		_, _ = b.hash.Write(text)
	}
	if len(end) > 0 {
		b.empty++
	}
}

func (b *bodyHash) sum() []byte { return b.hash.Sum(nil) }

var _ io.Reader = (*lines)(nil)
