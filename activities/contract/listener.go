package contract

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
)

// Listener is what the application that made a mailbox over HTTP knows it by.
type Listener struct {
	ID           string `json:"id"`
	Sender       string `json:"sender"`             // the address of the mailbox
	User         string `json:"user,omitempty"`     // of the application
	Endpoint     string `json:"endpoint,omitempty"` // where the application is told of mail
	UseFullEmail bool   `json:"useFullEmail,omitempty"`
	SMTP         string `json:"smtp,omitempty"` // smtps://HOST or smtp://HOST, by which mail is sent; "": of the provider of Sender
}

// SMTPAccount is where mail is sent. It names its secret and never holds it.
type SMTPAccount struct {
	Host     string `json:"host"`
	Port     int    `json:"port"`
	TLS      string `json:"tls"` // implicit, starttls, none
	Username string `json:"username"`
	Password string `json:"password"`        // a reference
	OAuth    bool   `json:"oauth,omitempty"` // Password is an access token
	CA       string `json:"ca,omitempty"`    // a file on the workers' machines with certificate authorities to trust, too
}

// SMTP is the URL of the server that sends the mail of a mailbox, "" where none is named.
func (c MailboxConfig) SMTP() string {
	if c.Listener == nil {
		return ""
	}
	return c.Listener.SMTP
}

// SMTPAccount is the account of a mailbox at the server that sends its mail.
func (c MailboxConfig) SMTPAccount(host string, port int, tls string) SMTPAccount {
	return SMTPAccount{Host: host, Port: port, TLS: tls, Username: c.Username, Password: c.Password, CA: c.CA, OAuth: c.OAuth()}
}

// SendMail has a mail sent.
type SendMail struct {
	Account SMTPAccount     `json:"account"`
	Mail    json.RawMessage `json:"mail"` // smtp.Mail
}

// Digest tells mails apart; the account is none of it, since its token changes.
func (m SendMail) Digest() string {
	text, err := json.Marshal(m.Mail) // as it travels
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// SentMail is what became of it, once the server has taken it.
type SentMail struct {
	Digest    string             `json:"digest"` // of the SendMail
	MessageID string             `json:"messageId"`
	Accepted  []string           `json:"accepted"`
	Refused   []RefusedRecipient `json:"refused,omitempty"`
}

// RefusedRecipient does not get a mail that others get.
type RefusedRecipient struct {
	Address string `json:"address"`
	Code    int    `json:"code"`
	Message string `json:"message"`
}

// FetchMails asks for mails of a mailbox that is watched.
type FetchMails struct {
	Mailbox    string   `json:"mailbox"`
	MessageIDs []string `json:"messageIds"`
}

// FetchedMails are those that were found, in the format of the application's webhook full-email, and the others.
type FetchedMails struct {
	Body    json.RawMessage `json:"body"` // {SubscriptionInfo, Emails}
	Missing []MissingMail   `json:"missing,omitempty"`
}

// MissingMail is not among those that were fetched.
type MissingMail struct {
	MessageID string `json:"messageId"`
	Reason    string `json:"reason"`
}
