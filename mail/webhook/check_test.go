package webhook

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/mail"
)

func TestCheckReadsAnswers(t *testing.T) {
	var got *http.Request
	var answer func(http.ResponseWriter)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r
		answer(w)
	}))
	defer server.Close()
	status := func(code int, header ...string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			for i := 0; i < len(header); i += 2 {
				w.Header().Add(header[i], header[i+1])
			}
			w.WriteHeader(code)
		}
	}
	for name, test := range map[string]struct {
		answer      func(http.ResponseWriter)
		cause, cure string // no cure: it is fine
	}{
		"it takes everything":        {status(200), "answered OPTIONS with 200 OK", ""},
		"it takes POST":              {status(204, "Allow", "OPTIONS, post"), "204", ""},
		"it takes anything":          {status(200, "Allow", "*"), "200", ""},
		"POST only":                  {status(405, "Allow", "POST"), "405", ""},
		"it does not say what":       {status(405), "405", ""},
		"no OPTIONS at all":          {status(501), "501", ""},
		"it wants content":           {status(400), "400", ""},
		"no type that it knows":      {status(415), "415", ""},
		"a page for people":          {status(405, "Allow", "GET", "Allow", "HEAD"), "takes only GET, HEAD", "delivered by POST"},
		"a log-in":                   {status(401), "401 Unauthorized", "the same secret"},
		"forbidden":                  {status(403), "403", "the same secret"},
		"another path":               {status(404), "404 Not Found", "is the path of the URL right?"},
		"gone":                       {status(410), "410", "is the path of the URL right?"},
		"a proxy that wants a login": {status(407), "407", "HTTPS_PROXY"},
		"too much to do":             {status(429), "429", "too much to do"},
		"it leads elsewhere":         {status(302, "Location", "https://ann:pw@login.example.com/in?token=hunter2"), "to https://login.example.com/in", "follow no redirects"},
		"it leads nowhere":           {status(301), "301", "follow no redirects"},
		"it fails":                   {status(500), "500 Internal Server Error", "see its log"},
		"down behind a proxy":        {status(503), "503", "start it"},
		"it hangs up":                {func(http.ResponseWriter) { panic(http.ErrAbortHandler) }, "ended the connection", "see the log"},
	} {
		t.Run(name, func(t *testing.T) {
			answer = test.answer
			v := NewPoster(time.Minute).Check(t.Context(), []mail.Secret{"s3cret"}, "check-1", server.URL+"/hook?key=hunter2", time.Unix(1000, 0))
			require.Contains(t, v.Cause, test.cause)
			require.Equal(t, test.cure == "", v.OK, v)
			if test.cure == "" {
				require.Empty(t, v.Cure)
			}
			require.Contains(t, v.Cure, test.cure)
			require.NotContains(t, v.Cause+v.Cure, "hunter2")
			require.Equal(t, http.MethodOptions, got.Method)
			require.Equal(t, Sign([]mail.Secret{"s3cret"}, "check-1", "1000", nil), got.Header.Get(HeaderSignature))
			require.Zero(t, got.ContentLength)
		})
	}
}

// issued makes a certificate that is signed by an authority.
func issued(t *testing.T, parent *x509.Certificate, by *ecdsa.PrivateKey, c x509.Certificate) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	c.SerialNumber = big.NewInt(1)
	if parent == nil {
		parent, by = &c, key
	}
	raw, err := x509.CreateCertificate(rand.Reader, &c, parent, &key.PublicKey, by)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(raw)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key, Leaf: leaf}
}

