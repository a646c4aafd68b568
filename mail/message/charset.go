package message

import (
	"bytes"
	"io"
	"mime"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/emersion/go-message/charset"
	"golang.org/x/text/encoding/charmap"
)

// decodeRaw reads bytes of no declared charset: UTF-8 if they are, else Windows-1252, which never fails.
func decodeRaw(raw []byte) string {
	if utf8.Valid(raw) {
		return string(raw)
	}
	text, _ := charmap.Windows1252.NewDecoder().Bytes(raw)
	return string(text)
}

// decodeText turns a body into UTF-8, LF line ends and no NUL. The defect is empty when all was as declared.
func decodeText(raw []byte, declared string) (text, defect string) {
	declared = strings.ToLower(strings.TrimSpace(declared))
	switch declared {
	case "", "us-ascii", "ascii":
		text = decodeRaw(raw)
		if !utf8.Valid(raw) {
			defect = "8-bit text without a charset, read as windows-1252"
		}
	case "utf-8", "utf8":
		text = string(raw)
		if !utf8.Valid(raw) {
			text, defect = strings.ToValidUTF8(text, "\uFFFD"), "bytes that are not UTF-8"
		}
	case "iso-8859-1", "latin1": // as every mail program and browser: control characters of 8859-1 are letters of 1252
		decoded, _ := charmap.Windows1252.NewDecoder().Bytes(raw)
		text = string(decoded)
	default:
		decoded, err := convert(declared, raw)
		if text = string(decoded); err != nil {
			text, defect = decodeRaw(raw), "unknown charset "+declared
		}
	}
	if strings.ContainsRune(text, 0) {
		text, defect = strings.ReplaceAll(text, "\x00", ""), join(defect, "NUL bytes")
	}
	text = strings.TrimPrefix(text, "\uFEFF")
	return strings.NewReplacer("\r\r\n", "\n", "\r\n", "\n").Replace(text), defect
}

func convert(name string, raw []byte) ([]byte, error) {
	r, err := charset.Reader(name, bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	decoded, err := io.ReadAll(r)
	return bytes.ToValidUTF8(decoded, []byte("\uFFFD")), err
}

func join(a, b string) string {
	if a == "" {
		return b
	}
	return a + ", " + b
}

// words decodes RFC 2047; a charset that nobody knows is read as if none were declared.
var words = mime.WordDecoder{CharsetReader: func(name string, input io.Reader) (io.Reader, error) {
	raw, err := io.ReadAll(input)
	if err != nil {
		return nil, err
	}
	decoded, err := convert(name, raw)
	if err != nil {
		return strings.NewReader(decodeRaw(raw)), nil
	}
	return bytes.NewReader(decoded), nil
}}

func decodeWords(value string) string {
	decoded, err := words.DecodeHeader(value)
	if err != nil {
		decoded = value
	}
	return clean(decoded)
}

// clean makes a header value one line: an encoded word may hold line ends, which would otherwise become fields of the
// mail that somebody builds from it.
func clean(value string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\r' || r == '\n':
			return ' '
		case unicode.IsControl(r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(value, "\uFFFD")))
}
