package email

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/mail/service"
	"github.com/waybill-io/waybill/mail/smtp"
)

//go:embed email.json
var definition []byte

// Codes of this connector's own, listed in its definition.
const (
	codeTemplateRead     = "TEMPLATE_READ_ERROR"
	codeTemplateMetadata = "TEMPLATE_METADATA_ERROR"
	codeTemplateSyntax   = "TEMPLATE_SYNTAX_ERROR"
	codeConnection       = "EMAIL_CONNECTION_ERROR"
	codeAuthentication   = "EMAIL_AUTHENTICATION_ERROR"
	codeSend             = "EMAIL_SEND_ERROR"
)

// maxAttachments bounds the attachments of a mail together, in bytes. Few servers take mail of more than 25 MB, and
// encoding adds a third.
const maxAttachments = 25 << 20

// Template is the connector as it is built in, with a policy that outlasts greylisting: some hours of retries.
func Template() connectors.Template {
	d := connectors.MustParseDefinition("email.json", definition)
	d.Policy = connectors.Policy{
		Retry:   connectors.Retry{Attempts: 20, Interval: 2 * time.Second, Coefficient: 2, MaxInterval: 15 * time.Minute},
		Timeout: 5 * time.Minute,
	}
	return connectors.Template{Definition: d, New: fromSettings, BuiltIn: overService, Answer: answer}
}

// answer answers a mail in its thread. Beside the outputs of its event there are answerTo, and answerFrom unless the sender of the settings is
// to answer.
func answer(e connectors.Event, text string) (action string, inputs map[string]any, ok bool) {
	to, _ := e.Outputs["answerTo"].(string)
	if to == "" {
		return "", nil, false
	}
	subject, _ := e.Outputs["emailSubject"].(string)
	inputs = map[string]any{"to": to, "subject": subject, "text": text, "writtenBy": "machine"}
	if from, _ := e.Outputs["answerFrom"].(string); from != "" {
		inputs["from"] = from
	}
	if id, _ := e.Outputs["messageId"].(string); id != "" {
		inputs["inReplyTo"], inputs["references"] = id, e.Outputs["references"]
	}
	return "SEND", inputs, true
}

// overService makes the connector that is built in: its settings are those of the email service of the worker.
func overService(i connectors.Instance) connectors.Connector {
	return New(i.Definition, i.Mail, i.Files)
}

// fromSettings makes an instance with a server of its own, which all tenants share.
func fromSettings(i connectors.Instance) (connectors.Connector, error) {
	config := read(i.Settings)
	if err := config.validate(); err != nil {
		return nil, err
	}
	server := config.transport()
	server.Pool = i.Mail.Pool()
	transport, err := smtp.New(server)
	if err != nil {
		return nil, err
	}
	c := New(i.Definition, i.Mail.With(service.Account{Sender: transport, From: config.sender()}), i.Files)
	c.warnings = server.Warnings()
	return c, nil
}

// Connector sends mail.
type Connector struct {
	definition *connectors.Definition
	mails      *service.Service
	files      connectors.Files
	warnings   []string
}

// New returns the connector over an email service. Files opens attachments and templates that are in the blob store.
func New(d *connectors.Definition, mails *service.Service, files connectors.Files) *Connector {
	return &Connector{definition: d, mails: mails, files: files}
}

// Definition implements connectors.Connector.
func (c *Connector) Definition() *connectors.Definition { return c.definition }

// Warnings implements connectors.Warner.
func (c *Connector) Warnings() []string { return c.warnings }

// Call implements connectors.Connector: the action SEND.
func (c *Connector) Call(ctx context.Context, call connectors.Call) (map[string]any, error) {
	if call.Action != "SEND" {
		return nil, &connectors.Error{Kind: connectors.Permanent, Code: connectors.CodeUnknownAction, Public: fmt.Sprintf("email has no action %q; it has SEND", call.Action)}
	}
	refused := []any{}
	if why := c.mails.Suppress(call.Tenant); why != "" {
		return map[string]any{"messageId": "", "refused": refused, "suppressed": why}, nil
	}
	account, err := c.mails.Account(call.Tenant)
	if err != nil {
		return nil, classify(err, account)
	}
	m, err := c.compose(ctx, call, account.From)
	if err != nil {
		return nil, err
	}
	receipt, err := c.mails.Send(service.Attempt(ctx, call.Attempt), call.Tenant, m)
	if err != nil {
		return nil, classify(err, account)
	}
	for _, r := range receipt.Refused {
		refused = append(refused, map[string]any{"address": r.Address, "code": int64(r.Code), "reason": r.Message})
	}
	return map[string]any{"messageId": receipt.MessageID, "refused": refused, "suppressed": ""}, nil
}

