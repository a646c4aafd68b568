package twilio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/retryafter"
)

// Codes of this connector's own, listed in its definition.
const (
	codeUnsubscribed = "UNSUBSCRIBED"
	codeBadRequest   = "BAD_REQUEST"
	codeForbidden    = "FORBIDDEN"
	codeTimeout      = "REQUEST_TIMEOUT"
	codeRateLimited  = "TOO_MANY_REQUESTS" // always retried, so that no process meets it
)

// Codes of Twilio's that say more than the status: https://www.twilio.com/docs/api/errors.
var (
	unsubscribed = []int{21610}
	overloaded   = []int{14107, 20429, 21611}                             // rate limits, and a sender whose queue is full
	forbidden    = []int{10001, 10002, 20005, 20403, 21219, 21408, 21608} // inactive, on trial, or a country that is not allowed
	unknown      = []int{20404, 21701, 21705}                             // account or messaging service
)

// classify turns a request without an answer into the connector's error.
func classify(err error) *connectors.Error {
	failure := &connectors.Error{Kind: connectors.Retryable, Code: connectors.CodeUnknown, Public: "Twilio cannot be reached", Err: err}
	var network net.Error
	if errors.Is(err, context.DeadlineExceeded) || errors.As(err, &network) && network.Timeout() {
		failure.Code, failure.Public = codeTimeout, "Twilio did not answer in time"
	}
	return failure
}

// refusal reads an answer that is no success.
func (c *Connector) refusal(status int, header http.Header, body []byte) *connectors.Error {
	var told struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	}
	if json.Unmarshal(body, &told) != nil {
		told.Code, told.Message = 0, "" // a proxy's page
	}
	failure := &connectors.Error{Kind: connectors.BPMN, Code: codeBadRequest, Public: fmt.Sprintf("Twilio refuses the message: HTTP status %d", status)}
	if told.Code != 0 {
		failure.Public = fmt.Sprintf("Twilio refuses the message: %d %s", told.Code, c.safe(told.Message))
	}
	is := func(codes []int) bool { return slices.Contains(codes, told.Code) }
	switch {
	case status < 400:
		failure.Kind, failure.Public = connectors.Permanent, failure.Public+", which leads elsewhere; see TWILIO_API_URL"
	case status == http.StatusTooManyRequests, is(overloaded):
		failure.Kind, failure.Code = connectors.Retryable, codeRateLimited
		failure.After = retryafter.Of(header, time.Now())
	case status == http.StatusRequestTimeout, status == http.StatusGatewayTimeout:
		failure.Kind, failure.Code = connectors.Retryable, codeTimeout
	case status >= 500:
		failure.Kind, failure.Code = connectors.Retryable, connectors.CodeUnknown
	case is(unsubscribed):
		failure.Code = codeUnsubscribed
	case status == http.StatusForbidden, is(forbidden):
		failure.Code = codeForbidden
	case status == http.StatusUnauthorized:
		failure.Code, failure.Public = connectors.CodeUnauthorized, failure.Public+"; see TWILIO_ACCOUNT and TWILIO_TOKEN"
	case status == http.StatusNotFound, is(unknown):
		failure.Code = connectors.CodeNotFound
	case told.Code/1000 == 21: // about the message
		failure.Code = connectors.CodeInvalidInput
	}
	return failure
}

// maxMessage bounds what Twilio says in an error, in bytes.
const maxMessage = 500

// safe is what Twilio says, as an error may show it.
func (c *Connector) safe(message string) string {
	if c.token != "" {
		message = strings.ReplaceAll(message, string(c.token), "****")
	}
	if len(message) > maxMessage {
		message = strings.ToValidUTF8(message[:maxMessage], "") + "..."
	}
	return message
}
