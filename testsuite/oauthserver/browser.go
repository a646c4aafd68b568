package oauthserver

import (
	"errors"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/waybill-io/waybill/testsuite/process"
)

// Browser is a person with a browser, who signs in as User wherever it is asked, and consents to everything.
type Browser struct {
	User string

	t    testing.TB
	http *http.Client
	hold string // a page that begins with it is not opened
}

// Page is where a browser came to.
type Page struct {
	URL    string
	Status int
	Body   string
	Header http.Header
}

// NewBrowser returns a browser without any cookies.
func NewBrowser(t testing.TB, user string) *Browser {
	jar, err := cookiejar.New(nil)
	process.Check(t, err)
	b := &Browser{User: user, t: t}
	b.http = &http.Client{Jar: jar, Timeout: time.Minute, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		if b.hold != "" && strings.HasPrefix(r.URL.String(), b.hold) {
			return http.ErrUseLastResponse
		}
		if len(via) > 20 {
			return errors.New("too many redirects")
		}
		return nil
	}}
	return b
}

// Open goes to an address, and through all forms, until there is a page without any.
func (b *Browser) Open(address string) Page {
	b.t.Helper()
	p := b.do(http.MethodGet, address, nil)
	for range 10 {
		action, fields := form(p.Body)
		if action == "" || p.Status/100 == 3 {
			return p
		}
		for name := range fields {
			switch name {
			case "login":
				fields.Set(name, b.User)
			case "password":
				fields.Set(name, "any")
			}
		}
		to, err := url.Parse(p.URL)
		process.Check(b.t, err)
		to, err = to.Parse(action)
		process.Check(b.t, err)
		p = b.do(http.MethodPost, to.String(), fields)
	}
	b.t.Fatalf("the forms do not end, the last page is %s:\n%s", p.URL, p.Body)
	return p
}

// OpenUntil is Open that does not open an address which begins with one: the URL of the page is that address.
func (b *Browser) OpenUntil(address, hold string) Page {
	b.t.Helper()
	b.hold = hold
	defer func() { b.hold = "" }()
	return b.Open(address)
}

func (b *Browser) do(method, address string, fields url.Values) Page {
	b.t.Helper()
	r, err := http.NewRequest(method, address, strings.NewReader(fields.Encode()))
	process.Check(b.t, err)
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	answer, err := b.http.Do(r)
	process.Check(b.t, err)
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	process.Check(b.t, err)
	p := Page{URL: answer.Request.URL.String(), Status: answer.StatusCode, Body: string(body), Header: answer.Header}
	if to := answer.Header.Get("Location"); to != "" {
		p.URL = to
	}
	return p
}

var (
	formTag  = regexp.MustCompile(`(?s)<form[^>]*action="([^"]*)"[^>]*>(.*?)</form>`)
	inputTag = regexp.MustCompile(`<(?:input|button)[^>]*>`)
	nameOf   = regexp.MustCompile(`\sname="([^"]*)"`)
	valueOf  = regexp.MustCompile(`\svalue="([^"]*)"`)
)

// form is the first form of a page.
func form(page string) (action string, fields url.Values) {
	found := formTag.FindStringSubmatch(page)
	if found == nil {
		return "", nil
	}
	fields = url.Values{}
	for _, tag := range inputTag.FindAllString(found[0], -1) {
		name := nameOf.FindStringSubmatch(tag)
		if name == nil || name[1] == "abort" {
			continue
		}
		value := ""
		if v := valueOf.FindStringSubmatch(tag); v != nil {
			value = html.UnescapeString(v[1])
		}
		fields.Set(html.UnescapeString(name[1]), value)
	}
	return html.UnescapeString(found[1]), fields
}
