package email

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	gosmtp "github.com/emersion/go-smtp"
	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/connectors/connectortest"
	"github.com/waybill-io/waybill/connectors/trigger"
	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/mail/message"
	"github.com/waybill-io/waybill/mail/service"
	"github.com/waybill-io/waybill/mail/smtp"
	"github.com/waybill-io/waybill/testsuite/mailserver"
)

const secret = "hunter2-secret"

// store is a blob store in memory. The file "broken" cannot be read.
type store map[string]string

func (s store) Open(_ context.Context, uri string) (io.ReadCloser, error) {
	if uri == "broken" {
		return nil, errors.New("disk on fire")
	}
	text, ok := s[uri]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return io.NopCloser(strings.NewReader(text)), nil
}

// startServer starts a mail server that refuses recipients by their names.
func startServer(t *testing.T) *mailserver.Server {
	t.Helper()
	s, err := mailserver.Start(mailserver.Options{
		Users: map[string]string{"desk@example.com": secret},
		Reject: func(recipient string) error {
			switch {
			case strings.HasPrefix(recipient, "unknown"):
				return &gosmtp.SMTPError{Code: 550, EnhancedCode: gosmtp.EnhancedCode{5, 1, 1}, Message: "no such user"}
			case strings.HasPrefix(recipient, "grey"):
				return &gosmtp.SMTPError{Code: 450, EnhancedCode: gosmtp.EnhancedCode{4, 2, 0}, Message: "greylisted"}
			}
			return nil
		},
		MaxMessageBytes: 100_000,
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close(context.WithoutCancel(t.Context()))) })
	return s
}

func connect(t *testing.T, addr string, change func(*Config)) *Connector {
	t.Helper()
	host, port, err := net.SplitHostPort(addr)
	require.NoError(t, err)
	number, err := strconv.Atoi(port)
	require.NoError(t, err)
	config := Config{Host: host, Port: number, Username: "desk@example.com", Password: secret, Auth: true, From: "Desk <desk@example.com>"}
	if change != nil {
		change(&config)
	}
	require.NoError(t, config.validate())
	transport, err := smtp.New(config.transport())
	require.NoError(t, err)
	t.Cleanup(func() { _ = transport.Close() })
	mails := service.New(service.Options{Accounts: map[string]service.Account{"": {Sender: transport, From: config.sender()}}})
	return New(Template().Definition, mails, store{"a": "attached", "t": "<p>${name}</p>", "big": strings.Repeat("x", maxAttachments+1)})
}

func send(inputs map[string]any) connectors.Call {
	return connectors.Call{Action: "SEND", IdempotencyKey: "instance/7", Inputs: inputs}
}

// last is the newest mail of an address.
func last(t *testing.T, s *mailserver.Server, address string) *message.Message {
	t.Helper()
	mails, err := s.WaitFor(t.Context(), address, 1)
	require.NoError(t, err)
	m, err := message.Parse(strings.NewReader(string(mails[len(mails)-1].Raw)), message.Limits{}, nil)
	require.NoError(t, err)
	require.Empty(t, m.Defects)
	return m
}

func header(m *message.Message, key string) string {
	var values []string
	for _, h := range m.Headers {
		if h.Key == key {
			values = append(values, h.Value)
		}
	}
	return strings.Join(values, "|")
}

