package ews

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/Azure/go-ntlmssp"

	"github.com/waybill-io/waybill/mail"
)

// ntlm authenticates the TCP connection, not the request (MS-NLMP over HTTP): three requests that must run on one
// connection, which the transport below grants by having only one. The next requests on it need nothing more.
type ntlm struct {
	transport http.RoundTripper
	username  string
	password  mail.Secret
}

func (n *ntlm) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := n.transport.RoundTrip(request)
	if err != nil || response.StatusCode != http.StatusUnauthorized {
		return response, err
	}
	scheme, _, offered := challenge(response)
	if !offered {
		return response, nil
	}
	drain(response)

	negotiate, err := ntlmssp.NewNegotiateMessage("", "")
	if err != nil {
		return nil, fmt.Errorf("begin NTLM: %w", err)
	}
	// Without the content: the server would read it for nothing.
	opening := request.Clone(request.Context())
	opening.Body, opening.GetBody, opening.ContentLength = http.NoBody, nil, 0
	response, err = n.send(opening, scheme, negotiate)
	if err != nil || response.StatusCode != http.StatusUnauthorized {
		return response, err
	}
	_, token, _ := challenge(response)
	drain(response)
	if len(token) == 0 {
		return nil, errors.New("the server broke the NTLM handshake off")
	}
	authenticate, err := ntlmssp.NewAuthenticateMessage(token, n.username, n.password.Reveal(), nil)
	if err != nil {
		return nil, fmt.Errorf("answer the NTLM challenge: %w", err)
	}
	proof := request.Clone(request.Context())
	if proof.Body, err = request.GetBody(); err != nil {
		return nil, err
	}
	return n.send(proof, scheme, authenticate)
}

func (n *ntlm) send(request *http.Request, scheme string, message []byte) (*http.Response, error) {
	// Not to be repeated on another connection, where it means nothing.
	delete(request.Header, idempotencyKey)
	request.Header.Set("Authorization", scheme+" "+base64.StdEncoding.EncodeToString(message))
	return n.transport.RoundTrip(request)
}

// challenge returns the scheme to use, NTLM rather than Negotiate (which may want Kerberos), and the server's token.
func challenge(response *http.Response) (scheme string, token []byte, offered bool) {
	for _, wanted := range []string{"NTLM", "Negotiate"} {
		for _, value := range response.Header.Values("WWW-Authenticate") {
			name, encoded, _ := strings.Cut(value, " ")
			if strings.EqualFold(name, wanted) {
				token, _ = base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
				return wanted, token, true
			}
		}
	}
	return "", nil, false
}

// drain reads what is left, so that the connection serves the next request.
func drain(response *http.Response) {
	_, _ = io.CopyN(io.Discard, response.Body, 64<<10)
	_ = response.Body.Close()
}

var _ http.RoundTripper = (*ntlm)(nil)
