package slack

import (
	"context"
	"errors"
	"slices"
	"strings"

	slackapi "github.com/slack-go/slack"

	"github.com/waybill-io/waybill/connectors"
)

// maxMembers is how many Slack invites at once.
const maxMembers = 100

// create is the action CREATE_CHANNEL.
func (c *Connector) create(ctx context.Context, call connectors.Call) (map[string]any, error) {
	name, kind := plainName(text(call.Inputs, "channelName")), text(call.Inputs, "channelType")
	if name == "" {
		return nil, &connectors.Error{Kind: connectors.BPMN, Code: connectors.CodeMissingInput, Public: "channelName is required"}
	}
	if kind != "public" && kind != "private" {
		return nil, invalid("channelType %q: public or private is expected", kind)
	}
	members, err := readMembers(call.Inputs["members"])
	if err != nil {
		return nil, err
	}
	channel, err := c.channel(ctx, name, kind == "private", "Created by a process of Waybill, call "+repetitionID(call.IdempotencyKey))
	if err != nil {
		return nil, err
	}
	invited, notInvited, err := c.invite(ctx, channel.ID, members)
	if err != nil {
		return nil, err
	}
	return map[string]any{"slackResult": map[string]any{
		"channelId": channel.ID, "channelName": channel.Name, "channelType": kind, "invited": invited, "notInvited": notInvited,
	}}, nil
}

// channel creates a channel, or finds the one that an earlier attempt of the same call created: its purpose says so. One of ours without a
// purpose comes from a call that ended before it could write it.
func (c *Connector) channel(ctx context.Context, name string, private bool, purpose string) (*slackapi.Channel, error) {
	const doing = "create a channel"
	channel, err := c.client.CreateConversationContext(ctx, slackapi.CreateConversationParams{ChannelName: name, IsPrivate: private})
	var refusal slackapi.SlackErrorResponse
	switch {
	case err == nil && channel.ID == "":
		return nil, nothing(doing)
	case errors.As(err, &refusal) && refusal.Err == "name_taken":
		taken := classify(doing, err)
		found, err := c.findChannel(ctx, name)
		if failure := connectors.AsError(err); failure != nil {
			if failure.Kind == connectors.Retryable {
				return nil, failure
			}
			return nil, taken
		}
		if found.Purpose.Value == purpose {
			return &found, nil
		}
		if found.Purpose.Value != "" || found.IsPrivate != private {
			return nil, taken
		}
		us, err := c.client.AuthTestContext(ctx)
		if err != nil {
			return nil, classify(doing, err)
		}
		if us.UserID == "" || us.UserID != found.Creator {
			return nil, taken
		}
		channel = &found
	case err != nil:
		return nil, classify(doing, err)
	}
	if _, err := c.client.SetPurposeOfConversationContext(ctx, channel.ID, purpose); err != nil {
		return nil, classify(doing, err)
	}
	return channel, nil
}

// readMembers reads a list, or text separated by commas.
func readMembers(value any) ([]string, error) {
	var members []string
	switch value := value.(type) {
	case string:
		members = strings.Split(value, ",")
	case []any:
		for _, item := range value {
			member, ok := item.(string)
			if !ok {
				return nil, invalid("members must be a list of user ids and mail addresses")
			}
			members = append(members, member)
		}
	case nil:
		return nil, &connectors.Error{Kind: connectors.BPMN, Code: connectors.CodeMissingInput, Public: "members is required; [] invites nobody"}
	default:
		return nil, invalid("members must be a list of user ids and mail addresses")
	}
	for i := range members {
		members[i] = strings.TrimSpace(members[i])
	}
	members = slices.DeleteFunc(members, func(m string) bool { return m == "" })
	if len(members) > maxMembers {
		return nil, invalid("%d members, at most %d are invited", len(members), maxMembers)
	}
	return members, nil
}

// invite invites members and tells who is in the channel then, as the inputs named them. Its error is one that a retry may mend.
func (c *Connector) invite(ctx context.Context, channel string, members []string) (invited, notInvited []any, err error) {
	reasons := map[string]string{} // by member or user id
	users := map[string]string{}   // ids by member
	var ids []string
	for _, member := range members {
		user, err := member, error(nil)
		switch {
		case strings.Contains(member, "@"):
			user, err = c.userByEmail(ctx, member)
		case !id.MatchString(member):
			err = invalid("%q is neither a user id nor a mail address", member)
		}
		if failure := connectors.AsError(err); failure != nil {
			if failure.Kind == connectors.Retryable {
				return nil, nil, failure
			}
			reasons[member] = failure.Public
			continue
		}
		if users[member] = user; !slices.Contains(ids, user) {
			ids = append(ids, user)
		}
	}
	in, err := c.inviteUsers(ctx, channel, ids, reasons)
	if err != nil {
		return nil, nil, err
	}
	invited, notInvited = []any{}, []any{}
	for _, member := range members {
		user, known := users[member]
		reason := reasons[member]
		if reason == "" {
			reason = reasons[user]
		}
		switch {
		case known && slices.Contains(in, user):
			invited = append(invited, member)
		default:
			if reason == "" {
				reason = "Slack did not invite them and does not say why"
			}
			notInvited = append(notInvited, map[string]any{"member": member, "error": reason})
		}
	}
	return invited, notInvited, nil
}

// inviteUsers invites those who can be, and returns who is in the channel. An answer may be ok although some were left out, so the channel is asked.
func (c *Connector) inviteUsers(ctx context.Context, channel string, ids []string, reasons map[string]string) (in []string, err error) {
	if len(ids) == 0 {
		return nil, nil
	}
	const doing = "invite to the channel"
	if _, err = c.client.ForceInviteUsersToConversationContext(ctx, channel, ids...); err != nil {
		failure := classify(doing, err)
		var refusal slackapi.SlackErrorResponse
		refused := errors.As(err, &refusal) && failure.Code == connectors.CodeUnknown && !slices.Contains(passing, refusal.Err)
		if failure.Kind == connectors.Retryable && !refused { // there are many reasons why a person is not invited, and none passes
			return nil, failure
		}
		for _, e := range refusal.Errors {
			if one := e.ConversationsInviteResponseError; one != nil {
				reasons[one.User] = one.Error
			}
		}
		for _, user := range ids {
			if reasons[user] == "" {
				reasons[user] = failure.Public
			}
		}
	}
	cursor := ""
	for range maxPages {
		page, next, err := c.client.GetUsersInConversationContext(ctx, &slackapi.GetUsersInConversationParameters{ChannelID: channel, Cursor: cursor, Limit: pageSize})
		if err != nil {
			return nil, classify(doing, err)
		}
		if in = append(in, page...); next == "" {
			break
		}
		cursor = next
	}
	return in, nil
}
