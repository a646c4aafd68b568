package rest

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/connectors"
)

func TestTarget(t *testing.T) {
	host := map[string]string{"REST_HOST": "api.example.com"}
	ported := map[string]string{"REST_HOST": "http://Api.Example.com:8080/"}
	ports := map[string]string{"REST_HOST": "api.example.com", "REST_HTTP_PORT": "8080", "REST_HTTPS_PORT": "8443"}
	for _, test := range []struct {
		settings map[string]string
		url      string
		encoded  bool
		want     string // or the error, after "!"
	}{
		{nil, "https://api.example.com/orders/7?a=1#top", false, "https://api.example.com/orders/7?a=1"},
		{nil, "HTTPS://Api.Example.COM./x", false, "https://api.example.com/x"},
		{nil, "http://[2001:DB8::1]:8080/x", false, "http://[2001:db8::1]:8080/x"},
		{nil, "http://[2001:db8::1]/x", false, "http://[2001:db8::1]/x"},
		{nil, "https://api.example.com/a%2Fb", false, "https://api.example.com/a%2Fb"},
		{nil, "https://order_service/x", false, "https://order_service/x"},
		{host, "/orders", false, "https://api.example.com/orders"},
		{host, "https://${host}/orders", false, "https://api.example.com/orders"},
		{host, "http://${host}:${rest-http-port}/orders", false, "http://api.example.com:80/orders"},
		{ported, "/orders", false, "http://api.example.com:8080/orders"},
		{ported, "http://${host}/orders", false, "http://api.example.com:8080/orders"},
		{ports, "/orders", false, "https://api.example.com:8443/orders"},
		{ports, "http://${host}/orders", false, "http://api.example.com:8080/orders"},
		{ports, "https://other.example.com/orders", false, "https://other.example.com/orders"},
		{ports, "https://${host}:1/orders", false, "https://api.example.com:1/orders"},

		{nil, "https://api.example.com/a b", true, "https://api.example.com/a%20b"},
		{nil, "https://api.example.com/für?q=ä&b=%20", true, "https://api.example.com/f%C3%BCr?q=%C3%A4&b=%20"},
		{nil, "https://api.example.com/100%", true, "https://api.example.com/100%25"},
		{nil, "https://api.example.com?q=a b", true, "https://api.example.com?q=a%20b"},
		{nil, "https://api.example.com/a\r\nHost: evil", true, "https://api.example.com/a%0D%0AHost:%20evil"},

		{nil, "https://api.example.com/a b", false, "!set restUrlEncoded to true"},
		{nil, "https://api.example.com/ä", false, "!set restUrlEncoded to true"},
		{nil, "https://api.example.com/${id}", false, "!set restUrlEncoded to true"},
		{nil, "https://api.example.com/a\r\nX: y", false, "!set restUrlEncoded to true"},
		{nil, "https://api.example.com/a\tb", false, "!set restUrlEncoded to true"},
		{nil, "https://api.example.com\r\nX: y/", true, "!may not be in a URL"},
		{nil, "https://api.example.com/%zz", false, "!is no URL"},
		{nil, "/orders", false, "!REST_HOST, which is not set"},
		{nil, "https://${host}/", false, "!REST_HOST, which is not set"},
		{host, "//evil.example/x", false, "!must begin with https://"},
		{host, "https://${host}@evil.example/x", false, "!must not hold an account"},
		{nil, "https://user:pw@api.example.com/", false, "!must not hold an account"},
		{nil, "ftp://api.example.com/", false, "!must begin with https://"},
		{nil, "file:///etc/passwd", false, "!must begin with https://"},
		{nil, "https:api.example.com", false, "!must begin with https://"},
		{nil, "https:///x", false, "!must begin with https://"},
		{nil, "api.example.com/x", false, "!must begin with https://"},
		{nil, "https://api.example.com:0/", false, "!the port is none"},
		{nil, "https://api.example.com:99999/", false, "!the port is none"},
		{nil, "https://api.example.com:/", false, "!the port is none"},
		{nil, "http://2130706433/", false, "!neither a host name nor an address"},
		{nil, "http://127.1/", false, "!neither a host name nor an address"},
		{nil, "http://0x7f.1/", false, "!neither a host name nor an address"},
		{nil, "http://0177.0.0.1/", false, "!neither a host name nor an address"},
		{nil, "http://a.0x/", false, "!neither a host name nor an address"},
		{nil, "http://[fe80::1%25eth0]/", false, "!zone"},
		{nil, "http://a..b/", false, "!no host name"},
		{nil, "https://api.example.com/" + strings.Repeat("a", maxURL), false, "!is longer than"},
	} {
		u, err := connect(t, test.settings).config.target(test.url, test.encoded)
		if want, isError := strings.CutPrefix(test.want, "!"); isError {
			require.ErrorContains(t, err, want, test.url)
			require.NotContains(t, err.Error(), "pw@")
			continue
		}
		require.NoError(t, err, test.url)
		require.Equal(t, test.want, u.String())
	}
}

