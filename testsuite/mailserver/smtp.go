package mailserver

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"slices"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

const (
	hostname      = "localhost"
	maxRecipients = 1000
	// RFC 5321 allows 1000 bytes a line, real mail does not keep to it and real
	// servers take it.
	maxLineBytes = 1 << 20
)

func newSMTPServer(s *Server, logger *log.Logger) *smtp.Server {
	server := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &smtpSession{server: s, conn: c}, nil
	}))
	server.Domain = hostname
	server.MaxMessageBytes = s.options.MaxMessageBytes
	server.MaxRecipients = maxRecipients
	server.MaxLineLength = maxLineBytes
	server.ReadTimeout = 5 * time.Minute
	server.WriteTimeout = time.Minute
	server.EnableSMTPUTF8 = true
	server.AllowInsecureAuth = true // There is no TLS; the server is for loopback.
	server.ErrorLog = logger
	return server
}

// smtpSession takes mail of one connection. 8BITMIME, SIZE, PIPELINING and
// CHUNKING are the library's part.
type smtpSession struct {
	server *Server
	conn   *smtp.Conn
	from   string
	utf8   bool
	to     []*account
}

func (s *smtpSession) Mail(from string, options *smtp.MailOptions) error {
	s.from, s.utf8 = from, options.UTF8
	return nil
}

func (s *smtpSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	if reject := s.server.options.Reject; reject != nil {
		if err := reject(to); err != nil {
			return s.refusal(err)
		}
	}
	account, err := s.server.account(to)
	if err != nil {
		return &smtp.SMTPError{Code: 553, EnhancedCode: smtp.EnhancedCode{5, 1, 3}, Message: err.Error()}
	}
	if !slices.Contains(s.to, account) {
		s.to = append(s.to, account)
	}
	return nil
}

// Data stores the message for every recipient, or answers that none may be
// counted on: a client that tries again may then deliver twice, never not at all.
func (s *smtpSession) Data(body io.Reader) error {
	var received time.Time
	path, err := s.server.spool(func(file io.Writer) error {
		if _, err := io.WriteString(file, s.trace(time.Now())); err != nil {
			return err
		}
		_, err := io.Copy(file, body)
		received = time.Now()
		return err
	})
	if err != nil {
		return s.refusal(err)
	}
	defer os.Remove(path)
	for _, account := range s.to {
		if _, err := account.add(inbox, path, received, nil); err != nil {
			return s.refusal(err)
		}
	}
	s.server.announce()
	return nil
}

// trace is what the last server adds (RFC 5321 section 4.4).
func (s *smtpSession) trace(now time.Time) string {
	with, recipient := "ESMTP", ""
	if s.utf8 {
		with = "UTF8SMTP"
	}
	if len(s.to) == 1 { // More would tell the blind copies.
		recipient = fmt.Sprintf("\r\n\tfor <%s>", s.to[0].address)
	}
	client, _, _ := net.SplitHostPort(s.conn.Conn().RemoteAddr().String())
	return fmt.Sprintf("Return-Path: <%s>\r\nReceived: from %s ([%s])\r\n\tby %s with %s%s;\r\n\t%s\r\n",
		s.from, s.conn.Hostname(), client, hostname, with, recipient,
		now.Format("Mon, 02 Jan 2006 15:04:05 -0700"))
}

// refusal keeps an SMTP answer as it is; the library answers all else with a
// permanent code, but a full disk is no reason to give up a mail.
func (s *smtpSession) refusal(err error) error {
	var answer *smtp.SMTPError
	if errors.As(err, &answer) {
		return answer
	}
	s.server.options.Logger.Warn("mail not accepted", "from", s.from, "error", err)
	return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "Not accepted, try again: " + err.Error()}
}

func (s *smtpSession) AuthMechanisms() []string { return []string{sasl.Plain} }

// Auth is offered for clients that insist on it; mail is taken without, too.
func (s *smtpSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, username, password string) error {
		if _, err := s.server.login(username, password); err != nil {
			return smtp.ErrAuthFailed
		}
		return nil
	}), nil
}

func (s *smtpSession) Reset() { s.from, s.utf8, s.to = "", false, nil }

func (s *smtpSession) Logout() error { return nil }

var _ smtp.AuthSession = (*smtpSession)(nil)