func TestKit(t *testing.T) {
	s := startServer(t)
	good := connect(t, s.SMTPAddr(), nil)
	wrongPassword := connect(t, s.SMTPAddr(), func(c *Config) { c.Password = secret + "-wrong" })
	noTLS := connect(t, s.SMTPAddr(), func(c *Config) { c.StartTLS = true })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	nobody := connect(t, l.Addr().String(), nil)
	off, err := Template().Make(connectors.Instance{Definition: Template().Definition, Settings: connectortest.Settings(Template().Definition, nil)})
	require.NoError(t, err)

	fail := func(name string, c connectors.Connector, kind connectors.Kind, code string, inputs map[string]any) connectortest.Failure {
		for key, value := range map[string]any{"to": "ann@example.com", "text": "x"} {
			if _, given := inputs[key]; !given {
				inputs[key] = value
			}
		}
		return connectortest.Failure{Name: name, Connector: c, Call: send(inputs), Kind: kind, Code: code}
	}
	file := func(uri string) map[string]any { return map[string]any{"name": "f.ftl", "uri": uri} }
	inline := func(text string) map[string]any { return map[string]any{"name": "f.ftl", "text": text} }
	connectortest.Run(t, connectortest.Kit{
		Connector: good,
		Samples:   map[string]map[string]any{"SEND": {"to": "ann@example.com", "subject": "Hello", "text": "x", "metadata": map[string]any{"a": 1.0}}},
		Stuck: func(t *testing.T) (connectors.Connector, <-chan struct{}) {
			addr, connections := connectortest.Silent(t)
			return connect(t, addr, nil), connections
		},
		Secrets: []string{secret},
		Key:     func() string { return last(t, s, "ann@example.com").MessageID },
		Failures: []connectortest.Failure{
			fail("unknown recipient", good, connectors.BPMN, codeSend, map[string]any{"to": "unknown@example.com"}),
			fail("greylisted", good, connectors.Retryable, codeSend, map[string]any{"to": "grey@example.com"}),
			fail("unknown and greylisted", good, connectors.Retryable, codeSend, map[string]any{"to": "unknown@example.com, grey@example.com"}),
			fail("too large for the server", good, connectors.BPMN, codeSend, map[string]any{"text": strings.Repeat("x", 200_000)}),
			fail("password", wrongPassword, connectors.BPMN, codeAuthentication, map[string]any{}),
			fail("no STARTTLS", noTLS, connectors.Permanent, codeConnection, map[string]any{}),
			fail("nobody listens", nobody, connectors.Retryable, codeConnection, map[string]any{}),
			fail("no server", New(Template().Definition, service.New(service.Options{}), nil), connectors.Permanent, connectors.CodeNotConfigured, map[string]any{}),
			fail("not configured", off, connectors.Permanent, connectors.CodeNotConfigured, map[string]any{}),
			fail("no address", good, connectors.BPMN, connectors.CodeInvalidInput, map[string]any{"to": "ann"}),
			fail("line break", good, connectors.BPMN, connectors.CodeInvalidInput, map[string]any{"subject": "a\r\nBcc: eve@example.com"}),
			fail("line break in a name", good, connectors.BPMN, connectors.CodeInvalidInput, map[string]any{"to": "=?utf-8?q?A=0D=0ABcc:_eve@example.com?= <ann@example.com>"}),
			fail("line break in a file name", good, connectors.BPMN, connectors.CodeInvalidInput, map[string]any{"attachments": map[string]any{"name": "a\r\nBcc: eve@example.com", "uri": "a"}}),
			fail("too many recipients", good, connectors.BPMN, connectors.CodeInvalidInput, map[string]any{"cc": strings.Repeat("a@example.com,", 100) + "b@example.com"}),
			fail("empty", good, connectors.BPMN, connectors.CodeMissingInput, map[string]any{"text": ""}),
			fail("no such attachment", good, connectors.BPMN, connectors.CodeInvalidInput, map[string]any{"attachments": file("gone")}),
			fail("attachment not readable", good, connectors.Retryable, connectors.CodeInvalidInput, map[string]any{"attachments": file("broken")}),
			fail("template not readable", good, connectors.Retryable, codeTemplateRead, map[string]any{"template": file("broken"), "text": ""}),
			fail("no such template", good, connectors.BPMN, codeTemplateRead, map[string]any{"template": file("gone")}),
			fail("template syntax", good, connectors.BPMN, codeTemplateSyntax, map[string]any{"template": inline("<#include 'x'>")}),
			fail("template data missing", good, connectors.BPMN, codeTemplateMetadata, map[string]any{"template": file("t")}),
			fail("metadata no object", good, connectors.BPMN, codeTemplateMetadata, map[string]any{"template": file("t"), "metadata": []any{}}),
			fail("metadata no JSON", good, connectors.BPMN, codeTemplateMetadata, map[string]any{"template": file("t"), "metadata": "{"}),
			fail("template and html", good, connectors.BPMN, connectors.CodeInvalidInput, map[string]any{"template": inline("x"), "html": "y"}),
			fail("two templates", good, connectors.BPMN, connectors.CodeInvalidInput, map[string]any{"template": []any{inline("x"), inline("y")}}),
		},
	})
	mails, err := s.Messages("eve@example.com", "INBOX")
	require.NoError(t, err)
	require.Empty(t, mails, "no injected header made a recipient")
}