func TestWhatIsSent(t *testing.T) {
	server := newAPI(t, byStatus)
	c := connect(t, local())
	for name, test := range map[string]struct {
		action string
		inputs []any
		uri    string
		body   string
		header map[string]string // "": absent
	}{
		"parameters": {"GET", []any{"restUrlParams", map[string]any{"q": "a&b=c d", "n": int64(7), "f": 1.5, "yes": true, "l": []any{"x", "y"}, "no": nil}},
			"/?a=1&f=1.5&l=x&l=y&n=7&no-value&q=a%26b%3Dc+d&yes=true", "", map[string]string{"Content-Type": "", "Accept": "application/json, */*;q=0.5"}},
		"parameters as JSON text": {"GET", []any{"restUrlParams", `{"q": 9007199254740993}`}, "/?a=1&no-value&q=9007199254740993", "", nil},
		"object":                  {"POST", []any{"requestPayload", map[string]any{"a": "<&>", "b": nil}}, "", `{"a":"<&>","b":null}`, map[string]string{"Content-Type": "application/json"}},
		"list":                    {"PUT", []any{"requestPayload", []any{1.0, "b"}}, "", `[1,"b"]`, nil},
		"number":                  {"PATCH", []any{"requestPayload", int64(9007199254740993)}, "", `9007199254740993`, nil},
		"text":                    {"POST", []any{"requestPayload", "told: ä"}, "", "told: ä", map[string]string{"Content-Type": "text/plain; charset=utf-8"}},
		"JSON text":               {"POST", []any{"requestPayload", ` {"a": 1}`}, "", ` {"a": 1}`, map[string]string{"Content-Type": "application/json"}},
		"form": {"POST", []any{"requestPayload", map[string]any{"a": "b c", "l": []any{1.0, 2.0}}, "requestHeaders", map[string]any{"content-type": "application/x-www-form-urlencoded"}},
			"", "a=b+c&l=1&l=2", map[string]string{"Content-Type": "application/x-www-form-urlencoded"}},
		"body of DELETE": {"DELETE", []any{"requestPayload", map[string]any{"a": 1.0}}, "", `{"a":1}`, nil},
		"headers": {"GET", []any{"requestHeaders", map[string]any{"Accept": "text/csv", "X-N": 7.0, "X-L": []any{"a", "b"}, "X-No": nil, "User-Agent": "mine"}}, "", "",
			map[string]string{"Accept": "text/csv", "X-N": "7", "X-L": "a", "X-No": "", "User-Agent": "mine"}},
		"headers in lines":        {"GET", []any{"requestHeaders", "Accept: text/csv\r\n\nX-A:  b: c \n"}, "", "", map[string]string{"Accept": "text/csv", "X-A": "b: c"}},
		"a key of the model":      {"POST", []any{"requestHeaders", map[string]any{"idempotency-key": "mine"}}, "", "", map[string]string{"Idempotency-Key": "mine"}},
		"a key of the call":       {"POST", nil, "", "", map[string]string{"Idempotency-Key": idempotencyKey("instance/7"), "User-Agent": "Waybill"}},
		"nothing special of HEAD": {"HEAD", nil, "", "", map[string]string{"Content-Type": ""}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.Call(t.Context(), call(test.action, server.URL+"/?a=1&no-value", test.inputs...))
			require.NoError(t, err)
			got := server.last(t)
			require.Equal(t, test.action, got.method)
			require.Equal(t, test.body, got.body)
			for name, value := range test.header {
				require.Equal(t, value, got.header.Get(name), name)
			}
			if test.uri != "" {
				want := strings.Split(strings.TrimPrefix(test.uri, "/?"), "&")
				require.ElementsMatch(t, want, strings.Split(strings.TrimPrefix(got.uri, "/?"), "&"))
			}
		})
	}
}

func TestIdempotencyKeysAreUUIDs(t *testing.T) {
	require.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, idempotencyKey("Bestellung Müller\r\n/7"))
	require.NotEqual(t, idempotencyKey("a"), idempotencyKey("b"))
	require.Equal(t, "d45ec585-f534-8043-8817-8599bab26495", idempotencyKey("a"), "it stays the same over versions of Waybill: calls are retried across them")
}

