package webhook_test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/mail/webhook"
)

// Deliveries are verified by the library that receivers use, for each of two secrets.
func TestSignedAsReceiversExpect(t *testing.T) {
	old, fresh := base64.StdEncoding.EncodeToString([]byte("an old secret of 24 byte")), base64.StdEncoding.EncodeToString([]byte("a fresh secret, 24 bytes"))
	var got *http.Request
	var body []byte
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
		w.WriteHeader(http.StatusAccepted)
	}))
	defer server.Close()
	s := webhook.Subscription{Name: "crm", URL: server.URL, Format: webhook.CloudEvents}
	d, err := s.Delivery(webhook.Mail{ID: "d-1", Mailbox: "support", Event: "EMAIL_RECEIVED", MessageID: "<1@example.com>", Outputs: map[string]any{"emailSubject": "Grüße"}})
	require.NoError(t, err)
	post := func(secrets ...mail.Secret) {
		t.Helper()
		require.NoError(t, webhook.NewPoster(time.Second).Post(t.Context(), secrets, d, time.Now()))
	}
	post("whsec_"+mail.Secret(fresh), "whsec_"+mail.Secret(old))
	for _, secret := range []string{old, fresh} {
		receiver, err := standard.NewWebhook(secret)
		require.NoError(t, err)
		require.NoError(t, receiver.Verify(body, got.Header))
		require.Error(t, receiver.Verify(append(body, ' '), got.Header))
	}
	require.Equal(t, "d-1", got.Header.Get("Webhook-Id"))
	require.Equal(t, "application/cloudevents+json", got.Header.Get("Content-Type"))
	var event map[string]any
	require.NoError(t, json.Unmarshal(body, &event))
	require.Equal(t, "1.0", event["specversion"])
	require.Equal(t, "io.waybill.mail.EMAIL_RECEIVED", event["type"])
	require.Equal(t, "Grüße", event["data"].(map[string]any)["emailSubject"])

	post() // unsigned
	require.Empty(t, got.Header.Get("Webhook-Signature"))
}

func TestAnswers(t *testing.T) {
	status, header := http.StatusOK, ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if header != "" {
			w.Header().Set("Retry-After", header)
		}
		if status == http.StatusFound {
			w.Header().Set("Location", "/elsewhere")
		}
		w.WriteHeader(status)
	}))
	defer server.Close()
	now := time.Now()
	for _, test := range []struct {
		status int
		header string
		after  time.Duration
	}{
		{200, "", -1}, {204, "", -1}, {302, "", 0}, {404, "", 0}, {503, "", 0}, {503, "7", 7 * time.Second}, {429, "-3", 0}, {429, "999999", time.Hour},
		{503, now.Add(time.Minute).UTC().Format(http.TimeFormat), time.Minute}, {503, "soon", 0},
	} {
		status, header = test.status, test.header
		err := webhook.NewPoster(time.Second).Post(t.Context(), nil, webhook.Delivery{ID: "1", URL: server.URL}, now)
		if test.after < 0 {
			require.NoError(t, err)
			continue
		}
		var refusal *webhook.Refusal
		require.ErrorAs(t, err, &refusal, "%d", test.status)
		require.Equal(t, test.status, refusal.Status)
		require.InDelta(t, test.after, refusal.After, float64(time.Second))
	}
}

func TestValidate(t *testing.T) {
	for want, s := range map[string]webhook.Subscription{
		"":                                     {Name: "crm", URL: "https://crm.example.com/mail", Secrets: []string{"env:CRM"}},
		"a secret to sign with is expected":    {Name: "crm", URL: "https://crm.example.com/mail"},
		"unsigned, and secrets":                {Name: "crm", URL: "https://crm.example.com/mail", Secrets: []string{"env:CRM"}, Unsigned: true},
		"or sealed, never written out":         {Name: "crm", URL: "https://crm.example.com/mail", Secrets: []string{"hunter2"}},
		"in clear text":                        {Name: "crm", URL: "http://crm.example.com/mail", Unsigned: true},
		"an address such as":                   {Name: "crm", URL: "crm", Unsigned: true},
		"a password in the address":            {Name: "crm", URL: "https://ann:hunter2@crm.example.com", Unsigned: true},
		"https is expected":                    {Name: "crm", URL: "ftp://crm.example.com", Unsigned: true},
		"cloudevents, full-email or new-email": {Name: "crm", URL: "https://crm.example.com", Unsigned: true, Format: "xml"},
		"a positive time":                      {Name: "crm", URL: "https://crm.example.com", Unsigned: true, GiveUp: -1},
		"a name is expected":                   {URL: "https://crm.example.com", Unsigned: true},
	} {
		err := s.Validate()
		if want == "" {
			require.NoError(t, err)
			continue
		}
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "hunter2")
	}
	require.NoError(t, webhook.Subscription{Name: "a", URL: "http://127.0.0.1:1/x", Unsigned: true}.Validate())
	require.NoError(t, webhook.Subscription{Name: "a", URL: "http://crm.example.com", Unsigned: true, Plain: true}.Validate())
}

