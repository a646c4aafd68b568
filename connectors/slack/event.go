package slack

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	slackapi "github.com/slack-go/slack"

	"github.com/waybill-io/waybill/connectors"
)

// envelope is a request of the Events API: https://docs.slack.dev/apis/events-api#event-type-structure.
type envelope struct {
	Type           string  `json:"type"`
	Challenge      string  `json:"challenge"`
	AppID          string  `json:"api_app_id"`
	Event          message `json:"event"`
	Authorizations []struct {
		UserID string `json:"user_id"`
		IsBot  bool   `json:"is_bot"`
	} `json:"authorizations"`
}

// message is the event message or app_mention.
type message struct {
	Type        string `json:"type"`
	Subtype     string `json:"subtype"`
	Hidden      bool   `json:"hidden"`
	Channel     string `json:"channel"`
	ChannelType string `json:"channel_type"` // not of app_mention
	User        string `json:"user"`
	BotID       string `json:"bot_id"`
	AppID       string `json:"app_id"`
	BotProfile  struct {
		AppID string `json:"app_id"`
	} `json:"bot_profile"`
	Text     string `json:"text"`
	TS       string `json:"ts"`
	ThreadTS string `json:"thread_ts"`
}

// subtypes are those of messages that somebody wrote. The others tell of changes, deletions, and of who joined.
var subtypes = []string{"", "file_share", "thread_broadcast", "me_message", "bot_message"}

// event is what a request tells of, if it is a message that somebody else wrote.
func (c *Connector) event(ctx context.Context, e envelope) (connectors.Event, bool) {
	m := e.Event
	if m.Type != "message" && m.Type != "app_mention" || m.Hidden || !slices.Contains(subtypes, m.Subtype) {
		return connectors.Event{}, false
	}
	if !id.MatchString(m.Channel) || !timestamp.MatchString(m.TS) {
		return connectors.Event{}, false
	}
	us := "" // the app's user
	for _, a := range e.Authorizations {
		if a.IsBot {
			us = a.UserID
		}
	}
	bot := m.BotID != "" || m.Subtype == "bot_message"
	own := us != "" && m.User == us || e.AppID != "" && (m.AppID == e.AppID || m.BotProfile.AppID == e.AppID)
	if own || bot && !c.botMessages {
		return connectors.Event{}, false
	}
	botID := ""
	if bot {
		botID = cmp.Or(m.BotID, m.AppID, m.User, "unknown")
	}
	root, written := cmp.Or(m.ThreadTS, m.TS), cut(m.Text)
	event := connectors.Event{
		Name: messageReceived, ID: m.Channel + ":" + m.TS, Time: sentAt(m.TS),
		Outputs: map[string]any{
			"originalMessage": written, "message": written, "slackChannelId": m.Channel, "slackUserId": m.User, "slackBotId": botID,
			"channelTypes": c.channelTypes(ctx, m, us), "ts": m.TS, "threadTs": root,
		},
	}
	if !bot {
		event.Replies = []connectors.Reply{{Key: m.Channel}}
		if root != m.TS {
			event.Replies = append(event.Replies, connectors.Reply{Key: m.Channel + ":" + root, Early: true}, connectors.Reply{Key: openThread(m.Channel, root)})
		}
	}
	return event, true
}

// maxReceived bounds the text of an event, in bytes. People write 12,000 characters at most; what programs write may be longer.
const maxReceived = 32 << 10

func cut(text string) string {
	if len(text) > maxReceived {
		return strings.ToValidUTF8(text[:maxReceived], "")
	}
	return text
}

// sentAt reads the seconds and microseconds of a ts.
func sentAt(ts string) time.Time {
	seconds, micros, _ := strings.Cut(ts, ".")
	s, _ := strconv.ParseInt(seconds, 10, 64) // both are digits: see timestamp
	m, _ := strconv.ParseInt(micros, 10, 64)
	return time.Unix(s, m*1000).UTC()
}

const mention = "mention"

// channelTypes says what kind of conversation a message is in, and whether it mentions the app.
func (c *Connector) channelTypes(ctx context.Context, m message, us string) []any {
	types := []any{}
	if kind := c.kind(ctx, m); kind != "" {
		types = append(types, kind)
	}
	if m.Type == "app_mention" || us != "" && (strings.Contains(m.Text, "<@"+us+">") || strings.Contains(m.Text, "<@"+us+"|")) {
		types = append(types, mention)
	}
	return types
}

// lookupTime bounds asking for the kind of a channel: Slack wants an answer to its event within three seconds.
const lookupTime = 2 * time.Second

// kind is the kind of conversation, "" when it cannot be found out. An app_mention does not say, while the message event of the same
// message does, and whichever comes first counts.
func (c *Connector) kind(ctx context.Context, m message) string {
	switch m.ChannelType {
	case "im", "app_home":
		return "direct-message"
	case "channel":
		return "public-channel"
	case "group":
		return "private-channel"
	case "mpim":
		return "group"
	}
	if kind, ok := c.kinds.get(m.Channel); ok {
		return kind
	}
	ctx, cancel := context.WithTimeout(ctx, lookupTime)
	defer cancel()
	channel, err := c.client.GetConversationInfoContext(ctx, &slackapi.GetConversationInfoInput{ChannelID: m.Channel})
	if err != nil {
		return "" // the message counts more than its kind
	}
	kind := "public-channel"
	switch {
	case channel.IsIM:
		kind = "direct-message"
	case channel.IsMpIM:
		kind = "group"
	case channel.IsPrivate || channel.IsGroup:
		kind = "private-channel"
	}
	c.kinds.put(m.Channel, kind)
	return kind
}

// answer is how a message is answered: in its thread. Bots are not.
func answer(e connectors.Event, text string) (action string, inputs map[string]any, ok bool) {
	channel, _ := e.Outputs["slackChannelId"].(string)
	bot, _ := e.Outputs["slackBotId"].(string)
	if e.Name != messageReceived || channel == "" || bot != "" {
		return "", nil, false
	}
	return sendMessage, map[string]any{"channelId": channel, "threadTs": e.Outputs["threadTs"], "text": text}, true
}