func TestSendsANewMail(t *testing.T) {
	s := startServer(t)
	outputs, err := connect(t, s.SMTPAddr(), nil).Call(t.Context(), send(map[string]any{
		"to": "Ann <ann@example.com>, unknown@example.com", "cc": "carl@example.com", "bcc": "bob@example.com", "replyTo": "reply@example.com",
		"subject": "Grüße", "text": "Hällo", "html": "<p>Hällo</p>",
		"attachments": []any{
			map[string]any{"name": "ä.txt", "mediaType": "text/plain", "uri": "a"},
			map[string]any{"name": "b.bin", "mediaType": "no media type", "text": "inline"},
		},
	}))
	require.NoError(t, err)
	refused := outputs["refused"].([]any)
	require.Len(t, refused, 1)
	require.Equal(t, "unknown@example.com", refused[0].(map[string]any)["address"])
	require.Equal(t, int64(550), refused[0].(map[string]any)["code"])
	require.Contains(t, refused[0].(map[string]any)["reason"], "no such user")

	m := last(t, s, "ann@example.com")
	require.Equal(t, outputs["messageId"], m.MessageID)
	require.Regexp(t, `^<waybill\.[a-z2-7]+@example\.com>$`, m.MessageID)
	require.Equal(t, `"Desk" <desk@example.com>`, header(m, "From"))
	require.Equal(t, "reply@example.com", m.ReplyTo[0].Address)
	require.Equal(t, "Grüße", m.Subject)
	require.Equal(t, "Hällo", strings.TrimSpace(m.Text))
	require.Equal(t, "<p>Hällo</p>", strings.TrimSpace(m.HTML))
	require.Equal(t, "auto-generated", header(m, "Auto-Submitted"))
	require.Empty(t, header(m, "Bcc")+m.InReplyTo+header(m, "References"))
	require.Len(t, m.Attachments, 2)
	require.Equal(t, "ä.txt", m.Attachments[0].Name)
	require.Equal(t, int64(len("attached")), m.Attachments[0].Size)
	require.Equal(t, "application/octet-stream", m.Attachments[1].ContentType)
	require.Equal(t, m.MessageID, last(t, s, "bob@example.com").MessageID)
	require.Equal(t, m.MessageID, last(t, s, "carl@example.com").MessageID)
}

func TestSendsAReplyInTheThread(t *testing.T) {
	s := startServer(t)
	_, err := connect(t, s.SMTPAddr(), nil).Call(t.Context(), send(map[string]any{
		"from": "help@example.org", "to": "ann@example.com", "subject": "RE: Re: Broken", "text": "We look at it.",
		"inReplyTo": "<m2@example.com>", "references": []any{"<m0@example.com>", "<m1@example.org>"},
	}))
	require.NoError(t, err)
	m := last(t, s, "ann@example.com")
	require.Equal(t, "help@example.org", m.From[0].Address)
	require.Regexp(t, `@example\.org>$`, m.MessageID)
	require.Equal(t, "Re: Broken", m.Subject)
	require.Equal(t, "<m2@example.com>", m.InReplyTo)
	require.Equal(t, []string{"<m0@example.com>", "<m1@example.org>", "<m2@example.com>"}, m.References)
	require.Equal(t, "auto-replied", header(m, "Auto-Submitted"))
	automatic, _ := message.Automatic(m.Headers)
	require.True(t, automatic, "our own mail is never answered by us")
}

func TestAnswersToASenderWithAnInternationalDomain(t *testing.T) {
	s := startServer(t)
	outputs, err := connect(t, s.SMTPAddr(), func(c *Config) { c.From = "Desk <desk@bücher.example>" }).Call(t.Context(), send(map[string]any{"to": "ann@example.com", "text": "x"}))
	require.NoError(t, err)
	m := last(t, s, "ann@example.com")
	require.Regexp(t, `@xn--bcher-kva\.example>$`, m.MessageID)
	require.Equal(t, m.MessageID, outputs["messageId"])
	require.Equal(t, "instance/7", mail.CallOf(m.MessageID))
}

