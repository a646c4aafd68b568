package testsuite_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/testsuite"
	"github.com/waybill-io/waybill/worker/dev"
)

const (
	twilioAccount = "AC0123456789abcdef0123456789abcdef"
	// askModel asks somebody and waits for the reply in the thread.
	askModel = `<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" targetNamespace="t"><process id="ask" isExecutable="true">
<startEvent id="start"/><sequenceFlow id="f1" sourceRef="start" targetRef="question"/>
<serviceTask id="question" implementation="slack.SEND_MESSAGE"/><sequenceFlow id="f2" sourceRef="question" targetRef="notify"/>
<serviceTask id="notify" implementation="twilio.SEND_SMS"/><sequenceFlow id="f3" sourceRef="notify" targetRef="end"/><endEvent id="end"/></process></definitions>`
	askMapping = `{"id":"ask","name":"ask","type":"PROCESS","extensions":{"ask":{
"properties":{"number":{"id":"1","name":"number","type":"string"},"answer":{"id":"2","name":"answer","type":"string"},"who":{"id":"3","name":"who","type":"string"},"sms":{"id":"4","name":"sms","type":"json"}},
"mappings":{
"question":{"inputs":{"text":{"type":"value","value":"Ship order ${number}?"},"channelId":{"type":"value","value":"C0DESK"},"requestResponse":{"type":"value","value":"thread"}},
"outputs":{"answer":{"type":"variable","value":"message"},"who":{"type":"variable","value":"slackUserId"}}},
"notify":{"inputs":{"smsFrom":{"type":"value","value":"+14155550100"},"smsTo":{"type":"value","value":"+14155550123"},"smsBody":{"type":"value","value":"${answer}"}},
"outputs":{"sms":{"type":"variable","value":"twilioResult"}}}}}}}`
)

// carriers are Slack and Twilio as far as they are called here.
type carriers struct {
	*httptest.Server
	mu   sync.Mutex
	sent []url.Values
}

func (c *carriers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.ParseForm() != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	c.sent = append(c.sent, r.PostForm)
	w.Header().Set("Content-Type", "application/json")
	if strings.HasSuffix(r.URL.Path, "/chat.postMessage") {
		_, _ = fmt.Fprintf(w, `{"ok":true,"channel":%q,"ts":"1355517523.%06d"}`, r.PostForm.Get("channel"), len(c.sent))
		return
	}
	w.WriteHeader(http.StatusCreated)
	_, _ = fmt.Fprintf(w, `{"sid":"SM%032d","status":"queued"}`, len(c.sent))
}

// await waits until something has been sent that matches, and returns which it was, from 1.
func (c *carriers) await(t *testing.T, matches func(url.Values) bool) int {
	t.Helper()
	found := 0
	require.Eventually(t, func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		found = slices.IndexFunc(c.sent, matches) + 1
		return found > 0
	}, 30*time.Second, 20*time.Millisecond)
	return found
}

func post(t *testing.T, target, contentType, body string, header ...string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, target, strings.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("Content-Type", contentType)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	answer, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	return answer.StatusCode
}

