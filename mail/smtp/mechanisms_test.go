package smtp

import (
	"crypto/hmac"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/emersion/go-sasl"
	"github.com/xdg-go/scram"
)

// cramServer is the server side of CRAM-MD5 (RFC 2195).
type cramServer struct {
	password string
	accept   func(good bool, said string) error
	asked    bool
}

const cramChallenge = "<1896.697170952@postoffice.reston.mci.net>"

func (c *cramServer) Next(response []byte) ([]byte, bool, error) {
	if !c.asked {
		c.asked = true
		return []byte(cramChallenge), false, nil
	}
	mac := hmac.New(md5.New, []byte(c.password))
	mac.Write([]byte(cramChallenge))
	return nil, true, c.accept(string(response) == "ann "+hex.EncodeToString(mac.Sum(nil)), string(response))
}

// scram is the server side of RFC 5802 and RFC 7677, by a library that go-mail knows nothing of.
func (s *peerSession) scram(mechanism string, accept func(good bool, said string) error) (sasl.Server, error) {
	name, plus := strings.CutSuffix(mechanism, "-PLUS")
	hash, ok := map[string]scram.HashGeneratorFcn{"SCRAM-SHA-1": scram.SHA1, "SCRAM-SHA-256": scram.SHA256}[name]
	if !ok {
		return nil, fmt.Errorf("no mechanism %s", mechanism)
	}
	client, err := hash.NewClient("ann", s.peer.password, "")
	if err != nil {
		return nil, err
	}
	known, err := client.GetStoredCredentialsWithError(scram.KeyFactors{Salt: "a salt of the server", Iters: 4096})
	if err != nil {
		return nil, err
	}
	server, err := hash.NewServer(func(username string) (scram.StoredCredentials, error) {
		if username != "ann" {
			return scram.StoredCredentials{}, fmt.Errorf("nobody is called %s", username)
		}
		return known, nil
	})
	if err != nil {
		return nil, err
	}
	conversation := server.NewConversation()
	if plus {
		state, _ := s.conn.TLSConnectionState()
		binding, err := scram.NewTLSExporterBinding(&state)
		if err != nil {
			return nil, err
		}
		conversation = server.NewConversationWithChannelBindingRequired(binding)
	}
	return &scramServer{ServerConversation: conversation, accept: accept}, nil
}

type scramServer struct {
	*scram.ServerConversation
	accept func(good bool, said string) error
}

func (s *scramServer) Next(response []byte) ([]byte, bool, error) {
	switch {
	case response == nil:
		return nil, false, nil // the first word is the client's
	case s.Done():
		return nil, true, s.accept(s.Valid(), "")
	}
	answer, err := s.Step(string(response))
	if err != nil {
		return nil, true, s.accept(false, err.Error())
	}
	return []byte(answer), false, nil
}
