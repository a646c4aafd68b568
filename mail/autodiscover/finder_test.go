package autodiscover

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// dns answers from a table; "imaps example.com" or "mx example.com".
type dns map[string]any

func (d dns) LookupSRV(ctx context.Context, service, proto, name string) (string, []*net.SRV, error) {
	switch found := d[service+" "+name].(type) {
	case []*net.SRV:
		return "", found, nil
	case error:
		return "", nil, found
	case time.Duration:
		<-ctx.Done()
		return "", nil, ctx.Err()
	}
	return "", nil, &net.DNSError{Err: "no such host", Name: "_" + service + "._tcp." + name, Server: "192.0.2.53:53", IsNotFound: true}
}

func (d dns) LookupMX(_ context.Context, name string) ([]*net.MX, error) {
	if found, ok := d["mx "+name].([]*net.MX); ok {
		return found, nil
	}
	return nil, &net.DNSError{Err: "server misbehaving", Name: name, Server: "192.0.2.53:53", IsTemporary: true}
}

// web answers https://HOST/PATH from a table.
type web struct {
	pages map[string]http.HandlerFunc
	mu    sync.Mutex
	asked []string
}

func (w *web) ServeHTTP(out http.ResponseWriter, in *http.Request) {
	address := in.Host + in.URL.Path
	w.mu.Lock()
	w.asked = append(w.asked, in.Host+in.URL.String()+" "+in.Referer())
	w.mu.Unlock()
	if page, ok := w.pages[address]; ok {
		page(out, in)
		return
	}
	http.NotFound(out, in)
}

// start serves every host name; those outside example.com have no certificate.
func (w *web) start(t *testing.T) http.RoundTripper {
	server := httptest.NewUnstartedServer(w)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // handshakes that a test makes fail
	server.StartTLS()
	t.Cleanup(server.Close)
	transport := server.Client().Transport.(*http.Transport).Clone()
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		if strings.HasSuffix(address, ":443") {
			return new(net.Dialer).DialContext(ctx, network, server.Listener.Addr().String())
		}
		return nil, fmt.Errorf("asked %s", address)
	}
	return transport
}

func page(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(text)) }
}

const autoconfig = `<?xml version="1.0" encoding="UTF-8"?>
<clientConfig version="1.1">
  <emailProvider id="example.com">
    <domain>example.com</domain>
    <incomingServer type="pop3"><hostname>pop.example.com</hostname><port>995</port><socketType>SSL</socketType></incomingServer>
    <incomingServer type="imap">
      <hostname>imap.%EMAILDOMAIN%</hostname><port>993</port><socketType>SSL</socketType>
      <username>%EMAILLOCALPART%</username><authentication>OAuth2</authentication><authentication>password-cleartext</authentication>
    </incomingServer>
    <incomingServer type="imap">
      <hostname>imap.example.com</hostname><port>143</port><socketType>plain</socketType>
      <username>%EMAILADDRESS%</username><authentication>password-cleartext</authentication>
    </incomingServer>
    <outgoingServer type="smtp">
      <hostname> smtp.hoster.example </hostname><port>587</port><socketType>STARTTLS</socketType>
      <username>%EMAILADDRESS%</username><authentication>password-cleartext</authentication>
    </outgoingServer>
    <outgoingServer type="smtp">
      <hostname>old.example.com</hostname><port>465</port><socketType>SSL</socketType><authentication>password-encrypted</authentication>
    </outgoingServer>
  </emailProvider>
</clientConfig>`

// table writes a report as a person reads it.
func table(r Report) string {
	var b strings.Builder
	for _, s := range r.Servers {
		fmt.Fprintf(&b, "%s %s:%d %s %v %s | %s", s.Protocol, s.Host, s.Port, s.TLS, s.Auth, s.Username, s.Source)
		if s.Unproven {
			b.WriteString(" | unproven")
		}
		b.WriteString("\n")
	}
	return b.String()
}

func attempts(r Report) string {
	var b strings.Builder
	for _, a := range r.Attempts {
		fmt.Fprintf(&b, "%s | %s\n", a.Source, a.Reason)
	}
	return b.String()
}

const (
	first  = "autoconfig.example.com/mail/config-v1.1.xml"
	second = "example.com/.well-known/autoconfig/mail/config-v1.1.xml"
)

