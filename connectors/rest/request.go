package rest

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/waybill-io/waybill/connectors"
)

// Bounds of a request. Its inputs are in the history of the process, which is bounded anyway.
const (
	maxURL     = 8 << 10
	maxHeaders = 32 << 10
	maxBody    = 4 << 20
)

// request is a call in the words of HTTP.
type request struct {
	method   string
	url      *url.URL
	header   http.Header
	body     []byte
	timeout  time.Duration // 0: none of its own
	breaker  bool
	accepts  func(status int) bool
	textOnly bool // JSON is not read
}

// compose makes a request of the inputs. Its errors are what is wrong with an input.
func (c *config) compose(call connectors.Call) (*request, error) {
	r := &request{method: call.Action}
	var errs []error
	check := func(name string, err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
	}
	var err error
	r.url, err = c.target(text(call.Inputs, "restUrl"), call.Inputs["restUrlEncoded"] == true)
	check("restUrl", err)
	if r.url != nil {
		check("restUrlParams", addParams(r.url, call.Inputs["restUrlParams"]))
	}
	r.header, err = c.headers(call.Inputs["requestHeaders"], r)
	check("requestHeaders", err)
	check("requestPayload", r.setBody(call.Inputs["requestPayload"]))
	milliseconds, err := whole(call.Inputs["timeout"])
	if r.timeout = time.Duration(milliseconds) * time.Millisecond; err != nil || milliseconds < 0 || milliseconds > 24*3600*1000 {
		check("timeout", errors.New("a number of milliseconds is expected, at most a day"))
	}
	r.breaker = call.Inputs["circuitBreaker"] == true
	r.accepts, err = acceptance(call.Inputs["acceptedStatus"])
	check("acceptedStatus", err)
	switch as := text(call.Inputs, "restResultAs"); as {
	case "", "json":
	case "text":
		r.textOnly = true
	default:
		check("restResultAs", fmt.Errorf("%q is neither json nor text", as))
	}
	if all := errors.Join(errs...); all != nil {
		return nil, all
	}
	setOnce(r.header, "Idempotency-Key", idempotencyKey(call.IdempotencyKey))
	setOnce(r.header, "User-Agent", "Waybill")
	if r.method != http.MethodTrace {
		setOnce(r.header, "Accept", "application/json, */*;q=0.5")
	}
	return r, nil
}

func setOnce(h http.Header, name, value string) {
	if len(h.Values(name)) == 0 {
		h.Set(name, value)
	}
}

// target is the URL of a call: absolute, or a path at REST_HOST. With escape, what a URL may not hold is percent-encoded; without, it is refused.
func (c *config) target(text string, escape bool) (*url.URL, error) {
	if c.host == nil && (strings.Contains(text, "${host}") || strings.HasPrefix(text, "/")) {
		return nil, errors.New("a path alone and ${host} are at the host of REST_HOST, which is not set")
	}
	if c.host != nil {
		if strings.HasPrefix(text, "/") && !strings.HasPrefix(text, "//") {
			scheme := c.host.scheme
			if scheme == "" {
				scheme = "https"
			}
			text = scheme + "://${host}" + text
		}
		text = strings.ReplaceAll(text, "${host}", c.host.written())
	}
	text = strings.NewReplacer("${rest-http-port}", strconv.Itoa(c.ports.http), "${rest-https-port}", strconv.Itoa(c.ports.https)).Replace(text)
	if escape {
		text = percentEncode(text)
	}
	if len(text) > maxURL {
		return nil, fmt.Errorf("is longer than %d bytes", maxURL)
	}
	if i := strings.IndexFunc(text, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("\"<>\\^`{|}", r) }); i >= 0 {
		return nil, fmt.Errorf("character %d may not be in a URL as it is; encode it, or set restUrlEncoded to true", i+1)
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, errors.New("is no URL such as https://api.example.com/orders") // the error holds all of it
	}
	u.Fragment, u.RawFragment = "", "" // never sent
	switch {
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Opaque != "":
		return nil, errors.New("must begin with https:// or http:// and a host")
	case u.User != nil:
		return nil, errors.New("must not hold an account: it would be in the history; see REST_AUTH")
	}
	host, err := asciiHost(u.Hostname())
	if err != nil {
		return nil, fmt.Errorf("host %q: %w", u.Hostname(), err)
	}
	port := u.Port()
	if n, err := strconv.Atoi(port); strings.HasSuffix(u.Host, ":") || port != "" && (err != nil || n < 1 || n > 65535) {
		return nil, errors.New("the port is none, 1 to 65535")
	}
	if port == "" && c.host != nil && host == c.host.host {
		if n := (origin{ports: c.ports}).portOf(u.Scheme); n != (origin{}).portOf(u.Scheme) {
			port = strconv.Itoa(n)
		}
	}
	if u.Host = host; port != "" {
		u.Host = net.JoinHostPort(host, port)
	} else if strings.Contains(host, ":") {
		u.Host = "[" + host + "]"
	}
	return u, nil
}

// written is an origin's host with the port that was given with it.
func (o origin) written() string {
	switch {
	case o.port != 0:
		return net.JoinHostPort(o.host, strconv.Itoa(o.port))
	case strings.Contains(o.host, ":"):
		return "[" + o.host + "]"
	}
	return o.host
}

var escaped = regexp.MustCompile(`^%[0-9A-Fa-f]{2}`)

// percentEncode encodes what follows the host, but for what means something in a URL and what is encoded already (RFC 3986, section 2).
func percentEncode(text string) string {
	start := strings.Index(text, "://") + len("://")
	if start < len("://") {
		return text
	}
	if slash := strings.IndexAny(text[start:], "/?"); slash < 0 {
		return text
	} else {
		start += slash
	}
	var b strings.Builder
	b.WriteString(text[:start])
	for i := start; i < len(text); i++ {
		ch := text[i]
		plain := ch > ' ' && ch <= '~' && !strings.ContainsRune("\"<>\\^`{|}%", rune(ch)) || ch == '%' && escaped.MatchString(text[i:])
		if plain {
			b.WriteByte(ch)
		} else {
			fmt.Fprintf(&b, "%%%02X", ch)
		}
	}
	return b.String()
}

// addParams appends parameters to the query: the values of a list each by itself, none for null.
func addParams(u *url.URL, value any) error {
	params, err := object(value)
	if err != nil {
		return err
	}
	query := url.Values{}
	for name, value := range params {
		list, isList := value.([]any)
		if !isList {
			list = []any{value}
		}
		for _, item := range list {
			if item == nil {
				continue
			}
			text, err := scalar(item)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			query.Add(name, text)
		}
	}
	if more := query.Encode(); more != "" {
		u.RawQuery = strings.Trim(u.RawQuery+"&"+more, "&")
	}
	if len(u.String()) > maxURL {
		return fmt.Errorf("the URL is longer than %d bytes with them", maxURL)
	}
	return nil
}
