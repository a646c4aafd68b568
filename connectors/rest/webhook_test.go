package rest

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/mail/webhook"
)

var now = time.Date(2026, 1, 31, 8, 0, 0, 0, time.UTC)

func posted(body string, header ...string) connectors.Request {
	r := connectors.Request{Method: "POST", URL: "https://waybill.example/connectors/rest/events/orders/new", Path: "/events/orders/new", Header: http.Header{}, Body: []byte(body), At: now}
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	return r
}

func TestReceive(t *testing.T) {
	c := connect(t, map[string]string{"EVENT_NOT_MATCH_STATUS": "404"})
	require.False(t, c.Authenticates())
	r := posted(`{"id": 9007199254740993}`, "Content-Type", "application/json", "X-Kind", "a", "X-Kind", "b", "Authorization", "Bearer gateway-token", "Cookie", "session=1")
	r.Query = url.Values{"q": {"1"}, "l": {"a", "b"}}
	receipt, err := c.Receive(t.Context(), r)
	require.NoError(t, err)
	require.Equal(t, 404, receipt.Unmatched)
	require.Zero(t, receipt.Status)
	require.Len(t, receipt.Events, 1)
	e := receipt.Events[0]
	require.Equal(t, "INCOMING_WEBHOOK", e.Name)
	require.Equal(t, map[string]any{
		"method": "POST", "path": "orders/new", "params": map[string]any{"q": "1", "l": []any{"a", "b"}},
		"headers": map[string]any{"content-type": "application/json", "x-kind": "a, b"}, "body": map[string]any{"id": int64(9007199254740993)},
	}, e.Outputs, "no credentials are in the event")
	event, err := c.Definition().Event("INCOMING_WEBHOOK")
	require.NoError(t, err)
	require.Len(t, event.Outputs, len(e.Outputs))
	for _, o := range event.Outputs {
		require.NoError(t, o.Type.Check(e.Outputs[o.Name]))
	}
}

// TestSecretsOfWebhooks: what an event holds is kept in histories.
func TestSecretsOfWebhooks(t *testing.T) {
	c := connect(t, map[string]string{"WEBHOOK_SECRET": secret, "WEBHOOK_SIGNATURE": "hmac-sha256", "WEBHOOK_SIGNATURE_HEADER": "X-Shop-Hmac"})
	r := posted("a=1&token=of-the-body", "Content-Type", form, "X-Shop-Hmac", hexMAC(secret, "a=1&token=of-the-body"), "Idempotency-Key", "7", "X-Kind", "a", "X-Author", "ann")
	for _, name := range []string{
		"Authorization", "Proxy-Authorization", "Cookie", "X-Gitlab-Token", "X-Api-Key", "Apikey", "X-Client-Secret", "X-Password", "X-Access-Key", "Ocp-Apim-Subscription-Key",
		"X-Functions-Key", "X-Hub-Signature", "X-Hub-Signature-256", "Webhook-Signature", "X-Auth", "X-Amz-Security-Token",
	} {
		r.Header.Set(name, secret)
	}
	r.Query = url.Values{"page": {"2"}, "sign": {"virgo"}, "access_token": {secret}, "api_key": {secret}, "apiKey": {secret}, "PASSWORD": {secret}, "pwd": {secret}, "sig": {secret}, "X-Amz-Signature": {secret}}
	receipt, err := c.Receive(t.Context(), r)
	require.NoError(t, err)
	outputs := receipt.Events[0].Outputs
	require.Equal(t, map[string]any{"content-type": form, "idempotency-key": "7", "x-kind": "a", "x-author": "ann"}, outputs["headers"])
	require.Equal(t, map[string]any{"page": "2", "sign": "virgo", "a": "1"}, outputs["params"])
	require.Equal(t, map[string]any{"a": "1", "token": "of-the-body"}, outputs["body"], "content is the sender's matter")
	require.Equal(t, []string{secret}, r.Query["access_token"], "the request is the caller's")
}

