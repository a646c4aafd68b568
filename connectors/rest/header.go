package rest

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"slices"
	"strings"

	"github.com/google/uuid"
	"golang.org/x/net/http/httpguts"
)

// managed are headers that say how the message is framed or where it goes: a model that set them could smuggle a second request.
var managed = []string{
	"Host", "Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authorization", "Proxy-Authenticate",
	"Te", "Trailer", "Upgrade", "Expect", "Accept-Encoding", "Http2-Settings",
}

// headers reads the headers of a request: an object, its JSON text, or lines of "Name: value".
func (c *config) headers(value any, r *request) (http.Header, error) {
	fields, err := object(value)
	if lines, isText := value.(string); err != nil && isText {
		fields, err = headerLines(lines)
	}
	if err != nil {
		return nil, err
	}
	h := http.Header{}
	size := 0
	for name, value := range fields {
		list, isList := value.([]any)
		if !isList {
			list = []any{value}
		}
		canonical := textproto.CanonicalMIMEHeaderKey(name)
		switch {
		case !httpguts.ValidHeaderFieldName(name):
			return nil, fmt.Errorf("%q is no name of a header", name)
		case slices.Contains(managed, canonical):
			return nil, fmt.Errorf("%s is set by the connector; leave it out", canonical)
		case r.method == http.MethodTrace && slices.Contains([]string{"Authorization", "Cookie"}, canonical):
			return nil, fmt.Errorf("TRACE must not carry %s, since the answer repeats it (RFC 9110, section 9.3.8)", canonical)
		}
		for _, item := range list {
			if item == nil {
				continue
			}
			text, err := scalar(item)
			if err == nil {
				text, err = c.placeholders(strings.TrimSpace(text), r)
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			if !httpguts.ValidHeaderFieldValue(text) {
				return nil, fmt.Errorf("%s: the value has a line break or another character that no header may hold", name)
			}
			h.Add(name, text)
			size += len(name) + len(text)
		}
	}
	if size > maxHeaders {
		return nil, fmt.Errorf("they have more than %d bytes", maxHeaders)
	}
	return h, nil
}

// headerLines reads one header a line.
func headerLines(lines string) (map[string]any, error) {
	fields := map[string]any{}
	for line := range strings.Lines(lines) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		name, value, found := strings.Cut(strings.TrimRight(line, "\r\n"), ":")
		if !found {
			return nil, errors.New(`an object such as {"Accept": "text/plain"} is expected, or lines such as Accept: text/plain`)
		}
		list, _ := fields[name].([]any)
		fields[name] = append(list, value)
	}
	return fields, nil
}

// placeholders puts the settings in that a model of the first generation may name. They are the instance's credentials: where those are
// not sent, they are not sent this way either, whoever wrote the placeholder into the variable that it came with.
func (c *config) placeholders(text string, r *request) (string, error) {
	const token, user = "${rest-auth-token}", "${rest-auth-user}"
	if !strings.Contains(text, token) && !strings.Contains(text, user) {
		return text, nil
	}
	if r.url == nil {
		return "", errors.New("there is no host that it could be sent to")
	}
	if trusted, err := c.trusts(originOf(r.url)); !trusted || r.method == http.MethodTrace {
		if err == nil {
			err = errors.New("credentials are sent to REST_HOST and REST_AUTH_HOSTS only")
		}
		return "", err
	}
	return strings.NewReplacer(token, c.token.Reveal(), user, c.user).Replace(text), nil
}

// idempotencyKey makes a UUID (RFC 9562, version 8) of the key of a call: what every API takes as a key, and nothing of the process shows.
func idempotencyKey(key string) string {
	return uuid.NewHash(sha256.New(), uuid.Nil, []byte("waybill:"+key), 8).String()
}
