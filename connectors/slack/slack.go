package slack

import (
	"context"
	_ "embed"
	"strings"

	"github.com/google/uuid"
	slackapi "github.com/slack-go/slack"

	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/mail"
)

//go:embed slack.json
var definition []byte

// Names of the definition.
const (
	sendMessage     = "SEND_MESSAGE"
	createChannel   = "CREATE_CHANNEL"
	messageReceived = "MESSAGE_RECEIVED"
)

// Template is the connector as it is built in.
func Template() connectors.Template {
	return connectors.Template{
		Definition: connectors.MustParseDefinition("slack.json", definition),
		New:        func(i connectors.Instance) (connectors.Connector, error) { return open(i), nil },
		Answer:     answer,
	}
}

// Connector speaks for one app in one workspace.
type Connector struct {
	definition  *connectors.Definition
	endpoint    string // of the Web API, with a slash at its end
	client      *slackapi.Client
	secret      mail.Secret // "": no events
	botMessages bool
	channels    memory // ids by name
	kinds       memory // kinds by id
}

func open(i connectors.Instance) *Connector {
	s := i.Settings
	token := "SLACK_BOT_TOKEN"
	if !s.Has(token) && s.Has("SLACK_XOXB") {
		token = "SLACK_XOXB"
	}
	c := &Connector{
		definition: i.Definition, endpoint: s.Endpoint("SLACK_API_URL") + "/",
		secret: s.Secret("SLACK_SIGNING_SECRET"), botMessages: s.Bool("SLACK_BOT_MESSAGES"),
	}
	c.client = slackapi.New(string(s.Secret(token)), slackapi.OptionAPIURL(c.endpoint), slackapi.OptionHTTPClient(newClient()))
	return c
}

// Definition implements connectors.Connector.
func (c *Connector) Definition() *connectors.Definition { return c.definition }

// Call implements connectors.Connector.
func (c *Connector) Call(ctx context.Context, call connectors.Call) (map[string]any, error) {
	switch call.Action {
	case sendMessage:
		return c.send(ctx, call)
	case createChannel:
		return c.create(ctx, call)
	}
	_, err := c.definition.Action(call.Action)
	return nil, &connectors.Error{Kind: connectors.Permanent, Code: connectors.CodeUnknownAction, Public: err.Error()}
}

// Await implements connectors.Awaiter.
func (c *Connector) Await(call connectors.Call, outputs map[string]any) (key string, ok bool) {
	channel, ts := text(outputs, "channelId"), text(outputs, "ts")
	if call.Action != sendMessage || channel == "" || ts == "" {
		return "", false
	}
	switch text(call.Inputs, "requestResponse") {
	case "any":
		return channel, true
	case "thread":
		if root := text(call.Inputs, "threadTs"); root != "" {
			return openThread(channel, root), true
		}
		return channel + ":" + ts, true
	}
	return "", false
}

// openThread is the key for a reply in a thread that was there before the call: what came in it before is no reply.
func openThread(channel, root string) string { return channel + ":" + root + ":open" }

// repetitionID is the same for all attempts of a call.
func repetitionID(key string) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte("waybill:"+key)).String()
}

// text is an input or output that is text, without space around it.
func text(values map[string]any, name string) string {
	value, _ := values[name].(string)
	return strings.TrimSpace(value)
}

var (
	_ connectors.Receiver = (*Connector)(nil)
	_ connectors.Awaiter  = (*Connector)(nil)
)