func TestBodiesOfWebhooks(t *testing.T) {
	c := connect(t, nil)
	for _, test := range []struct {
		contentType, body string
		want              any
	}{
		{"application/cloudevents+json", `{"a":1}`, map[string]any{"a": int64(1)}},
		{"application/x-www-form-urlencoded; charset=utf-8", "a=b+c&l=1&l=2", map[string]any{"a": "b c", "l": []any{"1", "2"}}},
		{"application/x-www-form-urlencoded", "", nil},
		{"text/xml", "<a/>", "<a/>"},
		{"application/json", "{", "{"},
		{"", `[1]`, []any{int64(1)}},
		{"image/png", "\x89PNG", "iVBORw=="},
	} {
		receipt, err := c.Receive(t.Context(), posted(test.body, "Content-Type", test.contentType))
		require.NoError(t, err)
		require.Equal(t, test.want, receipt.Events[0].Outputs["body"], test.contentType)
	}
	r := posted("a=form&b=2", "Content-Type", form)
	r.Query = url.Values{"a": {"query"}}
	receipt, err := c.Receive(t.Context(), r)
	require.NoError(t, err)
	require.Equal(t, map[string]any{"a": "query", "b": "2"}, receipt.Events[0].Outputs["params"])
	_, err = c.Receive(t.Context(), posted("a=%zz", "Content-Type", form))
	require.Equal(t, connectors.CodeInvalidInput, connectors.AsError(err).Code)
}

func TestOnlyEventsAreWebhooks(t *testing.T) {
	c := connect(t, nil)
	for _, path := range []string{"", "/", "/events", "/events/", "/event/x", "/slack/events/x", "events/x"} {
		r := posted("")
		r.Path = path
		_, err := c.Receive(t.Context(), r)
		require.Equal(t, connectors.CodeNotFound, connectors.AsError(err).Code, path)
	}
}

func TestEventIDs(t *testing.T) {
	c := connect(t, nil)
	id := func(r connectors.Request) string {
		receipt, err := c.Receive(t.Context(), r)
		require.NoError(t, err)
		require.NotEmpty(t, receipt.Events[0].ID)
		require.Less(t, len(receipt.Events[0].ID), 64)
		return receipt.Events[0].ID
	}
	require.NotEqual(t, id(posted("same")), id(posted("same")), "the same order can be placed twice")
	for _, header := range idHeaders {
		require.Equal(t, id(posted("a", header, "1")), id(posted("b", header, "1")), header)
		require.NotEqual(t, id(posted("a", header, "1")), id(posted("a", header, "2")), header)
	}
	elsewhere := posted("a", "Idempotency-Key", "1")
	elsewhere.Path = "/events/invoices"
	require.NotEqual(t, id(posted("a", "Idempotency-Key", "1")), id(elsewhere), "systems count by themselves")
	require.NotEqual(t, id(posted("a", "Idempotency-Key", "1")), id(posted("a", "Ce-Id", "1")))
	require.NotEqual(t, id(posted("a", "X-Request-Id", "1")), id(posted("b", "X-Request-Id", "1")), "a trace has many events")
	id(posted("a", "Ce-Id", strings.Repeat("x", 10_000)+"\n/"))
}

const (
	key      = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" // of the library's example
	previous = "an old secret, as it is"
)

// standard signs with the reference implementation, not with ours.
func standard(t *testing.T, secret, id string, at time.Time, body string) connectors.Request {
	t.Helper()
	signer, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		signer, err = standardwebhooks.NewWebhookRaw([]byte(secret))
	}
	require.NoError(t, err)
	signature, err := signer.Sign(id, at, []byte(body))
	require.NoError(t, err)
	return posted(body, "webhook-id", id, "webhook-timestamp", strconv.FormatInt(at.Unix(), 10), "webhook-signature", signature)
}

func with(r connectors.Request, name, value string) connectors.Request {
	r.Header = r.Header.Clone()
	if r.Header.Del(name); value != "" {
		r.Header.Set(name, value)
	}
	return r
}

func withBody(r connectors.Request, body string) connectors.Request {
	r.Body = []byte(body)
	return r
}

