package rest

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/connectors/dialguard"
	"github.com/waybill-io/waybill/retryafter"
)

const (
	codeTimeout     = "REQUEST_TIMEOUT"
	codeUnavailable = "SERVICE_UNAVAILABLE"
)

// codes are the names of statuses as the definition lists them; the others are UNKNOWN_ERROR.
var codes = map[int]string{
	http.StatusBadRequest: "BAD_REQUEST", http.StatusUnauthorized: "UNAUTHORIZED", http.StatusForbidden: "FORBIDDEN", http.StatusNotFound: "NOT_FOUND",
	http.StatusMethodNotAllowed: "METHOD_NOT_ALLOWED", http.StatusNotAcceptable: "NOT_ACCEPTABLE", http.StatusProxyAuthRequired: "PROXY_AUTHENTICATION_REQUIRED",
	http.StatusRequestTimeout: codeTimeout, http.StatusConflict: "CONFLICT", http.StatusGone: "GONE", http.StatusPreconditionFailed: "PRECONDITION_FAILED",
	http.StatusUnprocessableEntity: "UNPROCESSABLE_ENTITY", http.StatusTooManyRequests: "TOO_MANY_REQUESTS",
	http.StatusInternalServerError: "INTERNAL_SERVER_ERROR", http.StatusNotImplemented: "NOT_IMPLEMENTED", http.StatusBadGateway: "BAD_GATEWAY",
	http.StatusServiceUnavailable: codeUnavailable, http.StatusGatewayTimeout: "GATEWAY_TIMEOUT",
}

// temporary tells whether a status is worth another attempt.
func temporary(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	case http.StatusNotImplemented, http.StatusHTTPVersionNotSupported:
		return false
	}
	return status >= http.StatusInternalServerError
}

// refusal is the failure that a status stands for.
func (c *connector) refusal(r *request, a *answer) *connectors.Error {
	failure := &connectors.Error{Kind: connectors.BPMN, Code: codes[a.status]}
	if failure.Code == "" {
		failure.Code = connectors.CodeUnknown
	}
	failure.Public = strings.TrimSpace(fmt.Sprintf("%s %s answered %d %s", r.method, r.url.Host, a.status, http.StatusText(a.status)))
	if temporary(a.status) {
		failure.Kind, failure.After = connectors.Retryable, retryafter.Of(a.header, time.Now())
	}
	if a.location != "" {
		failure.Public += fmt.Sprintf("; the redirect to %s was not followed, write where it leads into the task", a.location)
	}
	if words := c.excerpt(a); words != "" {
		failure.Public += ": " + words
	}
	return failure
}

// excerpt is the beginning of what a server wrote about a failure, if that is text for people or JSON.
func (c *connector) excerpt(a *answer) string {
	mediaType, _, _ := mime.ParseMediaType(a.header.Get("Content-Type"))
	if mediaType != "text/plain" && mediaType != "application/json" && !strings.HasSuffix(mediaType, "+json") {
		return ""
	}
	text := strings.ToValidUTF8(string(a.body), "")
	for _, secret := range c.config.secrets() {
		text = strings.ReplaceAll(text, secret, "********")
		if quoted, err := json.Marshal(secret); err == nil { // as it is within JSON
			text = strings.ReplaceAll(text, strings.Trim(string(quoted), `"`), "********")
		}
	}
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
	if runes := []rune(text); len(runes) > 200 {
		text = string(runes[:200]) + "…"
	}
	return text
}

// networkError is the failure of a request that got no answer. What was dialled and resolved is for operators, not for the process: a model
// could otherwise map the networks of the house.
func (c *connector) networkError(r *request, err error) error {
	if failure := (*connectors.Error)(nil); errors.As(err, &failure) {
		return failure
	}
	if token := (*tokenError)(nil); errors.As(err, &token) {
		return token.classify(time.Now())
	}
	if failed := (*url.Error)(nil); errors.As(err, &failed) {
		err = failed.Err // without the query, which may hold a key
	}
	failure := &connectors.Error{Kind: connectors.Retryable, Code: codeUnavailable, Public: fmt.Sprintf("%s %s did not answer", r.method, r.url.Host), Err: err}
	denied, badCertificate := (*dialguard.Denied)(nil), (*tls.CertificateVerificationError)(nil)
	switch {
	case errors.Is(err, errClear):
		failure.Kind, failure.Code = connectors.Permanent, connectors.CodeNotConfigured
		failure.Public = fmt.Sprintf("%s is called over http, and credentials are not sent in the clear; call it over https, or say http://%s in REST_HOST or REST_AUTH_HOSTS", r.url.Host, r.url.Host)
	case errors.As(err, &denied):
		failure.Kind, failure.Code = connectors.BPMN, connectors.CodeInvalidInput
		failure.Public = fmt.Sprintf("restUrl: %s is not on the public internet; REST_ALLOWED_NETWORKS says what else may be called", r.url.Host)
	case errors.As(err, &badCertificate):
		failure.Kind, failure.Code = connectors.Permanent, "CERTIFICATE"
		failure.Public = fmt.Sprintf("the certificate of %s is not valid here; authorities of the house are named by REST_CA", r.url.Host)
	}
	return failure
}
