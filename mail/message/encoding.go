package message

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
)

// decoder undoes a Content-Transfer-Encoding; ok is false when it is unknown. The readers go on after wrong bytes.
func decoder(encoding string, r io.Reader) (decoded io.Reader, ok bool) {
	encoding, _, _ = strings.Cut(encoding, ";")
	switch strings.ToLower(strings.Trim(encoding, " \t\"")) {
	case "", "7bit", "8bit", "binary", "7-bit", "8-bit":
		return r, true
	case "base64":
		return &base64Reader{r: bufio.NewReader(r)}, true
	case "quoted-printable":
		return &quotedReader{r: bufio.NewReader(r)}, true
	}
	return r, false
}

// base64Reader passes over everything outside the alphabet and starts anew after padding, as concatenated blocks need.
type base64Reader struct {
	r    *bufio.Reader
	acc  uint32
	bits int
}

func (b *base64Reader) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		c, err := b.r.ReadByte()
		if err != nil {
			if n > 0 && errors.Is(err, io.EOF) {
				return n, nil
			}
			return n, err
		}
		value, ok := sextet(c)
		if c == '=' {
			b.acc, b.bits = 0, 0
		}
		if !ok {
			continue
		}
		b.acc, b.bits = b.acc<<6|value, b.bits+6
		if b.bits >= 8 {
			b.bits -= 8
			p[n] = byte(b.acc >> b.bits)
			n++
		}
	}
	return n, nil
}

func sextet(c byte) (uint32, bool) {
	switch {
	case 'A' <= c && c <= 'Z':
		return uint32(c - 'A'), true
	case 'a' <= c && c <= 'z':
		return uint32(c-'a') + 26, true
	case '0' <= c && c <= '9':
		return uint32(c-'0') + 52, true
	case c == '+' || c == '-': // - and _ are of the URL alphabet, which some senders use
		return 62, true
	case c == '/' || c == '_':
		return 63, true
	}
	return 0, false
}

// quotedReader keeps what is not a valid escape as it is.
type quotedReader struct {
	r   *bufio.Reader
	buf []byte
	out []byte // what Read has still to give of buf
}

func (q *quotedReader) Read(p []byte) (int, error) {
	for len(q.out) == 0 {
		line, err := q.r.ReadSlice('\n')
		if len(line) == 0 {
			return 0, err
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			line = q.whole(line)
		}
		q.buf = unquote(q.buf[:0], line)
		q.out = q.buf
	}
	n := copy(p, q.out)
	q.out = q.out[n:]
	return n, nil
}

// whole gives back the beginning of an escape at the end of a piece of a line that is longer than the buffer.
func (q *quotedReader) whole(piece []byte) []byte {
	piece = bytes.Clone(piece)
	for range 2 {
		if i := bytes.LastIndexByte(piece, '='); i < 0 || i < len(piece)-2 {
			break
		}
		c, err := q.r.ReadByte()
		if err != nil {
			break
		}
		piece = append(piece, c)
	}
	return piece
}

func unquote(out, line []byte) []byte {
	text, end := cutEnd(line)
	if len(end) > 0 {
		text = bytes.TrimRight(text, " \t") // added in transport (RFC 2045 section 6.7, rule 3)
	}
	if soft, ok := bytes.CutSuffix(text, []byte("=")); ok {
		text, end = soft, nil
	}
	for i := 0; i < len(text); i++ {
		if text[i] == '=' && i+2 < len(text) {
			high, ok1 := hexDigit(text[i+1])
			low, ok2 := hexDigit(text[i+2])
			if ok1 && ok2 {
				out = append(out, high<<4|low)
				i += 2
				continue
			}
		}
		out = append(out, text[i])
	}
	return append(out, end...)
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	}
	return 0, false
}