func TestStandardWebhooks(t *testing.T) {
	c := connect(t, map[string]string{"WEBHOOK_SECRET": key, "WEBHOOK_SECRET_PREVIOUS": previous})
	require.True(t, c.Authenticates())
	good := standard(t, key, "msg_1", now, `{"a":1}`)
	signature := good.Header.Get("webhook-signature")
	other := standard(t, "whsec_"+base64.StdEncoding.EncodeToString([]byte("another")), "msg_1", now, `{"a":1}`).Header.Get("webhook-signature")
	for name, r := range map[string]connectors.Request{
		"signed":                     good,
		"with the secret before":     standard(t, previous, "msg_1", now, `{"a":1}`),
		"by a sender that rotates":   with(good, "webhook-signature", other+" "+signature),
		"of another version, too":    with(good, "webhook-signature", "v1a,AAAA "+signature+" v2,BBBB"),
		"nearly five minutes before": standard(t, key, "msg_1", now.Add(-5*time.Minute), "x"),
		"nearly five minutes ahead":  standard(t, key, "msg_1", now.Add(5*time.Minute), "x"),
		"nothing in it":              standard(t, key, "msg_1", now, ""),
	} {
		receipt, err := c.Receive(t.Context(), r)
		require.NoError(t, err, name)
		require.Len(t, receipt.Events, 1)
	}
	for name, r := range map[string]connectors.Request{
		"unsigned":                    posted(`{"a":1}`),
		"without a signature":         with(good, "webhook-signature", ""),
		"without an id":               with(good, "webhook-id", ""),
		"without a time":              with(good, "webhook-timestamp", ""),
		"another body":                withBody(good, `{"a":2}`),
		"a body with more":            withBody(good, `{"a":1} `),
		"another id":                  with(good, "webhook-id", "msg_2"),
		"another time":                with(good, "webhook-timestamp", strconv.FormatInt(now.Unix()+1, 10)),
		"a time that is no number":    with(good, "webhook-timestamp", "now"),
		"a time too large":            with(good, "webhook-timestamp", "99999999999999999999"),
		"a time at the end of time":   with(good, "webhook-timestamp", "9223372036854775807"),
		"a time at the begin of time": with(good, "webhook-timestamp", "-9223372036854775808"),
		"another secret":              with(good, "webhook-signature", other),
		"an empty signature":          with(good, "webhook-signature", "v1,"),
		"no version":                  with(good, "webhook-signature", strings.TrimPrefix(signature, "v1,")),
		"another version":             with(good, "webhook-signature", strings.Replace(signature, "v1,", "v2,", 1)),
		"half a signature":            with(good, "webhook-signature", signature[:len(signature)/2]),
		"stale":                       standard(t, key, "msg_1", now.Add(-5*time.Minute-time.Second), `{"a":1}`),
		"from the future":             standard(t, key, "msg_1", now.Add(5*time.Minute+time.Second), `{"a":1}`),
		"signed with nothing":         standard(t, "whsec_", "msg_1", now, `{"a":1}`),
		"in GitHub's way":             posted("x", "X-Hub-Signature-256", "sha256="+hexMAC(key, "x")),
	} {
		_, err := c.Receive(t.Context(), r)
		failure := connectors.AsError(err)
		require.NotNil(t, failure, name)
		require.Equal(t, connectors.CodeUnauthorized, failure.Code, name)
		require.NotContains(t, err.Error(), signature[10:], name)
		require.NotContains(t, err.Error(), key)
	}
	// A secret that is not set has signed nothing.
	alone := connect(t, map[string]string{"WEBHOOK_SECRET": key})
	empty := webhook.Sign([]mail.Secret{""}, "msg_1", good.Header.Get("webhook-timestamp"), good.Body)
	_, err := alone.Receive(t.Context(), with(good, "webhook-signature", empty))
	require.Equal(t, connectors.CodeUnauthorized, connectors.AsError(err).Code)
	_, err = alone.Receive(t.Context(), good)
	require.NoError(t, err)

	nowhere := good
	nowhere.Path = "/nothing"
	_, err = c.Receive(t.Context(), withBody(nowhere, "forged"))
	require.Equal(t, connectors.CodeUnauthorized, connectors.AsError(err).Code, "who is not known learns nothing")

	// A replay is signed as it was, and is the same event.
	first, err := c.Receive(t.Context(), good)
	require.NoError(t, err)
	again := good
	again.At = now.Add(time.Minute)
	second, err := c.Receive(t.Context(), again)
	require.NoError(t, err)
	require.Equal(t, first.Events[0].ID, second.Events[0].ID)
	third, err := c.Receive(t.Context(), with(again, "Idempotency-Key", "mine"))
	require.NoError(t, err)
	require.Equal(t, first.Events[0].ID, third.Events[0].ID, "a header that is not signed does not make another event of it")
}

