package slack

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"

	slackapi "github.com/slack-go/slack"

	"github.com/waybill-io/waybill/connectors"
)

// Bounds of what is asked for to find something. Slack takes few lists a minute, each of less than 1,000 entries.
const (
	pageSize = 999
	maxPages = 20
)

// id is how Slack writes the id of a person or a channel. A comma in one would name several.
var id = regexp.MustCompile(`^[A-Z0-9]{2,32}$`)

// target is whom a message goes to.
type target struct{ input, value string }

func readTarget(inputs map[string]any) (target, error) {
	var given []target
	for _, name := range []string{"userId", "userEmail", "channelId", "channelName"} {
		if value := text(inputs, name); value != "" {
			given = append(given, target{name, value})
		}
	}
	switch {
	case len(given) == 0:
		return target{}, &connectors.Error{Kind: connectors.BPMN, Code: connectors.CodeMissingInput, Public: "give one of userId, userEmail, channelId and channelName"}
	case len(given) > 1:
		return target{}, invalid("%s and %s are given; give one", given[0].input, given[1].input)
	case strings.HasSuffix(given[0].input, "Id") && !id.MatchString(given[0].value):
		return target{}, invalid("%s is not an id such as U0123456789 or C0123456789", given[0].input)
	}
	return given[0], nil
}

// conversation is the id of the channel or direct message that leads to a target.
func (c *Connector) conversation(ctx context.Context, t target) (string, error) {
	switch t.input {
	case "channelId":
		return t.value, nil
	case "channelName":
		return c.channelID(ctx, t.value)
	case "userEmail":
		user, err := c.userByEmail(ctx, t.value)
		if err != nil {
			return "", err
		}
		t.value = user
	}
	channel, _, _, err := c.client.OpenConversationContext(ctx, &slackapi.OpenConversationParameters{Users: []string{t.value}})
	if err != nil {
		return "", classify("open a direct message", err)
	}
	if channel == nil || channel.ID == "" {
		return "", nothing("open a direct message")
	}
	return channel.ID, nil
}

func nothing(doing string) *connectors.Error {
	return &connectors.Error{Kind: connectors.Retryable, Code: codeResultFormat, Public: doing + ": the answer is none of Slack's; see SLACK_API_URL"}
}

func (c *Connector) userByEmail(ctx context.Context, address string) (string, error) {
	user, err := c.client.GetUserByEmailContext(ctx, address)
	if err != nil {
		return "", classify("look up a person by mail address", err)
	}
	if user.ID == "" {
		return "", nothing("look up a person by mail address")
	}
	return user.ID, nil
}

func plainName(name string) string { return strings.ToLower(strings.TrimPrefix(name, "#")) }

func (c *Connector) channelID(ctx context.Context, name string) (string, error) {
	name = plainName(name)
	if found, ok := c.channels.get(name); ok {
		return found, nil
	}
	channel, err := c.findChannel(ctx, name)
	if err != nil {
		return "", err
	}
	c.channels.put(name, channel.ID)
	return channel.ID, nil
}

// findChannel looks for a channel that is not archived among those that the app sees.
func (c *Connector) findChannel(ctx context.Context, name string) (slackapi.Channel, error) {
	cursor := ""
	for range maxPages {
		page, next, err := c.client.GetConversationsContext(ctx, &slackapi.GetConversationsParameters{
			Cursor: cursor, Limit: pageSize, ExcludeArchived: true, Types: []string{"public_channel", "private_channel"},
		})
		if err != nil {
			return slackapi.Channel{}, classify("look up a channel", err)
		}
		for _, channel := range page {
			if channel.Name == name || channel.NameNormalized == name {
				return channel, nil
			}
		}
		if next == "" {
			return slackapi.Channel{}, &connectors.Error{Kind: connectors.BPMN, Code: codeChannelNotFound,
				Public: fmt.Sprintf("there is no channel %q that the app sees; a private channel is seen only by an app that was invited", name)}
		}
		cursor = next
	}
	return slackapi.Channel{}, &connectors.Error{Kind: connectors.BPMN, Code: codeChannelNotFound,
		Public: fmt.Sprintf("channel %q is not among the first %d; give channelId", name, maxPages*pageSize)}
}

// Bounds of a memory. A channel may be renamed.
const (
	memorySize = 10_000
	memoryTime = 5 * time.Minute
)

// memory keeps what was asked for, for some minutes: Slack takes few such requests.
type memory struct {
	mu      sync.Mutex
	entries map[string]remembered
}

type remembered struct {
	value string
	until time.Time
}

func (m *memory) get(key string) (string, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.entries[key]
	return e.value, ok && time.Now().Before(e.until)
}

func (m *memory) put(key, value string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.entries == nil || len(m.entries) >= memorySize {
		m.entries = map[string]remembered{}
	}
	m.entries[key] = remembered{value, time.Now().Add(memoryTime)}
}

func (m *memory) forget(key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.entries, key)
}