func TestFind(t *testing.T) {
	records := dns{
		"imaps example.com":      []*net.SRV{{Target: "mail.example.com.", Port: 993}, {Target: "Imap.Hoster.example.", Port: 993}},
		"imap example.com":       []*net.SRV{{Target: ".", Port: 0}},
		"submission example.com": []*net.SRV{{Target: "smtp.example.com.", Port: 587}},
		"mx example.com":         []*net.MX{{Host: "example-com.mail.protection.outlook.com."}},
	}
	pages := &web{pages: map[string]http.HandlerFunc{
		first:                             page(autoconfig),
		"db.example.com/v1.1/example.com": page(strings.ReplaceAll(autoconfig, "smtp.hoster.example", "smtp.db.example")),
	}}
	report, err := Finder{Resolver: records, HTTP: pages.start(t), ISPDB: "https://db.example.com/v1.1/"}.Find(t.Context(), "Ann.O+x@Example.COM")
	require.NoError(t, err)
	require.Equal(t, `imap imap.example.com:993 implicit [xoauth2 password] Ann.O+x | https://autoconfig.example.com/mail/config-v1.1.xml
smtp smtp.hoster.example:587 starttls [password] Ann.O+x@Example.COM | https://autoconfig.example.com/mail/config-v1.1.xml
imap mail.example.com:993 implicit [password]  | SRV _imaps._tcp.example.com
imap imap.hoster.example:993 implicit [password]  | SRV _imaps._tcp.example.com | unproven
smtp smtp.example.com:587 starttls [password]  | SRV _submission._tcp.example.com
imap outlook.office365.com:993 implicit [xoauth2]  | MX example.com, preset microsoft365
smtp smtp.office365.com:587 starttls [xoauth2]  | MX example.com, preset microsoft365
imap imap.example.com:993 implicit [xoauth2 password] Ann.O+x | https://db.example.com/v1.1/example.com
smtp smtp.db.example:587 starttls [password] Ann.O+x@Example.COM | https://db.example.com/v1.1/example.com
`, table(report))
	require.Equal(t, `https://autoconfig.example.com/mail/config-v1.1.xml | imap: imap.example.com port 143 is not encrypted (plain)
https://autoconfig.example.com/mail/config-v1.1.xml | smtp: old.example.com port 465 offers no log-in that is supported
https://example.com/.well-known/autoconfig/mail/config-v1.1.xml | HTTP status 404
SRV _imap._tcp.example.com | the domain says that it has no such service
SRV _submissions._tcp.example.com | no such record
https://db.example.com/v1.1/example.com | imap: imap.example.com port 143 is not encrypted (plain)
https://db.example.com/v1.1/example.com | smtp: old.example.com port 465 offers no log-in that is supported
`, attempts(report))
	require.NotEmpty(t, report.Hints)

	asked := strings.Join(pages.asked, "\n")
	require.Contains(t, asked, first+"?emailaddress=Ann.O%2Bx%40Example.COM")
	require.NotContains(t, asked, "db.example.com/v1.1/example.com?", "a third party is told the domain alone")
}

func TestFindAProviderThatIsKnown(t *testing.T) {
	report, err := Finder{Resolver: dns{}, HTTP: (&web{}).start(t)}.Find(t.Context(), "ann@gmail.com")
	require.NoError(t, err)
	require.Equal(t, `imap imap.gmail.com:993 implicit [xoauth2 oauthbearer password]  | preset gmail
smtp smtp.gmail.com:465 implicit [xoauth2 oauthbearer password]  | preset gmail
`, table(report))
	require.NotEmpty(t, report.Hints)
	require.Contains(t, attempts(report), "MX gmail.com | server misbehaving\n")
	require.NotContains(t, attempts(report), "192.0.2.53")
}

