package slack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	slackapi "github.com/slack-go/slack"

	"github.com/waybill-io/waybill/connectors"
)

// Codes of this connector's own, listed in its definition.
const (
	codeResultFormat    = "INVALID_RESULT_FORMAT"
	codeUserNotFound    = "USER_NOT_FOUND"
	codeChannelNotFound = "CHANNEL_NOT_FOUND"
	codeInvalidRequest  = "INVALID_REQUEST"
	codeInvalidChannel  = "INVALID_CHANNEL"
	codeTooLong         = "MSG_TOO_LONG"
	codeFatal           = "FATAL_ERROR"
	codeForbidden       = "FORBIDDEN"
	codeTimeout         = "REQUEST_TIMEOUT"
	codeRateLimited     = "RATE_LIMITED" // always retried, so that no process meets it
)

// maxAnswer bounds an answer, in bytes: a page of a thousand channels has about one million.
const maxAnswer = 8 << 20

// client bounds answers and follows no redirect, which would take the token elsewhere.
type client struct{ http http.Client }

func newClient() *client {
	return &client{http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

func (c *client) Do(r *http.Request) (*http.Response, error) {
	answer, err := c.http.Do(r)
	if err == nil {
		answer.Body = http.MaxBytesReader(nil, answer.Body, maxAnswer)
	}
	return answer, err
}

// classify turns a failure of a method into the connector's error. doing says what was being done, to what.
func classify(doing string, err error) *connectors.Error {
	failure := &connectors.Error{Kind: connectors.Retryable, Code: connectors.CodeUnknown, Public: doing + ": Slack cannot be reached", Err: err}
	var refusal slackapi.SlackErrorResponse
	var limited *slackapi.RateLimitedError
	var status slackapi.StatusCodeError
	var network net.Error
	switch {
	case errors.As(err, &limited):
		return rateLimited(doing, limited.RetryAfter)
	case errors.As(err, &status):
		return classifyStatus(doing, status.Code)
	case errors.As(err, &refusal):
		return classifyRefusal(doing, refusal)
	case errors.Is(err, context.Canceled):
		failure.Public = doing + ": was cancelled"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		failure.Code, failure.Public = codeTimeout, doing+": Slack did not answer in time"
	case malformed(err):
		failure.Code, failure.Public = codeResultFormat, doing+": the answer is none of Slack's; see SLACK_API_URL"
	}
	return failure
}

// maxPause bounds what an answer may have us wait.
const maxPause = time.Hour

func rateLimited(doing string, after time.Duration) *connectors.Error {
	return &connectors.Error{Kind: connectors.Retryable, Code: codeRateLimited, After: min(max(after, 0), maxPause), Public: doing + ": Slack takes no more requests for now"}
}

// malformed tells an answer that is not what the method promises from one that did not come.
func malformed(err error) bool {
	if broken := (*url.Error)(nil); errors.As(err, &broken) {
		return false
	}
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	var large *http.MaxBytesError
	return errors.As(err, &syntax) || errors.As(err, &kind) || errors.As(err, &large) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

func classifyStatus(doing string, code int) *connectors.Error {
	failure := &connectors.Error{Kind: connectors.BPMN, Code: codeInvalidRequest, Public: fmt.Sprintf("%s: the answer is HTTP status %d", doing, code)}
	switch {
	case code == http.StatusTooManyRequests:
		return rateLimited(doing, 0)
	case code == http.StatusRequestTimeout, code == http.StatusGatewayTimeout:
		failure.Kind, failure.Code = connectors.Retryable, codeTimeout
	case code >= 500:
		failure.Kind, failure.Code = connectors.Retryable, connectors.CodeUnknown
	case code == http.StatusUnauthorized:
		failure.Code = connectors.CodeUnauthorized
	case code == http.StatusForbidden:
		failure.Code = codeForbidden
	case code < 400:
		failure.Kind, failure.Public = connectors.Permanent, failure.Public+", which leads elsewhere; see SLACK_API_URL"
	}
	return failure
}

// passing are errors of Slack's own trouble.
var passing = []string{"service_unavailable", "team_added_to_org"}

// classifyRefusal reads the error of an answer that is not ok.
func classifyRefusal(doing string, r slackapi.SlackErrorResponse) *connectors.Error {
	failure := &connectors.Error{Kind: connectors.BPMN, Public: doing + ": Slack refuses it: " + r.Err}
	hint := ""
	switch r.Err {
	case "invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "invalid_token":
		failure.Code, hint = connectors.CodeUnauthorized, "see SLACK_BOT_TOKEN"
	case "missing_scope", "not_allowed_token_type", "no_permission":
		failure.Code = codeForbidden
		if hint = "install the app with the scopes that are needed"; r.Needed != "" {
			hint = "install the app with the scope " + r.Needed
		}
	case "access_denied", "accesslimited", "ekm_access_denied", "team_access_not_granted", "enterprise_is_restricted", "restricted_action",
		"restricted_action_read_only_channel", "restricted_action_thread_only_channel", "restricted_action_non_threadable_channel",
		"restricted_action_thread_locked", "user_is_restricted", "user_is_ultra_restricted", "user_is_bot", "cannot_dm_bot", "org_login_required",
		"slack_connect_blocked_file_type", "messages_tab_disabled":
		failure.Code = codeForbidden
	case "users_not_found", "user_not_found", "user_not_visible", "user_disabled":
		failure.Code = codeUserNotFound
	case "channel_not_found":
		failure.Code, hint = codeChannelNotFound, "a private channel is seen only by an app that was invited"
	case "not_in_channel":
		failure.Code, hint = codeInvalidChannel, "invite the app to the channel"
	case "is_archived", "name_taken", "channel_type_not_supported", "method_not_supported_for_channel_type", "cannot_reply_to_message", "is_inactive":
		failure.Code = codeInvalidChannel
	case "msg_too_long", "msg_blocks_too_long":
		failure.Code = codeTooLong
	case "ratelimited", "rate_limited":
		return rateLimited(doing, 0)
	case "request_timeout":
		failure.Kind, failure.Code = connectors.Retryable, codeTimeout
	case "fatal_error", "internal_error":
		failure.Kind, failure.Code = connectors.Retryable, codeFatal
	default:
		switch {
		case strings.HasPrefix(r.Err, "invalid_name"):
			failure.Code, hint = connectors.CodeInvalidInput, "a channel's name has small letters, digits, hyphens and underscores, at most 80"
		case strings.HasPrefix(r.Err, "invalid_"), strings.HasPrefix(r.Err, "missing_"), r.Err == "no_text", r.Err == "too_many_attachments":
			failure.Code = codeInvalidRequest
		default: // what passes, and what is not known
			failure.Kind, failure.Code = connectors.Retryable, connectors.CodeUnknown
		}
	}
	if hint != "" {
		failure.Public += "; " + hint
	}
	return failure
}

func invalid(format string, args ...any) *connectors.Error {
	return &connectors.Error{Kind: connectors.BPMN, Code: connectors.CodeInvalidInput, Public: fmt.Sprintf(format, args...)}
}