// The shapes of the listener service that applications had before.
func TestFormatsOfTheListenerService(t *testing.T) {
	m := webhook.Mail{
		ID: "d-1", MessageID: "<1@example.com>", Subject: "Order", From: "ann@example.com", To: "sales@example.com", Body: "text", HTML: "<p>text</p>",
		Date: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), Arrived: time.Date(2026, 3, 2, 9, 0, 1, 0, time.UTC),
	}
	s := webhook.Subscription{Name: "creatio", ID: "i-1", MailboxID: "m-1", SysAdminUnit: "Ann", TimeZoneID: "UTC"}
	for format, want := range map[webhook.Format]string{
		webhook.NewEmail: `{"UniqueIds":["<1@example.com>"],"EventTimeStamp":"2026-03-02T09:00:01Z","Id":"i-1","SysAdminUnitName":"Ann"}`,
		webhook.FullEmail: `{"SubscriptionInfo":{"Id":"i-1","MailboxId":"m-1","SysAdminUnit":"Ann","TimeZoneId":"UTC"},"Emails":[{"MessageId":"<1@example.com>",
			"Subject":"Order","Sender":"ann@example.com","To":"sales@example.com","Cc":"","SendDateTimeStamp":"2026-03-02T09:00:00Z",
			"ReceivedDateTimeStamp":"2026-03-02T09:00:01Z","Body":"<p>text</p>","IsHtmlBody":true,"BodyTruncated":false,"InReplyTo":null,"References":null,"Attachments":null}]}`,
	} {
		s.Format = format
		d, err := s.Delivery(m)
		require.NoError(t, err)
		require.JSONEq(t, want, string(d.Body))
	}
}

// Alerts go to applications as calls of their own, beside the method that is told of mail, and to others as events.
func TestAlerts(t *testing.T) {
	const app = "https://app.example.com/0/ServiceModel/ExchangeListenerService.svc"
	stopped := webhook.Alert{
		ID: "d-1", Mailbox: "support", Event: "MAILBOX_STOPPED", Address: "support@example.com", Kind: mail.KindAuth, Message: "refused",
		At: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), Outputs: map[string]any{"errorClass": "auth"},
	}
	available, refused := stopped, stopped
	available.Event, available.Kind, available.Message = "MAILBOX_AVAILABLE", "", ""
	refused.Event = "MAILBOX_TOKEN_REFUSED"
	for _, c := range []struct {
		alert       webhook.Alert
		format      webhook.Format
		url         string
		wantURL     string // "": it is not told
		contentType string
		body        string
	}{
		{stopped, webhook.CloudEvents, "https://crm.example.com", "https://crm.example.com", "application/cloudevents+json",
			`{"specversion":"1.0","id":"d-1","source":"/mailboxes/support","type":"io.waybill.mailbox.MAILBOX_STOPPED","time":"2026-03-02T09:00:00Z",
			"subject":"support@example.com","datacontenttype":"application/json","data":{"errorClass":"auth"}}`},
		{stopped, webhook.NewEmail, webhook.MethodURL(app, webhook.NewEmail), app + "/ProcessMailboxState", "application/json",
			`{"SenderEmailAddress":"support@example.com","Avaliable":false,"ExceptionClassName":"MailKit.Security.AuthenticationException","ExceptionMessage":"refused",
			"Context":"{\"UserRequested\":true}","BpmUserWorkspace":"Default","BpmUserName":"Ann"}`},
		{available, webhook.FullEmail, webhook.MethodURL(app+"/", webhook.FullEmail), app + "/ProcessMailboxState", "application/json",
			`{"SenderEmailAddress":"support@example.com","Avaliable":true,"ExceptionClassName":"","ExceptionMessage":"",
			"Context":"{\"UserRequested\":true}","BpmUserWorkspace":"Default","BpmUserName":"Ann"}`},
		{refused, webhook.FullEmail, app + "/ProcessFullEmail", app + "/RefreshToken", "application/json",
			`{"MailboxId":"i-1","SenderEmailAddress":"support@example.com","BpmUserName":"Ann"}`},
		{stopped, webhook.FullEmail, "https://other.example.com/mail", "", "", ""},
	} {
		document, err := json.Marshal(webhook.Subscription{Name: "a", URL: c.url, Format: c.format, ID: "i-1", SysAdminUnit: "Ann"})
		require.NoError(t, err)
		s, err := webhook.Parse(document)
		require.NoError(t, err)
		d, told, err := s.Alert(c.alert)
		require.NoError(t, err)
		require.Equal(t, c.wantURL != "", told)
		if told {
			require.Equal(t, c.wantURL, d.URL)
			require.Equal(t, "d-1", d.ID)
			require.Equal(t, c.contentType, d.ContentType)
			require.JSONEq(t, c.body, string(d.Body))
		}
	}
}