// A text message starts a process, once. It asks in Slack and waits for the answer in the thread, which it sends back as a text message; who
// writes in Slack is answered, too.
func TestProcessesTalkAndListen(t *testing.T) {
	c := &carriers{}
	c.Server = httptest.NewServer(c)
	defer c.Close()
	settings := map[string]string{
		"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_SIGNING_SECRET": "sesame", "SLACK_API_URL": c.URL + "/api",
		"TWILIO_ACCOUNT": twilioAccount, "TWILIO_TOKEN": "open", "TWILIO_API_URL": c.URL,
	}
	e := testsuite.StartWith(t, dev.Options{Variable: func(name string) (string, error) { return settings[name], nil }})
	model := writeFile(t, "ask.bpmn", askModel)
	mapping := filepath.Join(filepath.Dir(model), "ask-extensions.json")
	require.NoError(t, os.WriteFile(mapping, []byte(askMapping), 0o600))
	begin := `{"payloadType":"StartProcessPayload","processDefinitionKey":"ask","name":"n","variables":{"number":"${matchGroups.number}"}}`
	e.Deploy(model, mapping,
		writeFile(t, "sms.json", eventTrigger("sms", "connector.twilio.SMS_RECEIVED", `{"pattern":"(?i)^order (?<number>\\d+)","to":"+14155550100","echo":"We look at ${number}."}`, "command-consumer", begin)),
		writeFile(t, "mention.json", eventTrigger("mention", "connector.slack.MESSAGE_RECEIVED", `{"pattern":"help","channelTypes":["mention"],"echo":"Coming."}`, "slack.SEND_MESSAGE", `{"text":"Help is wanted","channelId":"C0HELPERS"}`)))

	sms := func(token string) int {
		names := []string{"Body", "From", "MessageSid", "SmsStatus", "To"}
		form := url.Values{"Body": {"Order 7"}, "From": {"+14155550123"}, "MessageSid": {"SM7"}, "SmsStatus": {"received"}, "To": {"+14155550100"}}
		target := e.GatewayURL + "/connectors/twilio/sms"
		mac := hmac.New(sha1.New, []byte(token))
		_, _ = mac.Write([]byte(target))
		for _, name := range names {
			_, _ = mac.Write([]byte(name + form.Get(name)))
		}
		return post(t, target, "application/x-www-form-urlencoded", form.Encode(), "X-Twilio-Signature", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	slack := func(secret string, event map[string]any) int {
		body, err := json.Marshal(map[string]any{"type": "event_callback", "api_app_id": "A1", "event": event, "authorizations": []any{map[string]any{"user_id": "U0BOT", "is_bot": true}}})
		require.NoError(t, err)
		stamp := strconv.FormatInt(time.Now().Unix(), 10)
		mac := hmac.New(sha256.New, []byte(secret))
		_, _ = fmt.Fprintf(mac, "v0:%s:%s", stamp, body)
		return post(t, e.GatewayURL+"/connectors/slack/slack/events", "application/json", string(body), "X-Slack-Request-Timestamp", stamp, "X-Slack-Signature", "v0="+hex.EncodeToString(mac.Sum(nil)))
	}
	require.Equal(t, http.StatusUnauthorized, sms("forged"))
	require.Equal(t, http.StatusUnauthorized, slack("forged", nil))
	for range 2 {
		require.Equal(t, http.StatusOK, sms("open"))
	}
	asked := c.await(t, func(f url.Values) bool { return f.Get("text") == "Ship order 7?" })
	c.await(t, func(f url.Values) bool { return f.Get("Body") == "We look at 7." && f.Get("To") == "+14155550123" })

	said := func(text, ts string, more ...string) map[string]any {
		event := map[string]any{"type": "message", "channel": "C0DESK", "channel_type": "channel", "user": "U0ANN", "text": text, "ts": ts}
		for i := 0; i < len(more); i += 2 {
			event[more[i]] = more[i+1]
		}
		return event
	}
	thread := fmt.Sprintf("1355517523.%06d", asked)
	require.Equal(t, http.StatusOK, slack("sesame", said("Which one?", "1355517600.000001")))
	require.Equal(t, http.StatusOK, slack("sesame", said("Ship order 7?", thread, "user", "U0BOT")))
	require.Equal(t, http.StatusOK, slack("sesame", said("Yes &amp; today", "1355517600.000002", "thread_ts", thread)))
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	done, err := e.Client.Wait(ctx, instancesOf(t, e, "ask", 1)[0].ID)
	require.NoError(t, err)
	require.Equal(t, "Yes &amp; today", done.Variables["answer"])
	require.Equal(t, "U0ANN", done.Variables["who"])
	require.Equal(t, "queued", done.Variables["sms"].(map[string]any)["status"])
	c.await(t, func(f url.Values) bool { return f.Get("Body") == "Yes &amp; today" })

	// Slack tells of a mention twice.
	require.Equal(t, http.StatusOK, slack("sesame", said("<@U0BOT> help", "1355517700.000001")))
	mention := said("<@U0BOT> help", "1355517700.000001", "type", "app_mention")
	delete(mention, "channel_type")
	require.Equal(t, http.StatusOK, slack("sesame", mention))
	c.await(t, func(f url.Values) bool {
		return f.Get("text") == "Coming." && f.Get("thread_ts") == "1355517700.000001"
	})
	c.await(t, func(f url.Values) bool { return f.Get("text") == "Help is wanted" && f.Get("channel") == "C0HELPERS" })

	id, _, err := e.Client.Start(ctx, client.StartOptions{Key: "ask", Variables: map[string]any{"number": "8"}})
	require.NoError(t, err)
	again := c.await(t, func(f url.Values) bool { return f.Get("text") == "Ship order 8?" })
	require.Equal(t, http.StatusOK, slack("sesame", said("No", "1355517800.000001", "thread_ts", fmt.Sprintf("1355517523.%06d", again))))
	done, err = e.Client.Wait(ctx, id)
	require.NoError(t, err)
	require.Equal(t, "No", done.Variables["answer"])

	c.mu.Lock()
	defer c.mu.Unlock()
	texts := map[string]int{}
	for _, form := range c.sent {
		texts[form.Get("text")+form.Get("Body")]++
	}
	for text, n := range texts {
		if text != "" { // conversations.info
			require.Equal(t, 1, n, "%q was sent once", text)
		}
	}
	require.NoError(t, testsuite.ReplayServer(t.Context(), e.Client, *record))
}