func (c *Connector) compose(ctx context.Context, call connectors.Call, from mail.Address) (smtp.Mail, error) {
	f := &fields{inputs: call.Inputs}
	m := smtp.Mail{
		From: f.sender(from), To: f.addresses("to"), Cc: f.addresses("cc"), Bcc: f.addresses("bcc"), ReplyTo: f.addresses("replyTo"),
		Charset: f.line("charset"), AutoSubmitted: "auto-generated",
	}
	if m.InReplyTo, m.References = f.thread(); m.InReplyTo != "" {
		m.AutoSubmitted = "auto-replied"
	}
	if f.person() {
		m.AutoSubmitted = "" // RFC 3834, section 5: the field is for mail that no person wrote
	}
	m.Subject = f.subject(m.InReplyTo != "")
	if n := len(m.To) + len(m.Cc) + len(m.Bcc); n > maxRecipients {
		f.errorf("%d recipients, at most %d are allowed", n, maxRecipients)
	}
	m.Inline, m.Attachments = c.parts(ctx, f.files("inline"), f.files("attachments"))
	if err := f.err(); err != nil {
		return smtp.Mail{}, err
	}
	m.MessageID = messageID(call.IdempotencyKey, m.From)
	var err error
	if m.Text, m.HTML, err = c.bodies(ctx, f); err != nil {
		return smtp.Mail{}, err
	}
	if m.HTML = f.show(m.HTML, m.Inline, m.MessageID); f.err() != nil {
		return smtp.Mail{}, f.err()
	}
	if err := m.Validate(); err != nil {
		return smtp.Mail{}, invalid(err.Error())
	}
	return m, nil
}

// classify turns a failure to send into the connector's error. The server's own words stay in the cause.
func classify(err error, account service.Account) error {
	failure := &connectors.Error{Kind: connectors.Retryable, Code: connectors.CodeUnknown, Public: "the mail could not be sent", Err: err}
	if errors.Is(err, service.ErrNoServer) {
		return &connectors.Error{Kind: connectors.Permanent, Code: connectors.CodeNotConfigured, Public: service.ErrNoServer.Error() + " for the worker, then retry", Err: err}
	}
	refusal := (*smtp.Error)(nil)
	if !errors.As(err, &refusal) {
		return failure
	}
	if file := (*fileError)(nil); errors.As(err, &file) {
		return file.classify(connectors.CodeInvalidInput, "attachment")
	}
	if size := (*smtp.SizeError)(nil); errors.As(err, &size) {
		failure.Kind, failure.Code, failure.Public = connectors.BPMN, codeSend, size.Error()
		return failure
	}
	answer := strings.TrimSpace(fmt.Sprintf("%d %s", refusal.Code, refusal.EnhancedCode))
	switch refusal.Stage {
	case smtp.StageAuth:
		failure.Code, failure.Public = codeAuthentication, "the mail server did not accept the account ("+answer+")"
		if refusal.Code == 0 {
			failure.Public = "no log-in to the mail server was possible"
		}
		see := "email.username and email.password (EMAIL_USERNAME, EMAIL_PASSWORD)"
		if name := account.Credential; name != "" {
			see = fmt.Sprintf("the credential %q (starter credential show %s) and email.oauth", name, name)
		}
		failure.Public += "; see " + see
	case smtp.StageDial, smtp.StageTLS:
		failure.Code, failure.Public = codeConnection, "there is no connection to the mail server"
		if errors.Is(err, smtp.ErrBusy) {
			failure.Public = "the mail's time was over before its turn came: all connections to the mail server are busy, or mails wait for each other (email.connections, email.rate)"
		}
	default:
		failure.Code, failure.Public = codeSend, "the mail server refused the mail: "+answer
		if refusal.Code == 0 {
			failure.Public = "the connection to the mail server broke"
			if refusal.Uncertain {
				failure.Public = "the mail server did not say whether it took the mail; another try has the same Message-ID"
			}
			if !refusal.Temporary {
				failure.Public = "the mail cannot be sent over this server"
			}
		}
	}
	switch {
	case refusal.Temporary:
	case refusal.Stage == smtp.StageTLS: // a certificate or setting, which no process can mend
		failure.Kind = connectors.Permanent
	default:
		failure.Kind = connectors.BPMN
	}
	return failure
}

var (
	_ connectors.Connector = (*Connector)(nil)
	_ connectors.Warner    = (*Connector)(nil)
)
