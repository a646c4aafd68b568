package main

import (
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	netmail "net/mail"
	"net/smtp"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/waybill-io/waybill/mail"
)

const (
	defaultSMTP = "127.0.0.1:1025"
	maxMail     = 100 << 20
	sendIn      = 60 * time.Second
)

// sentMail is the result of mail send.
type sentMail struct {
	MessageID  string   `json:"messageId,omitempty"`
	From       string   `json:"from"`
	Recipients []string `json:"recipients"`
	Bytes      int      `json:"bytes"`
}

// mailFlags are the flags of mail send.
type mailFlags struct {
	from, subject, body, eml, server string
	to, cc                           []string
}

func (a *app) mailCommand() *cobra.Command {
	var f mailFlags
	send := &cobra.Command{
		Use:   "send",
		Short: "Drop a mail into the development server over SMTP",
		Long: "send writes a mail, or takes one from a file, and gives it to an SMTP server without login. It is for trying things out.\n" +
			"The bytes of --eml are sent as they are (SMTP itself makes CRLF of a bare LF); --from and --to are then the envelope,\n" +
			"and default to the addresses in the file's header.",
		Example: `  starter mail send --from ada@example.com --to support@localhost --subject "Printer on fire" --body "Please help."
  starter mail send --eml message.eml --to support@localhost`,
		Args: need(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			message, err := f.message()
			if err != nil {
				return usage(err)
			}
			sent, err := f.envelope(message)
			if err != nil {
				return usage(err)
			}
			if err := deliver(f.server, sent, message); err != nil {
				return err
			}
			return a.print(cmd, sent, func(w io.Writer) {
				fmt.Fprintf(w, "accepted for %s: %d bytes, Message-ID %s\n", strings.Join(sent.Recipients, ", "), sent.Bytes, sent.MessageID)
			})
		},
	}
	flags := send.Flags()
	flags.StringVar(&f.from, "from", "", "sender")
	flags.StringArrayVar(&f.to, "to", nil, "recipient; may be repeated")
	flags.StringArrayVar(&f.cc, "cc", nil, "recipient of a copy; may be repeated")
	flags.StringVar(&f.subject, "subject", "", "subject")
	flags.StringVar(&f.body, "body", "", "text of the mail")
	flags.StringVar(&f.eml, "eml", "", "file with a whole mail (RFC 5322)")
	flags.StringVar(&f.server, "smtp", defaultSMTP, "SMTP server, host:port")
	send.MarkFlagsMutuallyExclusive("eml", "body")
	send.MarkFlagsMutuallyExclusive("eml", "subject")
	send.MarkFlagsMutuallyExclusive("eml", "cc")
	return group("mail", "Send mail to the development server, and read it there", send, a.mailReadCommand())
}

func (f *mailFlags) message() ([]byte, error) {
	if f.eml == "" {
		return f.compose()
	}
	file, err := os.Open(f.eml)
	if err != nil {
		return nil, fmt.Errorf("read mail: %w", err)
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxMail+1))
	if err != nil {
		return nil, fmt.Errorf("read mail: %w", err)
	}
	if len(data) > maxMail {
		return nil, fmt.Errorf("read mail: %s is larger than %d bytes", f.eml, maxMail)
	}
	return data, nil
}