func TestCheckNamesWhatIsWrongWithTLS(t *testing.T) {
	now := time.Now()
	root := issued(t, nil, nil, x509.Certificate{
		Subject: pkix.Name{CommonName: "The house"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	})
	stranger := issued(t, nil, nil, x509.Certificate{
		Subject: pkix.Name{CommonName: "A stranger"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	})
	local := []net.IP{net.IPv4(127, 0, 0, 1)}
	leaf := func(by tls.Certificate, c x509.Certificate) *tls.Config {
		return &tls.Config{Certificates: []tls.Certificate{issued(t, by.Leaf, by.PrivateKey.(*ecdsa.PrivateKey), c)}}
	}
	good := x509.Certificate{NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour), IPAddresses: local}
	old := leaf(root, good)
	old.MaxVersion = tls.VersionTLS11
	client := leaf(root, good)
	client.ClientAuth = tls.RequireAnyClientCert
	for name, test := range map[string]struct {
		config      *tls.Config
		cause, cure string
	}{
		"all is well":      {leaf(root, good), "answered OPTIONS with 200", ""},
		"another name":     {leaf(root, x509.Certificate{NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour), DNSNames: []string{"crm.example.com"}}), "is for other names: crm.example.com", "a certificate for 127.0.0.1"},
		"of a stranger":    {leaf(stranger, good), "signed by CN=A stranger, whom the worker does not trust", "SSL_CERT_FILE"},
		"it has ended":     {leaf(root, x509.Certificate{NotBefore: now.Add(-time.Hour), NotAfter: now.Add(-time.Minute), IPAddresses: local}), "only", "renew the certificate"},
		"for no server":    {leaf(root, x509.Certificate{NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour), IPAddresses: local, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}), "is not valid", "another certificate"},
		"an old TLS":       {old, "protocol version", ""},
		"it wants clients": {client, "refused the TLS handshake", "ask for no certificate of the client"},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
			server.TLS = test.config
			server.Config.ErrorLog = nil
			server.StartTLS()
			defer server.Close()
			p := NewPoster(time.Minute)
			roots := x509.NewCertPool()
			roots.AddCert(root.Leaf)
			p.client.Transport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: roots}
			v := p.Check(t.Context(), nil, "check-1", server.URL, now)
			require.Contains(t, v.Cause, test.cause)
			require.Contains(t, v.Cure, test.cure)
			require.Equal(t, name == "all is well", v.OK)
		})
	}
	plain := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer plain.Close()
	v := NewPoster(time.Minute).Check(t.Context(), nil, "check-1", "https"+plain.URL[len("http"):], now)
	require.False(t, v.OK)
	require.Contains(t, v.Cause, "speaks HTTP without TLS")
}

func TestCheckNamesWhyNothingAnswers(t *testing.T) {
	release := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer slow.Close()
	defer close(release)
	v := NewPoster(50*time.Millisecond).Check(t.Context(), nil, "check-1", slow.URL, time.Now())
	require.Contains(t, v.Cause, "no answer from 127.0.0.1:")
	require.Contains(t, v.Cure, "too slow")

	away := httptest.NewServer(nil)
	away.Close()
	v = NewPoster(time.Minute).Check(t.Context(), nil, "check-1", away.URL, time.Now())
	require.Contains(t, v.Cause, "the connection was refused")
	require.Contains(t, v.Cure, "start the receiver")

	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	for name, test := range map[string]struct {
		err         error
		cause, cure string
	}{
		"no such host":         {dial(&net.DNSError{Name: "crm.example.com", IsNotFound: true}), "the host crm.example.com has no address", "is the host in the URL right"},
		"no name server":       {dial(&net.DNSError{Name: "crm.example.com", Err: "i/o timeout", IsTimeout: true}), "the name server does not say", "/etc/resolv.conf"},
		"no route":             {dial(syscall.EHOSTUNREACH), "no way leads", "firewall"},
		"dropped":              {dial(context.DeadlineExceeded), "no connection to crm.example.com within 10s", "a firewall may drop"},
		"a proxy that is down": {&net.OpError{Op: "proxyconnect", Err: dial(syscall.ECONNREFUSED)}, "the proxy of the worker", "NO_PROXY"},
		"reset":                {&net.OpError{Op: "read", Err: syscall.ECONNRESET}, "ended the connection", "speak HTTPS"},
		"no HTTP":              {errors.New("malformed HTTP response \"SSH-2.0\""), "malformed HTTP response", "does an HTTP server answer"},
	} {
		t.Run(name, func(t *testing.T) {
			u := &url.URL{Scheme: "https", Host: "crm.example.com", Path: "/hook", RawQuery: "key=hunter2"}
			v := failed(u, &url.Error{Op: "Options", URL: u.String(), Err: test.err}, 10*time.Second)
			require.False(t, v.OK)
			require.Contains(t, v.Cause, test.cause)
			require.Contains(t, v.Cure, test.cure)
			require.NotContains(t, v.Cause+v.Cure, "hunter2")
		})
	}
	v = NewPoster(time.Minute).Check(t.Context(), nil, "check-1", "https://%zz", time.Now())
	require.Contains(t, v.Cause, "cannot be called")
}
