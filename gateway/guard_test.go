package gateway

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/gateway/access"
)

func gateOf(t *testing.T, content string) *access.Gate {
	t.Helper()
	file := filepath.Join(t.TempDir(), "tokens")
	require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
	gate, err := access.Open(access.Config{Tokens: file})
	require.NoError(t, err)
	return gate
}

func line(name, token string) string {
	sum := sha256.Sum256([]byte(token))
	return name + " sha256:" + hex.EncodeToString(sum[:]) + "\n"
}

func TestGuard(t *testing.T) {
	some := gateOf(t, "# who may\n\n"+line("crm", "wb_one")+line("erp", "wb_two")+strings.TrimSuffix(line("worker", "wb_worker"), "\n")+" external\n")
	basic := func(user, password string) string {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
	}
	for name, test := range map[string]struct {
		gate                   *access.Gate
		remote, host           string
		authorization, foreign string
		status                 int
	}{
		"a token":                             {some, "10.0.0.1:1", "wb.example.com", "Bearer wb_two", "", 200},
		"another token":                       {some, "10.0.0.1:1", "wb.example.com", "Bearer wb_three", "", 401},
		"no token":                            {some, "10.0.0.1:1", "wb.example.com", "", "", 401},
		"no token from here":                  {some, "127.0.0.1:1", "127.0.0.1:8080", "", "", 401},
		"a hash is no token":                  {some, "10.0.0.1:1", "wb.example.com", "Bearer " + line("", "wb_one")[8:72], "", 401},
		"not a bearer token":                  {some, "10.0.0.1:1", "wb.example.com", "Basic wb_one", "", 401},
		"another scheme":                      {some, "10.0.0.1:1", "wb.example.com", "Token wb_one", "", 401},
		"as a password":                       {some, "10.0.0.1:1", "wb.example.com", basic("anybody", "wb_one"), "", 200},
		"another password":                    {some, "10.0.0.1:1", "wb.example.com", basic("crm", "wb_three"), "", 401},
		"no password":                         {some, "10.0.0.1:1", "wb.example.com", basic("wb_one", ""), "", 401},
		"lower case":                          {some, "10.0.0.1:1", "wb.example.com", "bearer wb_one", "", 200},
		"a token for external tasks":          {some, "10.0.0.1:1", "wb.example.com", "Bearer wb_worker", "", 403},
		"no tokens, from here":                {nil, "127.0.0.1:1", "localhost:8080", "", "", 200},
		"no tokens, from here over IPv6":      {nil, "[::1]:1", "[::1]:8080", "", "", 200},
		"no tokens, IPv6 at the usual port":   {nil, "[::1]:1", "[::1]", "", "", 200},
		"no tokens, from elsewhere":           {nil, "10.0.0.1:1", "localhost", "", "", 401},
		"no tokens, a name that points here":  {nil, "127.0.0.1:1", "evil.example.com", "", "", 401},
		"no tokens, a page of another site":   {nil, "127.0.0.1:1", "localhost", "", "https://evil.example.com", 401},
		"no tokens, but one is given":         {nil, "127.0.0.1:1", "localhost", "Bearer x", "", 401},
		"no tokens, an empty one is no token": {nil, "10.0.0.1:1", "localhost", "Bearer ", "", 401},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/api/listeners/status", nil)
			r.RemoteAddr, r.Host = test.remote, test.host
			if test.authorization != "" {
				r.Header.Set("Authorization", test.authorization)
			}
			if test.foreign != "" {
				r.Header.Set("Origin", test.foreign)
			}
			w := httptest.NewRecorder()
			Options{Access: test.gate}.guard(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).ServeHTTP(w, r)
			require.Equal(t, test.status, w.Code)
			require.NotContains(t, w.Body.String(), "wb_one")
			if test.status == 401 {
				require.Equal(t, `Bearer realm="waybill"`, w.Header().Get("WWW-Authenticate"), "browsers are not to ask people for passwords")
			}
		})
	}
}