func TestSendsTemplates(t *testing.T) {
	s := startServer(t)
	c := connect(t, s.SMTPAddr(), nil)
	for name, tc := range map[string]struct {
		inputs     map[string]any
		text, html string
	}{
		"html from the store": {map[string]any{"template": map[string]any{"name": "t.ftl", "uri": "t"}, "metadata": map[string]any{"name": "<Ann>"}}, "", "<p>&lt;Ann&gt;</p>"},
		"metadata as text":    {map[string]any{"template": map[string]any{"name": "t.ftl", "uri": "t"}, "metadata": `{"name":"Bob"}`, "text": "plain"}, "plain", "<p>Bob</p>"},
		"plain by name":       {map[string]any{"template": map[string]any{"name": "t.txt.ftl", "text": "Hi ${name}"}, "metadata": map[string]any{"name": "<Ann>"}}, "Hi <Ann>", ""},
		"plain by media type": {map[string]any{"template": map[string]any{"name": "t", "mediaType": "text/plain", "text": "Hi ${name!'you'}"}, "html": "<p>h</p>"}, "Hi you", "<p>h</p>"},
	} {
		t.Run(name, func(t *testing.T) {
			to := fmt.Sprintf("ann%d@example.com", len(name))
			tc.inputs["to"] = to
			_, err := c.Call(t.Context(), send(tc.inputs))
			require.NoError(t, err)
			m := last(t, s, to)
			require.Equal(t, tc.text, strings.TrimSpace(m.Text))
			require.Equal(t, tc.html, strings.TrimSpace(m.HTML))
		})
	}
}

func TestAttachmentsAreBounded(t *testing.T) {
	s, err := mailserver.Start(mailserver.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close(context.WithoutCancel(t.Context()))) })
	c := connect(t, s.SMTPAddr(), func(c *Config) { c.Auth = false })
	_, err = c.Call(t.Context(), send(map[string]any{"to": "ann@example.com", "text": "x", "attachments": map[string]any{"name": "big.bin", "uri": "big"}}))
	require.EqualError(t, err, `INVALID_INPUT: attachment "big.bin" is too large: reading "big.bin": larger than allowed`)
	require.Equal(t, connectors.BPMN, connectors.AsError(err).Kind)
	mails, err := s.Messages("ann@example.com", "INBOX")
	require.NoError(t, err)
	require.Empty(t, mails, "half a mail is no mail")
}

// Tenants have senders of their own; what is suppressed goes nowhere, and says so.
func TestTenants(t *testing.T) {
	s := startServer(t)
	host, port, err := net.SplitHostPort(s.SMTPAddr())
	require.NoError(t, err)
	number, err := strconv.Atoi(port)
	require.NoError(t, err)
	transport, err := smtp.New(smtp.Config{Host: host, Port: number, TLS: smtp.TLSNone})
	require.NoError(t, err)
	t.Cleanup(func() { _ = transport.Close() })
	mails := service.New(service.Options{Accounts: map[string]service.Account{
		"":       {Sender: transport, From: mail.Address{Address: "desk@example.com"}},
		"acme":   {Sender: transport, From: mail.Address{Name: "Acme", Address: "desk@acme.example"}},
		"silent": {Suppressed: "email.tenant.silent.enabled is false"},
	}})
	for tenant, want := range map[string]string{"acme": "desk@acme.example", "": "desk@example.com", "unknown": "desk@example.com"} {
		call := send(map[string]any{"to": "to" + tenant + "@example.com", "text": "x"})
		call.Tenant, call.Attempt = tenant, 2
		outputs, err := New(Template().Definition, mails, nil).Call(t.Context(), call)
		require.NoError(t, err)
		require.Empty(t, outputs["suppressed"])
		require.Equal(t, want, last(t, s, "to"+tenant+"@example.com").From[0].Address)
	}
	call := send(map[string]any{"to": "nobody@example.com", "text": "x"})
	call.Tenant = "silent"
	for why, c := range map[string]*Connector{
		"email.tenant.silent.enabled is false": New(Template().Definition, mails, nil),
		"email.enabled is false":               New(Template().Definition, service.New(service.Options{Disabled: true}), nil),
	} {
		outputs, err := connectors.Do(t.Context(), c, call)
		require.NoError(t, err)
		require.Equal(t, map[string]any{"messageId": "", "refused": []any{}, "suppressed": why}, outputs)
	}
	got, err := s.Messages("nobody@example.com", "INBOX")
	require.NoError(t, err)
	require.Empty(t, got)
	require.ElementsMatch(t, []service.Count{
		{Outcome: service.Sent, Mails: 2}, {Outcome: service.Repeated, Mails: 2}, {Tenant: "acme", Outcome: service.Sent, Mails: 1},
		{Tenant: "acme", Outcome: service.Repeated, Mails: 1}, {Tenant: "silent", Outcome: service.Suppressed, Mails: 1},
	}, mails.Counts())
}