func TestInputsThatAreRefused(t *testing.T) {
	server := newAPI(t, byStatus)
	c := connect(t, local())
	header := func(name string, value any) []any { return []any{"requestHeaders", map[string]any{name: value}} }
	for name, test := range map[string]struct {
		action string
		inputs []any
		want   string
	}{
		"line break in a value":      {"GET", header("X-A", "a\r\nX-Evil: b"), "line break"},
		"line feed in a value":       {"GET", header("X-A", "a\nb"), "line break"},
		"carriage return in a value": {"GET", header("X-A", "a\rb"), "line break"},
		"null in a value":            {"GET", header("X-A", "a\x00b"), "line break"},
		"line break in a list":       {"GET", header("X-A", []any{"ok", "a\nb"}), "line break"},
		"line break in a name":       {"GET", header("X-A: b\r\nX-Evil", "c"), "is no name"},
		"space in a name":            {"GET", header("X A", "c"), "is no name"},
		"colon in a name":            {"GET", header("X-A:", "c"), "is no name"},
		"no name":                    {"GET", header("", "c"), "is no name"},
		"letters in a name":          {"GET", header("X-Ä", "c"), "is no name"},
		"object in a header":         {"GET", header("X-A", map[string]any{}), "text, a number"},
		"Host":                       {"GET", header("host", "evil.example"), "Host is set by the connector"},
		"Content-Length":             {"POST", header("Content-Length", "0"), "Content-Length is set"},
		"Transfer-Encoding":          {"POST", header("transfer-encoding", "chunked"), "Transfer-Encoding is set"},
		"Connection":                 {"GET", header("Connection", "X-A"), "Connection is set"},
		"Upgrade":                    {"GET", header("UPGRADE", "h2c"), "Upgrade is set"},
		"Proxy-Authorization":        {"GET", header("Proxy-Authorization", "x"), "Proxy-Authorization is set"},
		"Accept-Encoding":            {"GET", header("Accept-Encoding", "br"), "Accept-Encoding is set"},
		"many headers":               {"GET", header("X-A", strings.Repeat("a", maxHeaders)), "more than"},
		"headers in other text":      {"GET", []any{"requestHeaders", "nonsense"}, "an object such as"},
		"headers that are a list":    {"GET", []any{"requestHeaders", []any{}}, "an object such as"},
		"parameters that are a text": {"GET", []any{"restUrlParams", "a=b"}, "an object such as"},
		"parameters of objects":      {"GET", []any{"restUrlParams", map[string]any{"a": map[string]any{}}}, "text, a number"},
		"too many parameters":        {"GET", []any{"restUrlParams", map[string]any{"a": strings.Repeat("a", maxURL)}}, "longer than"},
		"body of HEAD":               {"HEAD", []any{"requestPayload", "x"}, "HEAD has none"},
		"body of TRACE":              {"TRACE", []any{"requestPayload", "x"}, "TRACE has none"},
		"credentials of TRACE":       {"TRACE", header("Authorization", "Bearer x"), "TRACE must not carry"},
		"a form of objects":          {"POST", append(header("Content-Type", form), "requestPayload", map[string]any{"a": map[string]any{}}), "text, a number"},
		"large body":                 {"POST", []any{"requestPayload", strings.Repeat("a", maxBody+1)}, "more than"},
		"timeout below zero":         {"GET", []any{"timeout", int64(-1)}, "milliseconds"},
		"timeout of a year":          {"GET", []any{"timeout", 3.2e10}, "milliseconds"},
		"result as nonsense":         {"GET", []any{"restResultAs", "xml"}, "neither json nor text"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.Call(t.Context(), call(test.action, server.URL, test.inputs...))
			failure := connectors.AsError(err)
			require.Equal(t, connectors.CodeInvalidInput, failure.Code)
			require.Equal(t, connectors.BPMN, failure.Kind)
			require.Contains(t, failure.Public, test.want)
		})
	}
	require.Empty(t, server.requests(), "nothing was sent")
	_, err := c.Call(t.Context(), connectors.Call{Action: "GET / HTTP/1.1\r\nX: y", IdempotencyKey: "k", Inputs: map[string]any{"restUrl": server.URL}})
	require.Equal(t, connectors.CodeUnknownAction, connectors.AsError(err).Code)
	require.Empty(t, server.requests())
}
