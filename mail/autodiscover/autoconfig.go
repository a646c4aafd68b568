package autodiscover

import (
	"cmp"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/waybill-io/waybill/mail/preset"
)

const (
	maxFile      = 256 << 10
	maxRedirects = 3
)

// byAutoconfig asks the domain itself. The address goes only there.
func (f Finder) byAutoconfig(ctx context.Context, a target, report *Report) {
	for _, address := range []string{
		"https://autoconfig." + a.domain + "/mail/config-v1.1.xml?emailaddress=" + url.QueryEscape(a.address),
		"https://" + a.domain + "/.well-known/autoconfig/mail/config-v1.1.xml",
	} {
		f.ask(ctx, address, a, report)
	}
}

// byISPDB tells a third party which domain is asked for, and no more.
func (f Finder) byISPDB(ctx context.Context, a target, report *Report) {
	if f.ISPDB != "" {
		f.ask(ctx, strings.TrimSuffix(f.ISPDB, "/")+"/"+a.domain, a, report)
	}
}

func (f Finder) ask(ctx context.Context, address string, a target, report *Report) {
	source, _, _ := strings.Cut(address, "?")
	config, err := f.get(ctx, address)
	if err != nil {
		report.failed(source, err)
		return
	}
	for _, provider := range config.Providers {
		for _, s := range append(provider.Incoming, provider.Outgoing...) {
			if s.Type == IMAP || s.Type == SMTP {
				report.add(s.server(a, source))
			}
		}
	}
}

func (f Finder) get(ctx context.Context, address string) (clientConfig, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return clientConfig{}, err
	}
	if request.URL.Scheme != "https" {
		return clientConfig{}, errors.New("only https is asked")
	}
	client := http.Client{Transport: f.HTTP, CheckRedirect: func(next *http.Request, via []*http.Request) error {
		if next.URL.Scheme != "https" {
			return fmt.Errorf("redirected to %s, which is not https", next.URL.Scheme)
		}
		if len(via) > maxRedirects {
			return fmt.Errorf("more than %d redirects", maxRedirects)
		}
		next.Header.Del("Referer") // it would tell the address to another host
		return nil
	}}
	response, err := client.Do(request)
	if err != nil {
		if failure := new(url.Error); errors.As(err, &failure) {
			err = failure.Err // without the URL, which holds the address
		}
		return clientConfig{}, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return clientConfig{}, fmt.Errorf("HTTP status %d", response.StatusCode)
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("larger than %d bytes", maxFile)
	}
	if err != nil {
		return clientConfig{}, err
	}
	return decode(text)
}

// clientConfig is Mozilla's configuration file, version 1.1, as far as it is used.
type clientConfig struct {
	XMLName   xml.Name `xml:"clientConfig"`
	Providers []struct {
		Incoming []configServer `xml:"incomingServer"`
		Outgoing []configServer `xml:"outgoingServer"`
	} `xml:"emailProvider"`
}

type configServer struct {
	Type     string   `xml:"type,attr"`
	Host     string   `xml:"hostname"`
	Port     int      `xml:"port"`
	Socket   string   `xml:"socketType"`
	Username string   `xml:"username"`
	Auth     []string `xml:"authentication"`
}

func decode(text []byte) (clientConfig, error) {
	var config clientConfig
	tokens := xml.NewDecoder(strings.NewReader(string(text)))
	if err := xml.NewTokenDecoder(withoutDTD{tokens}).Decode(&config); err != nil {
		return clientConfig{}, fmt.Errorf("not an autoconfig file: %w", err)
	}
	return config, nil
}

// withoutDTD refuses a document that defines entities, which no autoconfig file needs.
type withoutDTD struct{ decoder *xml.Decoder }

func (w withoutDTD) Token() (xml.Token, error) {
	token, err := w.decoder.Token()
	if _, directive := token.(xml.Directive); directive {
		return nil, errors.New("it has a DOCTYPE")
	}
	return token, err
}

var sockets = map[string]string{"SSL": "implicit", "STARTTLS": "starttls", "plain": "plain"}

func (c configServer) server(a target, source string) Server {
	fill := strings.NewReplacer("%EMAILADDRESS%", a.address, "%EMAILLOCALPART%", a.local, "%EMAILDOMAIN%", a.domain)
	word := func(text string) string {
		text = fill.Replace(strings.TrimSpace(text))
		return text[:min(len(text), maxAddress)]
	}
	s := Server{
		Protocol: c.Type, Source: source, Username: word(c.Username),
		Server: preset.Server{Host: word(c.Host), Port: c.Port, TLS: cmp.Or(sockets[strings.TrimSpace(c.Socket)], "unknown")},
	}
	for _, auth := range c.Auth {
		switch strings.TrimSpace(auth) {
		case "OAuth2":
			s.Auth = append(s.Auth, "xoauth2")
		case "password-cleartext", "plain": // in the clear within TLS; "plain" is how version 1.0 wrote it
			s.Auth = append(s.Auth, "password")
		}
	}
	return s
}
