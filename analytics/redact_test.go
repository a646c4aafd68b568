package analytics

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/mail"
)

// echoing is a store before whose server something stands that answers with what it got, as some proxies do.
func echoing(t *testing.T, change func(*Config), answer http.HandlerFunc) *Store {
	t.Helper()
	front := httptest.NewServer(answer)
	t.Cleanup(front.Close)
	c := Config{Addresses: []string{front.URL}}
	change(&c)
	s, err := Open(c)
	require.NoError(t, err)
	t.Cleanup(s.Close)
	s.limits.pause = time.Millisecond
	return s
}

const hunter = `hunt"er/2 ä`

func secretsOfTests(t *testing.T) map[string]struct {
	change func(*Config)
	secret []string
} {
	basic := base64.StdEncoding.EncodeToString([]byte("ada:" + hunter))
	key := base64.StdEncoding.EncodeToString([]byte("VuaCfGcBCdbkQm:ui2lp2axTNmsyakw9tvNnw"))
	return map[string]struct {
		change func(*Config)
		secret []string
	}{
		"account": {func(c *Config) { c.Username, c.Password = "ada", hunter }, []string{hunter, basic}},
		"URL": {func(c *Config) {
			c.Addresses[0] = strings.Replace(c.Addresses[0], "://", "://ada:hunt%22er%2F2%20%C3%A4@", 1)
		}, []string{hunter, "hunt%22er%2F2%20%C3%A4", basic}},
		"API key": {func(c *Config) { c.APIKey = mail.Secret(key) }, []string{key, "ui2lp2axTNmsyakw9tvNnw"}},
	}
}

// What an answer repeats of what we sent gets into no error, and not much of it.
func TestNoSecretIsTold(t *testing.T) {
	t.Parallel()
	for name, test := range secretsOfTests(t) {
		told := func(r *http.Request) string {
			return "you sent " + r.Header.Get("Authorization") + " " + strings.Join(test.secret, " ")
		}
		for form, answer := range map[string]http.HandlerFunc{
			"reason": func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(http.StatusForbidden)
				_, _ = io.WriteString(w, serverError(403, "security_exception", told(r)))
			},
			"type": func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(http.StatusForbidden)
				_, _ = io.WriteString(w, serverError(403, told(r), "no"))
			},
			"cut": func(w http.ResponseWriter, r *http.Request) { // where it is cut, a part would be left
				w.WriteHeader(http.StatusForbidden)
				secret := test.secret[0]
				_, _ = io.WriteString(w, serverError(403, "security_exception", strings.Repeat(".", maxReason-len(secret)/2)+secret))
			},
			"text": func(w http.ResponseWriter, r *http.Request) {
				text, err := json.Marshal(map[string]any{"error": told(r), "status": 403})
				require.NoError(t, err)
				w.WriteHeader(http.StatusForbidden)
				_, _ = w.Write(text)
			},
			"no HTTP": func(w http.ResponseWriter, r *http.Request) {
				connection, _, err := w.(http.Hijacker).Hijack()
				if err == nil {
					_, _ = fmt.Fprintf(connection, "HTTP/1.1 %s%s\r\n\r\n", test.secret[len(test.secret)-1], strings.Repeat("x", 5000))
					_ = connection.Close()
				}
			},
		} {
			t.Run(name+" "+form, func(t *testing.T) {
				t.Parallel()
				s := echoing(t, test.change, answer)
				_, err := s.Count(t.Context(), Selection{Index: "tasks"})
				require.Error(t, err)
				for _, secret := range test.secret {
					require.NotContains(t, err.Error(), secret)
					require.NotContains(t, err.Error(), secret[:len(secret)/2])
				}
				require.Less(t, len(err.Error()), 2*maxReason)
			})
		}
	}
}

// Nor do they get into dead letters, whose reason is that of the document.
func TestNoSecretInDeadLetters(t *testing.T) {
	t.Parallel()
	for name, test := range secretsOfTests(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := echoing(t, test.change, func(w http.ResponseWriter, r *http.Request) {
				_, _ = fmt.Fprintf(w, `{"items":[%s]}`, itemAnswer(400, parsing, "you sent "+r.Header.Get("Authorization")+" "+strings.Join(test.secret, " ")))
			})
			c := &chunk{}
			require.NoError(t, c.add("tasks", "tasks", &mine(t, "1")[0]))
			var done tally
			require.NoError(t, s.send(t.Context(), c, &done, 1))
			require.Len(t, done.dead, 1)
			require.Contains(t, done.dead[0].reason, "you sent ")
			for _, secret := range test.secret {
				require.NotContains(t, done.dead[0].reason, secret)
			}
		})
	}
}

func TestReasonsStayReadable(t *testing.T) {
	t.Parallel()
	s := echoing(t, func(c *Config) { c.Username, c.Password = "ada", hunter }, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, serverError(400, parsing, "failed to parse field [duration]"))
	})
	_, err := s.Count(t.Context(), Selection{Index: "tasks"})
	require.ErrorContains(t, err, "Elasticsearch answers 400 document_parsing_exception: failed to parse field [duration]")
}
