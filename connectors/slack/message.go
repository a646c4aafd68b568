package slack

import (
	"context"
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"

	slackapi "github.com/slack-go/slack"

	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/freemarker"
)

// maxText is how many characters a message may have. Slack cuts longer ones off without a word.
const maxText = 40_000

// timestamp is how Slack names a message in a channel.
var timestamp = regexp.MustCompile(`^[0-9]{1,12}\.[0-9]{6}$`)

// send is the action SEND_MESSAGE.
func (c *Connector) send(ctx context.Context, call connectors.Call) (map[string]any, error) {
	to, err := readTarget(call.Inputs)
	if err != nil {
		return nil, err
	}
	body, err := compose(call.Inputs)
	if err != nil {
		return nil, err
	}
	thread := text(call.Inputs, "threadTs")
	if thread != "" && !timestamp.MatchString(thread) {
		return nil, invalid("threadTs is not the ts of a message such as 1355517523.000005")
	}
	if err := c.checkWait(text(call.Inputs, "requestResponse")); err != nil {
		return nil, err
	}
	channel, err := c.conversation(ctx, to)
	if err != nil {
		return nil, err
	}
	options := []slackapi.MsgOption{
		slackapi.MsgOptionText(body, false),
		slackapi.UnsafeMsgOptionEndpoint(c.endpoint+"chat.postMessage", func(form url.Values) {
			form.Set("client_msg_id", repetitionID(call.IdempotencyKey)) // slack-go has no option for it
		}),
	}
	if thread != "" {
		options = append(options, slackapi.MsgOptionTS(thread))
	}
	sentTo, ts, err := c.client.PostMessageContext(ctx, channel, options...)
	if err != nil {
		failure := classify("send a message", err)
		if to.input == "channelName" && (failure.Code == codeChannelNotFound || failure.Code == codeInvalidChannel) {
			c.channels.forget(plainName(to.value)) // another may have the name by now
		}
		return nil, failure
	}
	if sentTo == "" || ts == "" {
		return nil, nothing("send a message")
	}
	if thread == "" {
		thread = ts
	}
	return map[string]any{"channelId": sentTo, "ts": ts, "threadTs": thread}, nil
}

// checkWait refuses to wait for what cannot come.
func (c *Connector) checkWait(wait string) error {
	switch wait {
	case "", "no":
		return nil
	case "any", "thread":
		if c.secret == "" {
			return &connectors.Error{Kind: connectors.Permanent, Code: connectors.CodeNotConfigured,
				Public: "a reply cannot be waited for, since messages do not come in: set SLACK_SIGNING_SECRET for the worker and the gateway, then retry"}
		}
		return nil
	}
	return invalid("requestResponse %q: no, any or thread is expected", wait)
}

// compose makes the text of a message.
func compose(inputs map[string]any) (string, error) {
	body, _ := inputs["text"].(string)
	if metadata := inputs["metadata"]; metadata != nil && metadata != "" {
		var err error
		if body, err = render(body, metadata); err != nil {
			return "", err
		}
	}
	switch {
	case strings.TrimSpace(body) == "":
		return "", &connectors.Error{Kind: connectors.BPMN, Code: connectors.CodeMissingInput, Public: "the message is empty: give text"}
	case utf8.RuneCountInString(body) > maxText:
		return "", &connectors.Error{Kind: connectors.BPMN, Code: codeTooLong, Public: "the message has more than 40,000 characters, which Slack would cut off"}
	}
	return body, nil
}

func render(source string, metadata any) (string, error) {
	if encoded, ok := metadata.(string); ok {
		if err := json.Unmarshal([]byte(encoded), &metadata); err != nil {
			return "", invalid("metadata is text, but not JSON")
		}
	}
	data, ok := metadata.(map[string]any)
	if !ok {
		return "", invalid("metadata must be an object with the variables of text")
	}
	template, err := freemarker.Parse("text", source, freemarker.Mrkdwn)
	if err != nil {
		return "", invalid("%v", err)
	}
	var out strings.Builder
	if err := template.Render(&out, data); err != nil {
		return "", invalid("%v", err)
	}
	return out.String(), nil
}
