package rest

import (
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/testsuite/nameserver"
)

// resolver answers every name with the next of its addresses; the last one stays.
func resolver(t *testing.T, addresses ...string) *net.Resolver {
	t.Helper()
	server, err := nameserver.Start(map[string][]string{"*": addresses})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Close()) })
	return server.Resolver()
}

func TestInnerNetworksAreNotReached(t *testing.T) {
	inner := newAPI(t, byStatus)
	_, port, err := net.SplitHostPort(inner.host())
	require.NoError(t, err)
	for _, target := range []string{
		"http://127.0.0.1:PORT/", "http://127.0.0.1.:PORT/", "http://127.1.2.3:PORT/", "http://localhost:PORT/", "http://LocalHost:PORT/", "http://0.0.0.0:PORT/",
		"http://2130706433:PORT/", "http://0x7f000001:PORT/", "http://0x7f.0.0.1:PORT/", "http://0177.0.0.1:PORT/", "http://017700000001:PORT/", "http://127.1:PORT/", "http://0:PORT/",
		"http://127.0.0.01:PORT/", "http://１２７.０.０.１:PORT/", "http://①②⑦.⓪.⓪.①:PORT/", "http://127。0。0。1:PORT/",
		"http://[::1]:PORT/", "http://[::]:PORT/", "http://[::ffff:127.0.0.1]:PORT/", "http://[::ffff:7f00:1]:PORT/", "http://[0:0:0:0:0:ffff:7f00:1]:PORT/",
		"http://[64:ff9b::7f00:1]:PORT/", "http://[2002:7f00:1::]:PORT/", "http://[::127.0.0.1]:PORT/", "http://[fe80::1%25lo]:PORT/",
		"http://169.254.169.254/latest/meta-data/", "http://[fd00:ec2::254]/latest/meta-data/", "http://[::ffff:a9fe:a9fe]/", "http://168.63.129.16/", "http://100.100.100.200/",
		"http://10.0.0.1/", "http://172.16.0.1/", "http://192.168.0.1/", "http://100.64.0.1/", "http://198.18.0.1/", "http://224.0.0.1/", "http://255.255.255.255/",
		"http://evil.example@127.0.0.1:PORT/", "http://127.0.0.1:PORT\\@evil.example/", "http://evil.example#@127.0.0.1:PORT/", "gopher://127.0.0.1:PORT/", "file:///etc/passwd",
		"http://127.0.0.1%00.example:PORT/", "http:127.0.0.1:PORT/", "http:///127.0.0.1:PORT/", "http://127.0.0.1%2f.example:PORT/",
	} {
		c := connect(t, nil)
		c.config.guard.Resolver = resolver(t, "127.0.0.1") // what a name leads to that is not refused as it is
		for _, encoded := range []bool{false, true} {
			_, err := c.Call(t.Context(), call("GET", strings.ReplaceAll(target, "PORT", port), "restUrlEncoded", encoded))
			failure := connectors.AsError(err)
			require.NotNil(t, failure, target)
			require.Equal(t, connectors.CodeInvalidInput, failure.Code, "%s: %v", target, err)
			require.Equal(t, connectors.BPMN, failure.Kind, "%s: %v", target, err)
		}
	}
	require.Empty(t, inner.requests())
}

func TestNamesAreCheckedWhereTheyLead(t *testing.T) {
	inner := newAPI(t, byStatus)
	_, port, err := net.SplitHostPort(inner.host())
	require.NoError(t, err)
	c := connect(t, nil)
	c.config.guard.Resolver = resolver(t, "127.0.0.1")
	_, err = c.Call(t.Context(), call("GET", "http://orders.example:"+port))
	failure := connectors.AsError(err)
	require.Equal(t, connectors.CodeInvalidInput, failure.Code)
	require.Contains(t, failure.Public, "REST_ALLOWED_NETWORKS")
	require.NotContains(t, failure.Public, "127.0.0.1", "a process does not learn what is inside")

	// Rebinding: the first answer may be called, the next one may not.
	c = connect(t, map[string]string{"REST_ALLOWED_NETWORKS": "127.0.0.1"})
	c.config.guard.Resolver = resolver(t, "127.0.0.1", "127.0.0.2")
	_, err = c.Call(t.Context(), call("GET", "http://rebind.example:"+port))
	require.NoError(t, err)
	c.client.CloseIdleConnections()
	_, err = c.Call(t.Context(), call("GET", "http://rebind.example:"+port))
	require.Equal(t, connectors.CodeInvalidInput, connectors.AsError(err).Code)
	require.Len(t, inner.requests(), 1)
}

func TestRedirectsLeadToNoInnerNetwork(t *testing.T) {
	inner := newAPI(t, byStatus)
	_, innerPort, err := net.SplitHostPort(inner.host())
	require.NoError(t, err)
	// A server that may be called leads to its own name on the same port, which then is another machine.
	outer := newAPI(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		if r.URL.Path == "/" {
			http.Redirect(w, r, "/secret", http.StatusFound)
		}
	})
	_, port, err := net.SplitHostPort(outer.host())
	require.NoError(t, err)
	c := connect(t, map[string]string{"REST_ALLOWED_NETWORKS": "127.0.0.1"})
	c.config.guard.Resolver = resolver(t, "127.0.0.1", "127.0.0.3")
	_, err = c.Call(t.Context(), call("GET", "http://outer.example:"+port))
	require.Equal(t, connectors.CodeInvalidInput, connectors.AsError(err).Code)
	require.Len(t, outer.requests(), 1)

	for _, target := range []string{"http://127.0.0.1:" + innerPort + "/", "http://localhost:" + innerPort, "//[::1]:" + innerPort} {
		leading := newAPI(t, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, target, http.StatusTemporaryRedirect)
		})
		_, err = connect(t, local()).Call(t.Context(), call("POST", leading.URL))
		require.Equal(t, connectors.CodeUnknown, connectors.AsError(err).Code)
	}
	require.Empty(t, inner.requests())
}

func TestHostOfTheInstanceMayBeInside(t *testing.T) {
	inner, other := newAPI(t, byStatus), newAPI(t, byStatus)
	c := connect(t, map[string]string{"REST_HOST": inner.URL})
	_, err := c.Call(t.Context(), call("GET", "/orders"))
	require.NoError(t, err, "whoever sets REST_HOST has chosen it")
	_, err = c.Call(t.Context(), call("GET", other.URL))
	require.Equal(t, connectors.CodeInvalidInput, connectors.AsError(err).Code, "at its port only")
	_, err = c.Call(t.Context(), call("GET", strings.Replace(inner.URL, "127.0.0.1", "localhost", 1)))
	require.Equal(t, connectors.CodeInvalidInput, connectors.AsError(err).Code, "and by its name only")
}

func TestProxiesOfTheEnvironmentAreNotUsed(t *testing.T) {
	proxy, server := newAPI(t, byStatus), newAPI(t, byStatus)
	t.Setenv("HTTP_PROXY", proxy.URL)
	t.Setenv("http_proxy", proxy.URL)
	c := connect(t, local())
	require.Nil(t, c.client.Transport.(*transport).plain.Proxy, "the environment's skips this machine, so that a call would prove nothing")
	_, err := c.Call(t.Context(), call("GET", server.URL))
	require.NoError(t, err)
	require.Empty(t, proxy.requests())
}
