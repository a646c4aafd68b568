package gateway

import (
	"bufio"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"

	"github.com/waybill-io/waybill/mail"
)

// Tokens are those that may call the API, as hashes. The zero value has none: then only this machine may.
type Tokens struct {
	hashes [][sha256.Size]byte
	names  []string // whose they are
}

// ReadTokens reads a file of lines "NAME sha256:HEX", as `starter token new` prints them; empty lines and lines that begin with # do
// not count. The error names file and line.
func ReadTokens(file string) (Tokens, error) {
	var t Tokens
	f, err := os.Open(file)
	if err != nil {
		return t, fmt.Errorf("read the tokens of the gateway: %w", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, hash, _ := strings.Cut(line, " ")
		encoded, ok := strings.CutPrefix(strings.TrimSpace(hash), "sha256:")
		raw, err := hex.DecodeString(encoded)
		if !ok || err != nil || len(raw) != sha256.Size {
			return t, fmt.Errorf("read the tokens of the gateway: %s: line %d: NAME sha256:HEX is expected, as `starter token new NAME` prints it", file, n)
		}
		t.hashes, t.names = append(t.hashes, [sha256.Size]byte(raw)), append(t.names, name)
	}
	if err := lines.Err(); err != nil {
		return t, fmt.Errorf("read the tokens of the gateway: %s: %w", file, err)
	}
	return t, nil
}

// some tells whether there are any.
func (t Tokens) some() bool { return len(t.hashes) > 0 }

// permits compares in a time that tells nothing of what was given.
func (t Tokens) permits(token string) bool {
	given := sha256.Sum256([]byte(token))
	found := 0
	for _, hash := range t.hashes {
		found |= subtle.ConstantTimeCompare(given[:], hash[:])
	}
	return found == 1
}

// guard lets those through who have a token (RFC 6750). Without any tokens it lets this machine through alone, and no page of another
// site that a browser here shows.
func (t Tokens) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !t.admits(r) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="waybill"`)
			problem(w, http.StatusUnauthorized, "a token is expected: Authorization: Bearer TOKEN. `starter token new NAME` makes one; the gateway finds its hash in the file that WAYBILL_GATEWAY_TOKENS names")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// admits tells whether guard lets a request through.
func (t Tokens) admits(r *http.Request) bool {
	token, given := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if given {
		return t.permits(strings.TrimSpace(token))
	}
	return !t.some() && local(r.RemoteAddr) && local(r.Host) && direct(r.Header)
}

// user is the name of the token that a request which was admitted came with; "": it came without any.
func (t Tokens) user(r *http.Request) string {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	given := sha256.Sum256([]byte(strings.TrimSpace(token)))
	for i, hash := range t.hashes {
		if subtle.ConstantTimeCompare(given[:], hash[:]) == 1 {
			return t.names[i]
		}
	}
	return ""
}

// direct tells whether a request came from a program, and neither through a proxy nor from a page of another site.
func direct(h http.Header) bool {
	for name := range h {
		if name == "Origin" || name == "Forwarded" || strings.HasPrefix(name, "X-Forwarded-") || name == "X-Real-Ip" || name == "Via" {
			return false
		}
	}
	site := h.Get("Sec-Fetch-Site")
	return site == "" || site == "none" || site == "same-origin"
}

func local(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = address
	}
	return mail.Loopback(host)
}