// An instance with a server of its own is a part of the worker: what is bounded and switched off there is so for it, too.
func TestInstancesShareWhatTheWorkerSays(t *testing.T) {
	s := startServer(t)
	host, port, err := net.SplitHostPort(s.SMTPAddr())
	require.NoError(t, err)
	number, err := strconv.Atoi(port)
	require.NoError(t, err)
	one := service.Server{Host: host, Port: number, TLS: smtp.TLSNone, Rate: 0.001, Identity: service.Identity{From: mail.Address{Address: "desk@example.com"}}}
	mails, err := service.Open(service.Config{Servers: map[string]service.Server{"": one, "off": {Identity: service.Identity{Suppressed: "it is off"}}}}, nil)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, mails.Close()) })
	d := *Template().Definition
	d.Name, d.Template = "desk-mail", "email"
	settings := connectortest.Settings(&d, map[string]string{"EMAIL_HOST": host, "EMAIL_PORT": port, "EMAIL_FROM": "desk@example.com"})
	instance, err := Template().Make(connectors.Instance{Definition: &d, Settings: settings, Mail: mails})
	require.NoError(t, err)
	builtIn, err := Template().Make(connectors.Instance{Definition: Template().Definition, Settings: connectortest.Settings(Template().Definition, nil), Mail: mails})
	require.NoError(t, err)

	call := send(map[string]any{"to": "ann@example.com", "text": "x"})
	_, err = builtIn.Call(t.Context(), call)
	require.NoError(t, err)
	late, end := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer end()
	_, err = instance.Call(late, call)
	require.ErrorIs(t, err, smtp.ErrBusy, "the server has had its mail of this quarter of an hour")
	require.ErrorContains(t, err, "the mail's time was over before its turn came")
	call.Tenant = "off"
	outputs, err := instance.Call(t.Context(), call)
	require.NoError(t, err)
	require.Equal(t, "it is off", outputs["suppressed"])
}

// What is to be done depends on how the log-in would be.
func TestNoLogIn(t *testing.T) {
	for name, test := range map[string]struct {
		credential string
		failure    smtp.Error
		want       string
	}{
		"refused":        {"", smtp.Error{Code: 535, EnhancedCode: "5.7.8"}, "the mail server did not accept the account (535 5.7.8); see email.username and email.password (EMAIL_USERNAME, EMAIL_PASSWORD)"},
		"no way":         {"", smtp.Error{}, "no log-in to the mail server was possible; see email.username and email.password (EMAIL_USERNAME, EMAIL_PASSWORD)"},
		"no token":       {"email-acme", smtp.Error{Temporary: true}, `no log-in to the mail server was possible; see the credential "email-acme" (starter credential show email-acme) and email.oauth`},
		"token, refused": {"email", smtp.Error{Code: 535}, `the mail server did not accept the account (535); see the credential "email" (starter credential show email) and email.oauth`},
	} {
		test.failure.Stage, test.failure.Err = smtp.StageAuth, errors.New("x")
		err := connectors.AsError(classify(&test.failure, service.Account{Credential: test.credential}))
		require.Equal(t, test.want, err.Public, name)
		require.Equal(t, codeAuthentication, err.Code)
	}
}

func TestEventAgreesWithTriggers(t *testing.T) {
	event, err := Template().Definition.Event(trigger.EmailReceived)
	require.NoError(t, err)
	var names []string
	for _, output := range event.Outputs {
		names = append(names, output.Name)
	}
	require.ElementsMatch(t, trigger.Outputs(), names)
	for _, input := range event.Inputs {
		value := map[string]string{"matchOn": `"body"`, "automaticMail": `"accept"`, "condition": `"${automatic}"`, "filters": `{"from":"a"}`, "echo": `""`, "echoError": `""`, "pattern": `""`}[input.Name]
		_, err := trigger.Parse("t.json", fmt.Appendf(nil, `{"name":"t","event":{"source":"connector.m.EMAIL_RECEIVED","inputs":{"pattern":"",%q:%s}},
			"action":{"source":"command-consumer","payload":{"payloadType":"StartMessagePayload","name":"n"}}}`, input.Name, value), trigger.Options{})
		if input.Name == "pattern" {
			require.ErrorContains(t, err, "given twice")
			continue
		}
		require.NoError(t, err, input.Name)
	}
}
