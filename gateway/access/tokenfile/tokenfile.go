// Package tokenfile is the format of the file with the tokens of the gateway, which holds hashes alone. A line is a token:
//
//	NAME sha256:HEX
//	NAME sha256:HEX external topic=orders topic=invoices tenant=acme
//
// Words after the hash limit it to external tasks: of these topics, of this tenant ("tenant=": those that have none), or with "external" alone, of all.
// What is no plain word is written as in a URL (%20). Empty lines and lines that begin with # do not count.
package tokenfile

import (
	"bufio"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
)

// Entry is a token.
type Entry struct {
	Name     string // whose it is: a word
	Hash     [sha256.Size]byte
	External bool     // it is for external tasks alone
	Topics   []string // nil: all; others need External
	Tenant   *string  // nil: all; "": what has no tenant; others need External
}

// New makes a token for an entry, and sets its hash.
func (e *Entry) New() (token string) {
	token = "wb_" + rand.Text() + rand.Text()
	e.Hash = sha256.Sum256([]byte(token))
	return token
}

// String is the line of an entry.
func (e Entry) String() string {
	words := []string{e.Name, "sha256:" + hex.EncodeToString(e.Hash[:])}
	if e.External {
		words = append(words, "external")
	}
	for _, topic := range e.Topics {
		words = append(words, "topic="+url.PathEscape(topic))
	}
	if e.Tenant != nil {
		words = append(words, "tenant="+url.PathEscape(*e.Tenant))
	}
	return strings.Join(words, " ")
}

// Read reads a file. The error names the line, and nothing that stands in it.
func Read(r io.Reader) (list []Entry, err error) {
	lines := bufio.NewScanner(r)
	n := 1
	for ; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		e, err := parse(strings.Fields(line))
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		list = append(list, e)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("line %d: %w", n, err)
	}
	return list, nil
}

func parse(words []string) (e Entry, err error) {
	if len(words) < 2 {
		return e, errNoHash
	}
	encoded, ok := strings.CutPrefix(words[1], "sha256:")
	raw, err := hex.DecodeString(encoded)
	if !ok || err != nil || len(raw) != sha256.Size {
		return e, errNoHash
	}
	e.Name, e.Hash = words[0], [sha256.Size]byte(raw)
	for i, word := range words[2:] {
		kind, text, given := strings.Cut(word, "=")
		value, err := url.PathUnescape(text)
		switch {
		case err != nil:
			return e, fmt.Errorf("word %d: what follows = is not written as in a URL", i+3)
		case kind == "external" && !given:
		case kind == "topic" && value != "":
			e.Topics = append(e.Topics, value)
		case kind == "tenant" && given && e.Tenant == nil:
			e.Tenant = &value
		default:
			return e, fmt.Errorf("word %d: external, topic=TOPIC or, once, tenant=TENANT is expected", i+3)
		}
		e.External = true
	}
	return e, nil
}

var errNoHash = errors.New("NAME sha256:HEX is expected, as `starter token new NAME` prints it")
