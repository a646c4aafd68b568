package gateway

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func tokensOf(t *testing.T, content string) (Tokens, error) {
	file := filepath.Join(t.TempDir(), "tokens")
	require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
	return ReadTokens(file)
}

func line(name, token string) string {
	sum := sha256.Sum256([]byte(token))
	return name + " sha256:" + hex.EncodeToString(sum[:]) + "\n"
}

func TestGuard(t *testing.T) {
	some, err := tokensOf(t, "# who may\n\n"+line("crm", "wb_one")+line("erp", "wb_two"))
	require.NoError(t, err)
	for name, test := range map[string]struct {
		tokens                 Tokens
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
		"no tokens, from here":                {Tokens{}, "127.0.0.1:1", "localhost:8080", "", "", 200},
		"no tokens, from here over IPv6":      {Tokens{}, "[::1]:1", "[::1]:8080", "", "", 200},
		"no tokens, from elsewhere":           {Tokens{}, "10.0.0.1:1", "localhost", "", "", 401},
		"no tokens, a name that points here":  {Tokens{}, "127.0.0.1:1", "evil.example.com", "", "", 401},
		"no tokens, a page of another site":   {Tokens{}, "127.0.0.1:1", "localhost", "", "https://evil.example.com", 401},
		"no tokens, but one is given":         {Tokens{}, "127.0.0.1:1", "localhost", "Bearer x", "", 401},
		"no tokens, an empty one is no token": {Tokens{}, "10.0.0.1:1", "localhost", "Bearer ", "", 401},
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
			test.tokens.guard(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).ServeHTTP(w, r)
			require.Equal(t, test.status, w.Code)
			require.NotContains(t, w.Body.String(), "wb_one")
		})
	}
}

func TestReadTokensRefuses(t *testing.T) {
	for _, content := range []string{"crm", "crm sha256:", "crm sha256:abcd", "crm md5:00", "wb_secret"} {
		_, err := tokensOf(t, "# first\n"+content+"\n")
		require.ErrorContains(t, err, "tokens: line 2: NAME sha256:HEX is expected")
		require.NotContains(t, err.Error(), "wb_secret")
	}
	_, err := ReadTokens("/nowhere")
	require.ErrorContains(t, err, "/nowhere")
}
