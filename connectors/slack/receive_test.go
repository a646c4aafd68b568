package slack

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	slackapi "github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/connectors"
)

var now = time.Date(2026, 1, 31, 8, 0, 0, 0, time.UTC)

// sign signs as Slack's documentation says, independently of the code that checks it.
func sign(secret, stamp, body string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = mac.Write([]byte("v0:" + stamp + ":" + body))
	return "v0=" + hex.EncodeToString(mac.Sum(nil))
}

func signed(body string, at time.Time) connectors.Request {
	stamp := strconv.FormatInt(at.Unix(), 10)
	header := http.Header{"Content-Type": {"application/json"}}
	header.Set("X-Slack-Request-Timestamp", stamp)
	header.Set("X-Slack-Signature", sign(signingSecret, stamp, body))
	return connectors.Request{Method: "POST", URL: "https://waybill.example/connectors/slack/slack/events", Path: path, Header: header, Body: []byte(body), At: now}
}

// told is a request of the Events API, as https://docs.slack.dev/apis/events-api shows it, about a message with these fields.
func told(t *testing.T, fields map[string]any) connectors.Request {
	t.Helper()
	event := map[string]any{"type": "message", "channel": "C0GENERAL", "user": "U0ANN", "text": "Order 7", "ts": "1355517523.000005", "channel_type": "channel", "event_ts": "1355517523.000005", "client_msg_id": "a"}
	maps.Copy(event, fields)
	maps.DeleteFunc(event, func(_ string, v any) bool { return v == nil })
	body, err := json.Marshal(map[string]any{
		"token": "XXYYZZ", "team_id": "T0TEAM", "api_app_id": "A0APP", "event": event, "type": "event_callback", "event_id": "Ev0PV52K21", "event_time": 1355517523,
		"authorizations": []any{map[string]any{"enterprise_id": nil, "team_id": "T0TEAM", "user_id": us, "is_bot": true, "is_enterprise_install": false}},
	})
	require.NoError(t, err)
	return signed(string(body), now)
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

func TestTheExampleOfSlacksDocumentation(t *testing.T) {
	const body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
	const signature = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
	require.Equal(t, signature, sign(signingSecret, "1531420618", body))
	r := connectors.Request{Header: http.Header{}, Body: []byte(body), At: time.Unix(1531420618, 0)}
	r = with(with(r, "X-Slack-Request-Timestamp", "1531420618"), "X-Slack-Signature", signature)
	require.NoError(t, verify(signingSecret, r))
}

// TestTheLibraryAgrees compares with slack-go's check, which reads the clock itself.
func TestTheLibraryAgrees(t *testing.T) {
	for _, age := range []time.Duration{0, -4 * time.Minute, 4 * time.Minute, -6 * time.Minute, 6 * time.Minute} {
		for _, secret := range []string{signingSecret, "another"} {
			r := signed(`{"a":1}`, time.Now().Add(age))
			r.At = time.Now()
			v, err := slackapi.NewSecretsVerifier(r.Header, secret)
			if err == nil {
				_, _ = v.Write(r.Body)
				err = v.Ensure()
			}
			ours := verify("", r)
			require.Error(t, ours)
			c := connect(t, nil, "SLACK_SIGNING_SECRET", secret)
			ours = verify(c.secret, r)
			require.Equal(t, err == nil, ours == nil, "%v %s", age, secret)
		}
	}
}

func TestForgeriesAndReplaysAreRefused(t *testing.T) {
	c := connect(t, nil)
	require.True(t, c.Authenticates())
	good := told(t, nil)
	_, err := c.Receive(t.Context(), good)
	require.NoError(t, err)
	signature, stamp := good.Header.Get("X-Slack-Signature"), good.Header.Get("X-Slack-Request-Timestamp")
	for _, age := range []time.Duration{-5 * time.Minute, 5 * time.Minute} {
		_, err := c.Receive(t.Context(), signed("{}", now.Add(age)))
		require.NoError(t, err)
	}
	for name, r := range map[string]connectors.Request{
		"unsigned":                 with(good, "X-Slack-Signature", ""),
		"without a time":           with(good, "X-Slack-Request-Timestamp", ""),
		"another time":             with(good, "X-Slack-Request-Timestamp", strconv.FormatInt(now.Unix()+1, 10)),
		"the time with a sign":     with(good, "X-Slack-Request-Timestamp", "+"+stamp),
		"a time that is no number": with(good, "X-Slack-Request-Timestamp", "now"),
		"the end of time":          with(good, "X-Slack-Request-Timestamp", "9223372036854775807"),
		"the begin of time":        with(good, "X-Slack-Request-Timestamp", "-9223372036854775808"),
		"stale":                    signed("{}", now.Add(-5*time.Minute-time.Second)),
		"from the future":          signed("{}", now.Add(5*time.Minute+time.Second)),
		"another body":             withBody(good, strings.Replace(string(good.Body), "Order 7", "Order 8", 1)),
		"a body with more":         withBody(good, string(good.Body)+" "),
		"no body":                  withBody(good, ""),
		"no version":               with(good, "X-Slack-Signature", strings.TrimPrefix(signature, "v0=")),
		"another version":          with(good, "X-Slack-Signature", strings.Replace(signature, "v0=", "v1=", 1)),
		"half a signature":         with(good, "X-Slack-Signature", signature[:len(signature)/2]),
		"an empty signature":       with(good, "X-Slack-Signature", "v0="),
		"no hexadecimal":           with(good, "X-Slack-Signature", "v0=zz"),
		"another secret":           with(good, "X-Slack-Signature", sign("another", stamp, string(good.Body))),
		"signed with nothing":      with(good, "X-Slack-Signature", sign("", stamp, string(good.Body))),
		"a forged challenge":       withBody(good, `{"type":"url_verification","challenge":"x"}`),
	} {
		receipt, err := c.Receive(t.Context(), r)
		require.Empty(t, receipt, name)
		require.Equal(t, connectors.CodeUnauthorized, connectors.AsError(err).Code, name)
		require.NotContains(t, err.Error(), signature[5:])
		require.NotContains(t, err.Error(), signingSecret)
		r.Path = "/nowhere"
		_, err = c.Receive(t.Context(), r)
		require.Equal(t, connectors.CodeUnauthorized, connectors.AsError(err).Code, "who is not known learns nothing")
	}
	_, err = connect(t, nil, "SLACK_SIGNING_SECRET", "").Receive(t.Context(), with(good, "X-Slack-Signature", sign("", stamp, string(good.Body))))
	require.Equal(t, connectors.CodeUnauthorized, connectors.AsError(err).Code)
	require.ErrorContains(t, err, "SLACK_SIGNING_SECRET is not set")
}

func TestOtherRequests(t *testing.T) {
	c := connect(t, nil)
	receipt, err := c.Receive(t.Context(), signed(`{"token":"J","challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P","type":"url_verification"}`, now))
	require.NoError(t, err)
	require.Empty(t, receipt.Events)
	require.Equal(t, "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P", string(receipt.Body))
	require.Equal(t, "text/plain; charset=utf-8", receipt.Header["Content-Type"])

	receipt, err = c.Receive(t.Context(), signed(`{"type":"app_rate_limited","team_id":"T1","minute_rate_limited":1518467820}`, now))
	require.NoError(t, err)
	require.Equal(t, connectors.Receipt{}, receipt)

	for _, elsewhere := range []string{"", "/", "/slack", "/slack/events/", "/slack/eventsx"} {
		r := told(t, nil)
		r.Path = elsewhere
		_, err = c.Receive(t.Context(), r)
		require.Equal(t, connectors.CodeNotFound, connectors.AsError(err).Code, elsewhere)
	}
	got := told(t, nil)
	got.Method = "GET"
	_, err = c.Receive(t.Context(), got)
	require.Equal(t, connectors.CodeInvalidInput, connectors.AsError(err).Code)
	_, err = c.Receive(t.Context(), signed("payload="+url.QueryEscape("{}"), now))
	require.Equal(t, connectors.CodeInvalidInput, connectors.AsError(err).Code, "interactive components come as forms")
}