// compose writes a mail of one plain text part (RFC 5322, RFC 2045).
func (f *mailFlags) compose() ([]byte, error) {
	from, err := netmail.ParseAddress(f.from)
	if err != nil {
		return nil, fmt.Errorf("--from %q: an address such as ada@example.com is expected: %w", f.from, err)
	}
	if strings.ContainsAny(f.subject, "\r\n") {
		return nil, errors.New("--subject: one line is expected")
	}
	var b bytes.Buffer
	header := func(name, value string) { fmt.Fprintf(&b, "%s: %s\r\n", name, value) }
	header("From", from.String())
	for _, list := range []struct {
		name string
		all  []string
	}{{"To", f.to}, {"Cc", f.cc}} {
		found, err := addresses(list.all)
		if err != nil {
			return nil, fmt.Errorf("--%s: %w", strings.ToLower(list.name), err)
		}
		if len(found) > 0 {
			header(list.name, strings.Join(texts(found, (*netmail.Address).String), ",\r\n "))
		}
	}
	_, host, _ := strings.Cut(from.Address, "@")
	header("Subject", mime.QEncoding.Encode("utf-8", f.subject))
	header("Date", time.Now().Format(time.RFC1123Z))
	header("Message-ID", "<"+strings.ToLower(rand.Text())+"@"+host+">")
	header("MIME-Version", "1.0")
	header("Content-Type", "text/plain; charset=utf-8")
	header("Content-Transfer-Encoding", "quoted-printable")
	b.WriteString("\r\n")
	w := quotedprintable.NewWriter(&b)
	if _, err := io.WriteString(w, f.body); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	b.WriteString("\r\n")
	return b.Bytes(), nil
}

// envelope takes the addresses of the flags, or else of the mail's header.
func (f *mailFlags) envelope(message []byte) (sentMail, error) {
	sent := sentMail{From: f.from, Bytes: len(message)}
	to, err := addresses(append(append([]string{}, f.to...), f.cc...))
	if err != nil {
		return sent, err
	}
	// A header that cannot be read is as good as a missing one: the errors below say what to do.
	if m, err := netmail.ReadMessage(bytes.NewReader(message)); err == nil {
		sent.MessageID = strings.Trim(m.Header.Get("Message-ID"), "<> \t")
		if sent.From == "" {
			sent.From = m.Header.Get("From")
		}
		if len(to) == 0 {
			to, _ = m.Header.AddressList("To")
		}
	}
	from, err := netmail.ParseAddress(sent.From)
	if err != nil {
		return sent, errors.New("--from is required: the mail has no sender that can be read")
	}
	if len(to) == 0 {
		return sent, errors.New("--to is required: the mail has no recipient that can be read")
	}
	sent.From = from.Address
	sent.Recipients = texts(to, func(a *netmail.Address) string { return a.Address })
	return sent, nil
}

func addresses(lists []string) ([]*netmail.Address, error) {
	var all []*netmail.Address
	for _, text := range lists {
		found, err := netmail.ParseAddressList(text)
		if err != nil {
			return nil, fmt.Errorf("%q: an address such as ada@example.com is expected: %w", text, err)
		}
		all = append(all, found...)
	}
	return all, nil
}

func texts(all []*netmail.Address, text func(*netmail.Address) string) []string {
	list := make([]string, len(all))
	for i, a := range all {
		list[i] = text(a)
	}
	return list
}

// deliver speaks SMTP (RFC 5321). Away from this machine it uses STARTTLS when the server offers it, verified.
func deliver(server string, sent sentMail, message []byte) (err error) {
	host, _, err := net.SplitHostPort(server)
	if err != nil {
		return usage(fmt.Errorf("--smtp %s: host:port is expected", server))
	}
	conn, err := net.DialTimeout("tcp", server, dialIn)
	if err != nil {
		return coded(exitUnreachable, fmt.Errorf("no mail server answers at %s: %w\n"+
			"start one with `go run ./worker dev`, or name another with --smtp", server, err))
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(sendIn)); err != nil {
		return fmt.Errorf("send mail to %s: %w", server, err)
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("send mail to %s: %w", server, err)
		}
	}()
	c, err := smtp.NewClient(conn, host)
	if err != nil {
		return err
	}
	if ok, _ := c.Extension("STARTTLS"); ok && !mail.Loopback(host) {
		if err := c.StartTLS(&tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}); err != nil {
			return err
		}
	}
	if err := c.Mail(sent.From); err != nil {
		return err
	}
	for _, recipient := range sent.Recipients {
		if err := c.Rcpt(recipient); err != nil {
			return fmt.Errorf("recipient %s: %w", recipient, err)
		}
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := w.Write(message); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return c.Quit()
}
