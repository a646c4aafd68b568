package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/mail/smtp"
)

// SendMail sends a mail over an account of its own, as email.SEND does over that of the workers. What a later try may win is tried
// again; what the server refuses for good ends it, and so does a log-in that is refused, since more of them lock accounts.
func (w *Watcher) SendMail(ctx context.Context, in contract.SendMail) (contract.SentMail, error) {
	defer keepAlive(ctx, nil)()
	var m smtp.Mail
	if err := json.Unmarshal(in.Mail, &m); err != nil {
		return contract.SentMail{}, final(fmt.Errorf("read the mail that is to be sent: %w", err))
	}
	config, err := w.smtpConfig(in.Account)
	if err != nil {
		return contract.SentMail{}, err
	}
	transport, err := smtp.New(config)
	if err != nil {
		return contract.SentMail{}, final(err)
	}
	defer func() { _ = transport.Close() }()
	receipt, err := transport.Send(ctx, m)
	if failure, ok := errors.AsType[*smtp.Error](err); ok && !failure.Temporary {
		return contract.SentMail{}, final(err)
	}
	if err != nil {
		return contract.SentMail{}, err
	}
	sent := contract.SentMail{Digest: in.Digest(), MessageID: receipt.MessageID, Accepted: receipt.Accepted}
	for _, r := range receipt.Refused {
		sent.Refused = append(sent.Refused, contract.RefusedRecipient{Address: r.Address, Code: r.Code, Message: r.Message})
	}
	return sent, nil
}

func (w *Watcher) smtpConfig(a contract.SMTPAccount) (config smtp.Config, err error) {
	config = smtp.Config{Host: a.Host, Port: a.Port, TLS: smtp.TLS(a.TLS), Username: a.Username, OAuth: a.OAuth, Pool: w.outgoing}
	if config.RootCAs, err = w.authorities.Of(a.CA); err != nil {
		return config, err
	}
	if name := CredentialOf(a.Password); name != "" && a.OAuth {
		config.Tokens = w.credentials.Tokens(name)
		return config, nil
	}
	config.Password, err = Secret(a.Password)
	return config, err
}