// TestOurOwnWebhooks has one Waybill call another.
func TestOurOwnWebhooks(t *testing.T) {
	c := connect(t, map[string]string{"WEBHOOK_SECRET": previous})
	var receive error
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := make([]byte, r.ContentLength)
		_, _ = r.Body.Read(body)
		_, receive = c.Receive(r.Context(), connectors.Request{Method: r.Method, Path: "/events/mail", Query: r.URL.Query(), Header: r.Header, Body: body, At: time.Now()})
	}))
	defer server.Close()
	for _, secrets := range [][]mail.Secret{{previous}, {"new", previous}} {
		err := webhook.NewPoster(time.Minute).Post(context.WithoutCancel(t.Context()), secrets, webhook.Delivery{ID: "mail/7", URL: server.URL, ContentType: "application/json", Body: []byte(`{}`)}, time.Now())
		require.NoError(t, err)
		require.NoError(t, receive)
	}
	require.NoError(t, webhook.NewPoster(time.Minute).Post(t.Context(), []mail.Secret{"other"}, webhook.Delivery{ID: "mail/7", URL: server.URL, Body: []byte(`{}`)}, time.Now()))
	require.Error(t, receive)
}

func hexMAC(secret, body string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = mac.Write([]byte(body))
	return hex.EncodeToString(mac.Sum(nil))
}

func TestGitHubAndPlainHMAC(t *testing.T) {
	// The example of GitHub's documentation.
	const github = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
	require.Equal(t, github, hexMAC("It's a Secret to Everybody", "Hello, World!"))
	raw, err := hex.DecodeString(github)
	require.NoError(t, err)
	for _, test := range []struct {
		settings map[string]string
		header   string
		values   []string
	}{
		{map[string]string{"WEBHOOK_SIGNATURE": "github"}, "X-Hub-Signature-256", []string{"sha256=" + github}},
		{map[string]string{"WEBHOOK_SIGNATURE": "hmac-sha256", "WEBHOOK_SIGNATURE_HEADER": "X-Shop-Hmac"}, "X-Shop-Hmac",
			[]string{github, strings.ToUpper(github), "sha256=" + github, " " + base64.StdEncoding.EncodeToString(raw)}},
	} {
		test.settings["WEBHOOK_SECRET"] = "It's a Secret to Everybody"
		test.settings["WEBHOOK_SECRET_PREVIOUS"] = previous
		c := connect(t, test.settings)
		require.True(t, c.Authenticates())
		for _, value := range append(test.values, hexMAC(previous, "Hello, World!")) {
			_, err := c.Receive(t.Context(), posted("Hello, World!", test.header, value))
			require.NoError(t, err, value)
			for _, r := range []connectors.Request{
				posted("Hello, World?", test.header, value), posted("Hello, World!"), posted("Hello, World!", "X-Signature", value),
			} {
				_, err := c.Receive(t.Context(), r)
				require.Equal(t, connectors.CodeUnauthorized, connectors.AsError(err).Code)
			}
		}
		for _, value := range []string{"", "sha256=", github[:62], github + "00", "sha1=" + github, hexMAC("", "Hello, World!"), hexMAC("another", "Hello, World!"), "AA=="} {
			_, err := c.Receive(t.Context(), posted("Hello, World!", test.header, value))
			require.Equal(t, connectors.CodeUnauthorized, connectors.AsError(err).Code, value)
		}
	}
}

func FuzzParseSignature(f *testing.F) {
	for _, seed := range []string{"", "sha256=", "sha256=sha256=", strings.Repeat("0", 64), base64.StdEncoding.EncodeToString(make([]byte, 32)), "é"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		raw := parseSignature(text)
		if raw == nil {
			return
		}
		require.Len(t, raw, sha256.Size, "anything shorter would be compared with less")
		require.Equal(t, raw, parseSignature("sha256="+hex.EncodeToString(raw)))
	})
}
