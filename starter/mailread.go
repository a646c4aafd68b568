package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/mail/imap"
	"github.com/waybill-io/waybill/mail/message"
)

const (
	defaultIMAP = "127.0.0.1:1143"
	// developmentPassword opens every mailbox of the development server, which listens on this machine only.
	developmentPassword = "waybill"
	searchAtOnce        = 1000
)

// readMail is one mail of mail read. Message-IDs are without angle brackets, as in sentMail.
type readMail struct {
	UID         uint32     `json:"uid"`
	From        []string   `json:"from"`
	To          []string   `json:"to"`
	Cc          []string   `json:"cc,omitempty"`
	Subject     string     `json:"subject"`
	Date        *time.Time `json:"date,omitempty"`
	MessageID   string     `json:"messageId,omitempty"`
	InReplyTo   string     `json:"inReplyTo,omitempty"`
	References  []string   `json:"references,omitempty"`
	Text        string     `json:"text"`
	Attachments []string   `json:"attachments,omitempty"`
}

func (a *app) mailReadCommand() *cobra.Command {
	var server string
	var last int
	read := &cobra.Command{
		Use:   "read ADDRESS",
		Short: "Show the mails that an address has got in the development server",
		Long: "read shows the newest mails in the inbox of an address, the newest last. It reads over IMAP without encryption, so\n" +
			"from a server on this machine only, and changes nothing there.",
		Example: `  starter mail read anna@example.org
  starter mail read oncall@example.com --last 1`,
		Args: need("ADDRESS"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if last < 1 {
				return usage(fmt.Errorf("--last %d: at least 1 is expected", last))
			}
			config, err := developmentMailbox(server, args[0])
			if err != nil {
				return usage(err)
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), sendIn)
			defer cancel()
			mails, err := readInbox(ctx, config, last)
			if mail.KindOf(err) == mail.KindNetwork {
				return coded(exitUnreachable, fmt.Errorf("no mail server answers at %s: %w\n"+
					"start one with `go run ./worker dev`, or name another with --imap", server, err))
			}
			if err != nil {
				return fmt.Errorf("read the mail of %s at %s: %w", args[0], server, err)
			}
			return a.print(cmd, mails, func(w io.Writer) { writeMails(w, args[0], mails) })
		},
	}
	flags := read.Flags()
	flags.StringVar(&server, "imap", defaultIMAP, "IMAP server on this machine, host:port")
	flags.IntVar(&last, "last", 10, "how many")
	return read
}

func developmentMailbox(server, address string) (imap.Config, error) {
	host, text, err := net.SplitHostPort(server)
	if err != nil {
		return imap.Config{}, fmt.Errorf("--imap %s: host:port is expected", server)
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		return imap.Config{}, fmt.Errorf("--imap %s: a number is expected as the port", server)
	}
	config := imap.Config{Host: host, Port: port, TLS: imap.TLSNone, Username: address, Password: developmentPassword}
	if err := config.Validate(); err != nil {
		return imap.Config{}, fmt.Errorf("--imap %s: %w", server, err)
	}
	return config, nil
}

// readInbox returns the newest mails of an inbox, the newest last.
func readInbox(ctx context.Context, config imap.Config, last int) ([]readMail, error) {
	session, err := imap.Dial(ctx, config)
	if err != nil {
		return nil, err
	}
	defer session.Close()
	if _, err := session.Select(ctx); err != nil {
		return nil, err
	}
	var newest []imap.Envelope
	for after := imap.UID(0); ; {
		found, err := session.Next(ctx, after, searchAtOnce)
		if err != nil {
			return nil, err
		}
		newest = append(newest, found...)
		newest = newest[max(0, len(newest)-last):]
		if len(found) < searchAtOnce {
			break
		}
		after = found[len(found)-1].UID
	}
	mails := make([]readMail, 0, len(newest))
	for _, envelope := range newest {
		var raw bytes.Buffer
		if _, err := session.Fetch(ctx, envelope.UID, &raw, maxMail); errors.Is(err, imap.ErrGone) {
			continue
		} else if err != nil {
			return nil, fmt.Errorf("mail with UID %d: %w", envelope.UID, err)
		}
		m, err := message.Parse(&raw, message.Limits{}, nil)
		if err != nil {
			return nil, fmt.Errorf("mail with UID %d: %w", envelope.UID, err)
		}
		mails = append(mails, asRead(envelope.UID, m))
	}
	return mails, nil
}

func asRead(uid imap.UID, m *message.Message) readMail {
	read := readMail{
		UID: uint32(uid), From: written(m.From), To: written(m.To), Cc: written(m.Cc), Subject: m.Subject,
		MessageID: bare(m.MessageID), InReplyTo: bare(m.InReplyTo), Text: cmp.Or(m.Text, m.HTML),
	}
	if !m.Date.IsZero() {
		date := m.Date.UTC()
		read.Date = &date
	}
	for _, id := range m.References {
		read.References = append(read.References, bare(id))
	}
	for _, attachment := range m.Attachments {
		read.Attachments = append(read.Attachments, cmp.Or(attachment.Name, attachment.ContentType))
	}
	return read
}

func written(all []message.Address) []string {
	list := make([]string, len(all))
	for i, a := range all {
		list[i] = a.Address
		if a.Name != "" {
			list[i] = a.Name + " <" + a.Address + ">"
		}
	}
	return list
}

func bare(messageID string) string { return strings.Trim(messageID, "<> \t") }

// writeMails shows mails as they are read: what matters of the header, an empty line, the text.
func writeMails(w io.Writer, address string, mails []readMail) {
	if len(mails) == 0 {
		fmt.Fprintln(w, "no mail for "+oneLine(address))
	}
	for i, m := range mails {
		if i > 0 {
			fmt.Fprintln(w, strings.Repeat("-", 72))
		}
		var date string
		if m.Date != nil {
			date = m.Date.Format(time.RFC3339)
		}
		for _, field := range [][2]string{
			{"From", strings.Join(m.From, ", ")}, {"To", strings.Join(m.To, ", ")}, {"Cc", strings.Join(m.Cc, ", ")},
			{"Subject", m.Subject}, {"Date", date}, {"Message-ID", m.MessageID}, {"In-Reply-To", m.InReplyTo},
			{"Attachments", strings.Join(m.Attachments, ", ")},
		} {
			if field[1] != "" {
				fmt.Fprintf(w, "%s: %s\n", field[0], oneLine(field[1]))
			}
		}
		fmt.Fprintln(w)
		for line := range strings.SplitSeq(strings.TrimSpace(m.Text), "\n") {
			fmt.Fprintln(w, oneLine(line))
		}
	}
}
