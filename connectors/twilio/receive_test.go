package twilio

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/connectors/connectortest"
)

const address = "https://waybill.example/connectors/twilio/sms"

// mac signs a text that the caller has put together as Twilio's documentation says.
func mac(secret, text string) string {
	h := hmac.New(sha1.New, []byte(secret))
	_, _ = h.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

func request(at, signature string, form url.Values) connectors.Request {
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	if signature != "" {
		header.Set("X-Twilio-Signature", signature)
	}
	return connectors.Request{Method: "POST", URL: at, Path: path, Header: header, Body: []byte(form.Encode()), At: time.Now()}
}

// incoming are the parameters of a message: https://www.twilio.com/docs/messaging/guides/webhook-request.
func incoming(more ...string) url.Values {
	form := url.Values{
		"AccountSid": {account}, "ApiVersion": {"2010-04-01"}, "Body": {"Order 7: 1+1=2 & ä"}, "From": {ann}, "MessageSid": {"SM0123456789abcdef0123456789abcdef"},
		"NumMedia": {"0"}, "NumSegments": {"1"}, "SmsMessageSid": {"SM0123456789abcdef0123456789abcdef"}, "SmsSid": {"SM0123456789abcdef0123456789abcdef"},
		"SmsStatus": {"received"}, "To": {ours},
	}
	for i := 0; i < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	return form
}

// signed signs the parameters above by hand: they are in order, with the additional ones behind.
func signed(at string, more ...string) connectors.Request {
	form := incoming(more...)
	all := at
	for _, name := range []string{
		"AccountSid", "ApiVersion", "Body", "From", "MediaContentType0", "MediaContentType1", "MediaUrl0", "MediaUrl1", "MessageSid", "MessageStatus", "NumMedia",
		"NumSegments", "OptOutType", "SmsMessageSid", "SmsSid", "SmsStatus", "To",
	} {
		if form.Has(name) {
			all += name + form.Get(name)
		}
	}
	return request(at, mac(token, all), form)
}

// TestTheExamplesOfTwilioAndItsLibraries are published with these signatures: the first in Twilio's documentation and in most of its
// libraries' tests, the others in those of twilio-go and in later editions of the documentation.
func TestTheExamplesOfTwilioAndItsLibraries(t *testing.T) {
	const at = "https://mycompany.com/myapp.php?foo=1&bar=2"
	c := connect(t, nil, "TWILIO_TOKEN", "12345")
	form := func(caller string, more ...string) url.Values {
		f := url.Values{"CallSid": {"CA1234567890ABCDE"}, "Caller": {caller}, "Digits": {"1234"}, "From": {caller}, "To": {"+18005551212"}}
		for i := 0; i < len(more); i += 2 {
			f.Set(more[i], more[i+1])
		}
		return f
	}
	for signature, r := range map[string]struct {
		at   string
		form url.Values
	}{
		"RSOYDt4T1cUTdK1PDd93/VVr8B8=": {at, form("+14158675309")},
		"0/KCTR6DLpKmkAf8muzZqo1nDgQ=": {at, form("+12349013030")},
		"vOEb5UThFn24KEfnOFLQY2AE5FY=": {at, form("+14158675309", "ReasonConferenceEnded", "test", "Reason", "Participant")},
		"n2xBNyzSW7rfYStDtOFiFMv7qNo=": {strings.Replace(at, "https", "http", 1), form("+14158675309", "ReasonConferenceEnded", "test", "Reason", "Participant")},
		"NBdBDr/T/lgjI+tlgpXjKZQZs/k=": {at, url.Values{"property": {"value"}, "boolean": {"true"}}},
	} {
		_, err := c.verify(request(r.at, signature, r.form))
		require.NoError(t, err, signature)
		_, err = c.verify(request(strings.Replace(r.at, "mycompany.com", "mycompany.com:1234", 1), signature, r.form))
		require.NoError(t, err, "with a port that Twilio leaves out")
	}
}

func TestAMessage(t *testing.T) {
	c := connect(t, nil)
	require.True(t, c.Authenticates())
	receipt, err := c.Receive(t.Context(), signed(address))
	require.NoError(t, err)
	require.Equal(t, `<?xml version="1.0" encoding="UTF-8"?><Response></Response>`, string(receipt.Body))
	require.Equal(t, "text/xml; charset=utf-8", receipt.Header["Content-Type"])
	require.Len(t, receipt.Events, 1)
	e := receipt.Events[0]
	require.Equal(t, "SMS_RECEIVED", e.Name)
	require.Equal(t, "SM0123456789abcdef0123456789abcdef", e.ID)
	require.Equal(t, map[string]any{
		"originalMessage": "Order 7: 1+1=2 & ä", "to": ours, "from": ann, "messageSid": e.ID, "numMedia": int64(0), "media": []any{}, "optOutType": "",
	}, e.Outputs)
	feature, err := c.Definition().Event(smsReceived)
	require.NoError(t, err)
	require.Len(t, feature.Outputs, len(e.Outputs)+1, "all but matchGroups")
	for _, o := range feature.Outputs {
		if o.Name != "matchGroups" {
			require.NoError(t, o.Type.Check(e.Outputs[o.Name]))
		}
	}
}

func TestMedia(t *testing.T) {
	c := connect(t, nil)
	receipt, err := c.Receive(t.Context(), signed(address, "NumMedia", "2", "MediaUrl0", "https://api.twilio.com/0", "MediaContentType0", "image/png", "MediaUrl1", "https://api.twilio.com/1", "MediaContentType1", "image/gif"))
	require.NoError(t, err)
	require.Equal(t, []any{map[string]any{"url": "https://api.twilio.com/0", "contentType": "image/png"}, map[string]any{"url": "https://api.twilio.com/1", "contentType": "image/gif"}}, receipt.Events[0].Outputs["media"])
	require.Equal(t, int64(2), receipt.Events[0].Outputs["numMedia"])
	for count, want := range map[string]int{"1000000000": maxMedia, "-1": 0, "x": 0} {
		receipt, err = c.Receive(t.Context(), signed(address, "NumMedia", count))
		require.NoError(t, err)
		require.Len(t, receipt.Events[0].Outputs["media"], want)
	}
}

func TestForgeriesAreRefused(t *testing.T) {
	c := connect(t, nil)
	good := signed(address)
	signature := good.Header.Get("X-Twilio-Signature")
	change := func(f func(*connectors.Request)) connectors.Request {
		r := good
		r.Header = maps.Clone(good.Header)
		f(&r)
		return r
	}
	body := func(form url.Values) connectors.Request {
		return change(func(r *connectors.Request) { r.Body = []byte(form.Encode()) })
	}
	at := func(u string) connectors.Request { return change(func(r *connectors.Request) { r.URL = u }) }
	sign := func(s string) connectors.Request {
		return change(func(r *connectors.Request) { r.Header.Set("X-Twilio-Signature", s) })
	}
	without := incoming()
	without.Del("NumSegments")
	for name, r := range map[string]connectors.Request{
		"unsigned":            change(func(r *connectors.Request) { r.Header.Del("X-Twilio-Signature") }),
		"another text":        body(incoming("Body", "Order 8")),
		"another sender":      body(incoming("From", "+14155550124")),
		"another message":     body(incoming("MessageSid", "SM1")),
		"a parameter more":    body(incoming("Extra", "1")),
		"a parameter less":    body(without),
		"nothing":             body(url.Values{}),
		"a text moved":        body(incoming("Body", "", "ApiVersion", "2010-04-01BodyOrder 7")),
		"no form":             change(func(r *connectors.Request) { r.Body = []byte("a=%zz") }),
		"another host":        at("https://evil.example/connectors/twilio/sms"),
		"another scheme":      at(strings.Replace(address, "https", "http", 1)),
		"another path":        at(address + "/"),
		"a query":             at(address + "?a=1"),
		"no address":          at(""),
		"another method":      change(func(r *connectors.Request) { r.Method = "GET" }),
		"half a signature":    sign(signature[:10]),
		"no base64":           sign("é"),
		"in hexadecimal":      sign(strings.Repeat("0", 40)),
		"by another":          sign(mac("another", address)),
		"signed with nothing": sign(mac("", address+sorted(incoming()))),
		"the address alone":   sign(mac(token, address)),
	} {
		receipt, err := c.Receive(t.Context(), r)
		require.Empty(t, receipt, name)
		require.Equal(t, connectors.CodeUnauthorized, connectors.AsError(err).Code, name)
		require.NotContains(t, err.Error(), signature)
		require.NotContains(t, err.Error(), token)
		r.Path = "/nowhere"
		_, err = c.Receive(t.Context(), r)
		require.Equal(t, connectors.CodeUnauthorized, connectors.AsError(err).Code, "who is not known learns nothing")
	}
	rule := sign("x")
	rule.Header.Set("X-Twilio-Webhooks-Signature-Settings", "key=CK1,algorithm=HMAC_SHA256")
	_, err := c.Receive(t.Context(), rule)
	require.ErrorContains(t, err, "webhooks rule")
	unset := &Connector{definition: c.definition}
	_, err = unset.Receive(t.Context(), sign(mac("", address+sorted(incoming()))))
	require.Equal(t, connectors.CodeUnauthorized, connectors.AsError(err).Code)
	require.ErrorContains(t, err, "TWILIO_TOKEN is not set")
}

func TestAReplayIsTheSameEvent(t *testing.T) {
	c := connect(t, nil)
	first, err := c.Receive(t.Context(), signed(address))
	require.NoError(t, err)
	again := signed(address)
	again.At = again.At.Add(24 * time.Hour)
	second, err := c.Receive(t.Context(), again)
	require.NoError(t, err)
	require.Equal(t, first.Events[0], second.Events[0])
}

func TestTheAddressThatTwilioCalls(t *testing.T) {
	inside := "http://10.0.0.7:8080/connectors/twilio/sms"
	r := signed(address + "?tenant=a%20b&x=1")
	r.URL = inside
	_, err := connect(t, nil).Receive(t.Context(), r)
	require.Equal(t, connectors.CodeUnauthorized, connectors.AsError(err).Code)
	_, err = connect(t, nil, "TWILIO_WEBHOOK_URL", address+"?tenant=a%20b&x=1").Receive(t.Context(), r)
	require.NoError(t, err)
	for _, pair := range [][2]string{
		{"https://x.example/sms", "https://x.example:443/sms"}, {"https://x.example:443/sms", "https://x.example/sms"},
		{"http://x.example/sms", "http://x.example:80/sms"}, {"https://x.example:8443/sms", "https://x.example/sms"}, {"https://[::1]:443/a%2Fb", "https://[::1]/a%2Fb"},
	} {
		r := signed(pair[0])
		r.URL = pair[1]
		_, err := connect(t, nil).verify(r)
		if strings.Contains(pair[0], "8443") {
			require.Error(t, err, "a port that the gateway does not know of")
			continue
		}
		require.NoError(t, err, pair)
	}
}

func TestParametersThatComeTwice(t *testing.T) {
	form := url.Values{"b": {"2", "1", "2"}, "a": {"x"}, "B": {""}}
	require.Equal(t, "Baxb1b2", sorted(form), "sorted, each value once, as Twilio's libraries do")
}

func TestWhatIsNoIncomingMessage(t *testing.T) {
	c := connect(t, nil)
	for _, more := range [][]string{{"MessageStatus", "delivered"}, {"SmsStatus", "sent"}} {
		receipt, err := c.Receive(t.Context(), signed(address, more...))
		require.NoError(t, err)
		require.Empty(t, receipt.Events)
		require.NotEmpty(t, receipt.Body)
	}
	for _, sid := range []string{"", "../x", strings.Repeat("x", 65)} {
		_, err := c.Receive(t.Context(), signed(address, "MessageSid", sid))
		require.Equal(t, connectors.CodeInvalidInput, connectors.AsError(err).Code)
	}
	for _, elsewhere := range []string{"", "/", "/sms/", "/events"} {
		r := signed(address)
		r.Path = elsewhere
		_, err := c.Receive(t.Context(), r)
		require.Equal(t, connectors.CodeNotFound, connectors.AsError(err).Code)
	}
}

func TestAnswer(t *testing.T) {
	a := newAPI(t)
	c := connect(t, a)
	receive := func(more ...string) connectors.Event {
		receipt, err := c.Receive(t.Context(), signed(address, more...))
		require.NoError(t, err)
		content, err := json.Marshal(receipt.Events[0]) // events are stored before they are answered
		require.NoError(t, err)
		var e connectors.Event
		require.NoError(t, json.Unmarshal(content, &e))
		return e
	}
	action, inputs, ok := Template().Answer(receive(), "Got it")
	require.True(t, ok)
	_, err := connectors.Do(t.Context(), c, connectors.Call{Action: action, IdempotencyKey: "k", Inputs: inputs})
	require.NoError(t, err)
	require.Equal(t, []string{ours, ann, "Got it"}, []string{a.forms[0].Get("From"), a.forms[0].Get("To"), a.forms[0].Get("Body")})
	_, inputs, ok = Template().Answer(receive("From", "whatsapp:"+ann, "To", "whatsapp:"+ours), "x")
	require.True(t, ok)
	require.Equal(t, "whatsapp:"+ann, inputs["smsTo"])

	for name, e := range map[string]connectors.Event{
		"opted out":    receive("OptOutType", "STOP"),
		"stop":         receive("Body", " stop\n"),
		"help":         receive("Body", "HELP"),
		"a short code": receive("From", "12345"),
		"a name":       receive("From", "ACME"),
		"nobody":       receive("From", ""),
		"to nobody":    receive("To", ""),
		"nothing":      {},
		"other event":  {Name: "OTHER", Outputs: receive().Outputs},
	} {
		_, _, ok := Template().Answer(e, "x")
		require.False(t, ok, name)
	}
}

func FuzzReceive(f *testing.F) {
	f.Add(address, incoming().Encode())
	f.Add("https://[::1/", "a=1&a=2&%")
	f.Add("//", "MessageSid=a;b")
	template := Template()
	made, err := template.Make(connectors.Instance{Definition: template.Definition, Settings: connectortest.Settings(template.Definition, map[string]string{"TWILIO_ACCOUNT": account, "TWILIO_TOKEN": token})})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, at, body string) {
		form, err := url.ParseQuery(body)
		r := request(at, mac(token, at+sorted(form)), nil)
		r.Body = []byte(body)
		receipt, refused := made.(*Connector).Receive(t.Context(), r)
		if failure := connectors.AsError(refused); failure != nil && err == nil {
			require.NotEqual(t, connectors.CodeUnauthorized, failure.Code, "it is signed")
		}
		for _, e := range receipt.Events {
			require.Regexp(t, messageSID, e.ID)
		}
	})
}
