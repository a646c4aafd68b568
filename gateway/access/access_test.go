package access

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/external"
)

// from is a request from elsewhere.
func from(authorization ...string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "https://wb.example.com/engine-rest/external-task/fetchAndLock", nil)
	r.RemoteAddr = "10.0.0.1:1"
	for _, a := range authorization {
		r.Header.Add("Authorization", a)
	}
	return r
}

func bearer(token string) *http.Request { return from("Bearer " + token) }

func password(user, token string) *http.Request {
	r := from()
	r.SetBasicAuth(user, token)
	return r
}

// fromHere is a request from this machine.
func fromHere(authorization string) *http.Request {
	r := from(authorization)
	if authorization == "" {
		r.Header.Del("Authorization")
	}
	r.RemoteAddr, r.Host = "127.0.0.1:1", "localhost:8080"
	return r
}

func line(name, token string) string {
	sum := sha256.Sum256([]byte(token))
	return name + " sha256:" + hex.EncodeToString(sum[:])
}

func write(t *testing.T, file, content string) {
	t.Helper()
	require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
}

func TestTokensHaveScopes(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tokens")
	write(t, file, line("crm", "wb_one")+"\n"+line("orders", "wb_two")+" topic=orders tenant=acme\n"+line("all", "wb_three")+" external\n")
	g, err := Open(Config{Tokens: file})
	require.NoError(t, err)
	require.True(t, g.Wanted())
	acme := "acme"
	for token, want := range map[string]struct {
		scope external.Scope
		api   bool
	}{
		"wb_one":   {external.Scope{User: "crm"}, true},
		"wb_two":   {external.Scope{User: "orders", Topics: []string{"orders"}, Tenant: &acme}, false},
		"wb_three": {external.Scope{User: "all"}, false},
	} {
		for _, r := range []*http.Request{bearer(token), password("somebody", token), fromHere("bearer " + token)} {
			scope, err := g.External(r)
			require.NoError(t, err)
			require.Equal(t, want.scope, scope)
			user, err := g.API(r)
			require.Equal(t, want.scope.User, user)
			if want.api {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, external.ErrForbidden)
				require.EqualError(t, err, "this token is for external tasks alone")
			}
		}
	}
	for _, r := range []*http.Request{
		from(), fromHere(""), bearer("wb_four"), bearer(""), password("crm", ""), password("wb_one", "x"), from("Basic wb_one"), from("Basic"), from("wb_one"), from(""),
		from("Bearer wb_one", "Bearer wb_one"),
	} {
		_, err := g.External(r)
		require.ErrorIs(t, err, external.ErrNoToken, r.Header)
		_, err = g.API(r)
		require.ErrorIs(t, err, external.ErrNoToken, r.Header)
	}
}

func TestWithoutTokens(t *testing.T) {
	for _, g := range []*Gate{nil, {}} {
		require.False(t, g.Wanted())
		scope, err := g.External(fromHere(""))
		require.NoError(t, err)
		require.Equal(t, external.Scope{}, scope)
		for _, r := range []*http.Request{from(), bearer("x"), fromHere("Bearer x")} {
			_, err = g.External(r)
			require.ErrorIs(t, err, external.ErrNoToken)
		}
		for _, name := range []string{"Origin", "Via", "X-Forwarded-For"} {
			r := fromHere("")
			r.Header.Set(name, "x")
			_, err = g.External(r)
			require.ErrorIs(t, err, external.ErrNoToken, name)
		}
	}
}