func TestFindTrustsNoFile(t *testing.T) {
	server := func(inner string) string {
		return `<clientConfig><emailProvider><incomingServer type="imap">` + inner + `</incomingServer></emailProvider></clientConfig>`
	}
	good := `<hostname>imap.example.com</hostname><port>993</port><socketType>SSL</socketType><authentication>password-cleartext</authentication>`
	cases := map[string]struct {
		page http.HandlerFunc
		text string
	}{
		"HTML":           {page("<!doctype html><html><body>welcome</body></html>"), "not an autoconfig file"},
		"other XML":      {page("<other/>"), "expected element type <clientConfig>"},
		"cut off":        {page(server(good)[:60]), "not an autoconfig file"},
		"entities":       {page(`<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>` + server(good)), "DOCTYPE"},
		"external":       {page(`<!DOCTYPE x SYSTEM "file:///etc/passwd">` + server(good)), "DOCTYPE"},
		"too large":      {page(server(good) + strings.Repeat(" ", maxFile)), "larger than"},
		"no TLS":         {page(server(strings.Replace(good, "SSL", "plain", 1))), "not encrypted"},
		"unknown TLS":    {page(server(strings.Replace(good, "SSL", "ssl-ish", 1))), "not encrypted (unknown)"},
		"no port":        {page(server(strings.Replace(good, "993", "", 1))), ""},
		"port 0":         {page(server(strings.Replace(good, "993", "0", 1))), "port"},
		"an address":     {page(server(strings.Replace(good, "imap.example.com", "127.0.0.1", 1))), "no host name"},
		"a path as host": {page(server(strings.Replace(good, "imap.example.com", "imap.example.com/x", 1))), "no host name"},
		"no host":        {page(server(strings.Replace(good, "imap.example.com", "", 1))), "no host name"},
		"endless host":   {page(server(strings.Replace(good, "imap.example.com", strings.Repeat("x.", 9999), 1))), ""},
		"to http": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://example.com/config.xml", http.StatusFound)
		}, "not https"},
		"in circles": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) }, "more than 3 redirects"},
		"no certificate": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://evil.test/", http.StatusFound)
		}, "certificate"},
		"error": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }, "HTTP status 500"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			pages := &web{pages: map[string]http.HandlerFunc{second: c.page}}
			report, err := Finder{Resolver: dns{}, HTTP: pages.start(t)}.Find(t.Context(), "ann@example.com")
			require.NoError(t, err)
			require.Empty(t, report.Servers)
			var reason string
			for _, a := range report.Attempts {
				if a.Source == "https://"+second {
					reason = a.Reason
				}
			}
			require.NotEmpty(t, reason)
			require.Contains(t, reason, c.text)
			require.Less(t, len(reason), 1000)
			require.NotContains(t, attempts(report), "ann@")
		})
	}
	t.Run("the file itself is good", func(t *testing.T) {
		pages := &web{pages: map[string]http.HandlerFunc{second: page(server(good))}}
		report, err := Finder{Resolver: dns{}, HTTP: pages.start(t)}.Find(t.Context(), "ann@example.com")
		require.NoError(t, err)
		require.Len(t, report.Servers, 1)
	})
}

func TestRedirectIsNotToldTheAddress(t *testing.T) {
	pages := &web{pages: map[string]http.HandlerFunc{
		first: func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://hoster.example.com/c.xml", http.StatusFound)
		},
		"hoster.example.com/c.xml": page(autoconfig),
	}}
	report, err := Finder{Resolver: dns{}, HTTP: pages.start(t)}.Find(t.Context(), "ann@example.com")
	require.NoError(t, err)
	require.NotEmpty(t, report.Servers)
	for _, asked := range pages.asked {
		if strings.HasPrefix(asked, "hoster") {
			require.NotContains(t, asked, "ann")
			return
		}
	}
	t.Fatal("the redirect was not followed")
}

func TestFindIsBoundedInTime(t *testing.T) {
	slow := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	pages := &web{pages: map[string]http.HandlerFunc{first: slow, second: page(autoconfig)}}
	finder := Finder{Resolver: dns{"imaps example.com": time.Hour}, HTTP: pages.start(t), Timeout: 200 * time.Millisecond}
	begun := time.Now()
	report, err := finder.Find(t.Context(), "ann@example.com")
	require.NoError(t, err)
	require.Less(t, time.Since(begun), 5*time.Second)
	require.Contains(t, attempts(report), "deadline")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = finder.Find(ctx, "ann@example.com")
	require.ErrorIs(t, err, context.Canceled)
}

func TestAddresses(t *testing.T) {
	for _, address := range []string{
		"", "ann", "@example.com", "ann@", "ann@localhost", "ann@127.0.0.1", "ann@[127.0.0.1]", "ann@example.com/x", "ann@example.com:80",
		"ann@exa mple.com", "ann@example.com\r\nHost: x", "ann@-example.com", "ann@exa_mple.com?x", "ann@example..com", "ann@" + strings.Repeat("x", 400) + ".com",
	} {
		_, err := parse(address)
		require.Error(t, err, "%q", address)
	}
	for address, domain := range map[string]string{
		"ann@Example.com": "example.com", "ann@bücher.example": "xn--bcher-kva.example", `"a@b"@example.com`: "example.com", "ann@example.com.": "example.com",
	} {
		a, err := parse(address)
		require.NoError(t, err)
		require.Equal(t, domain, a.domain)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(autoconfig)
	f.Add("<clientConfig><!DOCTYPE x></clientConfig>")
	f.Fuzz(func(t *testing.T, text string) {
		config, err := decode([]byte(text))
		if err != nil {
			return
		}
		var report Report
		for _, provider := range config.Providers {
			for _, s := range append(provider.Incoming, provider.Outgoing...) {
				report.add(s.server(target{"a@example.com", "a", "example.com"}, "file"))
			}
		}
		for _, s := range report.Servers {
			require.Contains(t, []string{"implicit", "starttls"}, s.TLS)
			require.NotEmpty(t, s.Host)
		}
	})
}
