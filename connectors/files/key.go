package files

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"unicode"
	"unicode/utf8"

	"github.com/waybill-io/waybill/connectors"
)

// Lengths that every store takes: S3 has 1024 bytes for a key, file systems 255 for each part.
const (
	maxKey  = 900
	maxPart = 200
)

// checkKey refuses a key that is not plainly a file within the folder.
func checkKey(key string) error {
	switch {
	case key == "":
		return errors.New("is empty")
	case len(key) > maxKey:
		return fmt.Errorf("has %d bytes, at most %d are allowed", len(key), maxKey)
	case !utf8.ValidString(key):
		return errors.New("is not UTF-8")
	case strings.ContainsFunc(key, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }):
		return errors.New("has characters that cannot be seen")
	case strings.ContainsRune(key, '\\'):
		return errors.New(`has a backslash; parts are separated by /`)
	case strings.HasSuffix(key, ".attrs"):
		return errors.New("ends with .attrs, where the store keeps what it knows of a file")
	}
	for part := range strings.SplitSeq(key, "/") {
		switch {
		case part == "":
			return errors.New("has an empty part; it must be a relative path such as invoices/17.pdf")
		case part == "." || part == "..":
			return fmt.Errorf("has the part %q; it must be a plain path such as invoices/17.pdf", part)
		case len(part) > maxPart:
			return fmt.Errorf("has a part of %d bytes, at most %d are allowed", len(part), maxPart)
		case strings.TrimSpace(part) != part:
			return errors.New("has a part with a space before or after it")
		}
	}
	return nil
}

// within refuses a key that a link in the folder leads out of it: the folder is shared with other programs.
func (s store) within(key string) error {
	if s.folder == nil {
		return nil
	}
	_, err := s.folder.Stat(key)
	switch {
	case err == nil, errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.ENAMETOOLONG):
		return nil // as far as this is wrong, the store says so
	}
	return &connectors.Error{Kind: connectors.BPMN, Code: connectors.CodeInvalidInput, Public: "key: it leads out of the folder", Err: err}
}

// checkPrefix is checkKey for the beginning of keys.
func checkPrefix(prefix string) error {
	if prefix == "" {
		return nil
	}
	if rest, ok := strings.CutSuffix(prefix, "/"); ok {
		prefix = rest
	}
	return checkKey(prefix)
}
