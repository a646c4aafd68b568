package twilio

import (
	"context"
	_ "embed"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/mail"
)

//go:embed twilio.json
var definition []byte

// Names of the definition.
const (
	sendSMS      = "SEND_SMS"
	sendSMSFirst = "send_sms" // of the first generation
	smsReceived  = "SMS_RECEIVED"
)

// Template is the connector as it is built in.
func Template() connectors.Template {
	return connectors.Template{
		Definition: connectors.MustParseDefinition("twilio.json", definition),
		New:        func(i connectors.Instance) (connectors.Connector, error) { return open(i), nil },
		Answer:     answer,
	}
}

// Connector speaks for one account.
type Connector struct {
	definition *connectors.Definition
	account    string
	token      mail.Secret
	endpoint   string // of the account's messages
	webhook    string // the address that Twilio calls; "": as the gateway says
	client     *http.Client
}

var accountSID = regexp.MustCompile(`^AC[0-9a-fA-F]{32}$`)

func open(i connectors.Instance) *Connector {
	s := i.Settings
	c := &Connector{
		definition: i.Definition, account: s.Text("TWILIO_ACCOUNT"), token: s.Secret("TWILIO_TOKEN"), webhook: s.Text("TWILIO_WEBHOOK_URL"),
		// A redirect would take the credentials elsewhere.
		client: &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}
	if c.account != "" && !accountSID.MatchString(c.account) {
		s.Errorf("TWILIO_ACCOUNT", "is not an account SID: AC and 32 hexadecimal digits")
	}
	if u, err := url.Parse(c.webhook); c.webhook != "" && (err != nil || u.Host == "") {
		s.Errorf("TWILIO_WEBHOOK_URL", "is not an address such as https://waybill.example.com/connectors/twilio/sms")
	}
	c.endpoint = s.Endpoint("TWILIO_API_URL") + "/2010-04-01/Accounts/" + c.account + "/Messages.json"
	return c
}

// Definition implements connectors.Connector.
func (c *Connector) Definition() *connectors.Definition { return c.definition }

// Call implements connectors.Connector.
func (c *Connector) Call(ctx context.Context, call connectors.Call) (map[string]any, error) {
	if _, err := c.definition.Action(call.Action); err != nil {
		return nil, &connectors.Error{Kind: connectors.Permanent, Code: connectors.CodeUnknownAction, Public: err.Error()}
	}
	result, err := c.send(ctx, call)
	if call.Action == sendSMSFirst {
		if failure := connectors.AsError(err); failure != nil && failure.Kind != connectors.Retryable {
			return map[string]any{"twilioResult": nil, "twilioError": failure.Public}, nil
		}
	}
	if err != nil {
		return nil, err
	}
	outputs := map[string]any{"twilioResult": result}
	if call.Action == sendSMSFirst {
		outputs["twilioError"] = nil
	}
	return outputs, nil
}

// text is an input that is text, without space around it.
func text(inputs map[string]any, name string) string {
	value, _ := inputs[name].(string)
	return strings.TrimSpace(value)
}

var _ connectors.Receiver = (*Connector)(nil)