// A file that has changed counts without a restart; one that is wrong does not.
func TestTokensChange(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tokens")
	write(t, file, line("one", "wb_one"))
	log := &bytes.Buffer{}
	g, err := Open(Config{Tokens: file, Logger: slog.New(slog.NewTextHandler(log, nil))})
	require.NoError(t, err)
	knows := func(token string) bool {
		g.tokens.looked = time.Time{} // as if a second had passed
		_, err := g.External(bearer(token))
		return err == nil
	}
	require.True(t, knows("wb_one"))
	require.Empty(t, log.String(), "it has not changed")
	write(t, file, line("two", "wb_two")+"\n"+line("three", "wb_three"))
	require.True(t, knows("wb_two"))
	require.False(t, knows("wb_one"), "it was taken away")
	write(t, file, "two wb_two wb_four")
	require.True(t, knows("wb_three"))
	require.True(t, knows("wb_three"))
	require.Equal(t, 1, strings.Count(log.String(), "level=ERROR"), "it is told once")
	require.Contains(t, log.String(), file+": line 1: NAME sha256:HEX is expected")
	require.NotContains(t, log.String(), "wb_")
	require.NoError(t, os.Remove(file))
	require.True(t, knows("wb_two"))
	require.Equal(t, 2, strings.Count(log.String(), "level=ERROR"))
	write(t, file, "# nobody\n")
	require.False(t, knows("wb_two"))
	_, err = g.External(fromHere(""))
	require.ErrorIs(t, err, external.ErrNoToken, "a file without tokens lets nobody in")
}

func TestIdentity(t *testing.T) {
	g, err := Open(Config{Identity: true})
	require.NoError(t, err)
	scope, err := g.External(fromHere("Bearer ZHVtbXlfdG9rZW4="))
	require.NoError(t, err)
	require.Equal(t, external.Scope{User: "dummy_token"}, scope)
	scope, err = g.External(fromHere(""))
	require.NoError(t, err)
	require.Equal(t, external.Scope{}, scope)
	_, err = g.API(fromHere("Bearer ZHVtbXlfdG9rZW4="))
	require.ErrorIs(t, err, external.ErrForbidden)
	for _, token := range []string{"dummy_token", "ZHVtbXk\n", "Cg==", "/w==", strings.Repeat("AAAA", 100), strings.Repeat("eHh4", 100)} {
		_, err = g.External(fromHere("Bearer " + token))
		require.ErrorIs(t, err, external.ErrNoToken, token)
	}
	_, err = g.External(bearer("ZHVtbXlfdG9rZW4="))
	require.ErrorIs(t, err, external.ErrNoToken, "who is not on this machine needs a token")
	page := fromHere("Bearer ZHVtbXlfdG9rZW4=")
	page.Header.Set("Origin", "https://evil.example.com")
	_, err = g.External(page)
	require.ErrorIs(t, err, external.ErrNoToken)
	for _, off := range []*Gate{nil, {}} {
		_, err = off.External(fromHere("Bearer ZHVtbXlfdG9rZW4="))
		require.ErrorIs(t, err, external.ErrNoToken)
		require.NoError(t, off.Misplaced("10.0.0.1:8080"))
	}
	require.NoError(t, g.Misplaced("127.0.0.1:8080"))
	require.NoError(t, g.Misplaced("[::1]:8080"))
	for _, address := range []string{"0.0.0.0:8080", "[::]:8080", "10.0.0.1:8080"} {
		require.ErrorContains(t, g.Misplaced(address), "others than this machine reach "+address)
	}
}

func TestOpenRefuses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tokens")
	write(t, file, "\n"+line("one", "wb_one")+" topics=a")
	for want, c := range map[string]Config{
		"open /nowhere": {Tokens: "/nowhere"},
		file + ": line 2: word 3: external, topic=TOPIC": {Tokens: file},
		"no issuer": {Audience: "x"},
		"not the audience that its tokens must be for": {Issuer: "https://id.example.com"},
		"the https:// URL of an issuer is expected":    {Issuer: "http://id.example.com", Audience: "x"},
	} {
		_, err := Open(c)
		require.ErrorContains(t, err, want)
	}
	for _, at := range []string{"id.example.com", "https://", "https://id.example.com/?a=b", "ftp://id.example.com"} {
		_, err := Open(Config{Issuer: at, Audience: "x"})
		require.Error(t, err, at)
	}
}
