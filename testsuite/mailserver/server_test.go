package mailserver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/emersion/go-smtp"
	"github.com/stretchr/testify/require"
)

const (
	support  = "support@example.org"
	password = "dev-password"
)

func start(t *testing.T, options Options) *Server {
	t.Helper()
	if options.OpenPassword == "" {
		options.OpenPassword = password
	}
	options.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	s, err := Start(options)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close(context.Background())) })
	return s
}

func dial(t *testing.T, s *Server, address string, handler *imapclient.UnilateralDataHandler) *imapclient.Client {
	t.Helper()
	c, err := imapclient.DialInsecure(s.IMAPAddr(), &imapclient.Options{UnilateralDataHandler: handler})
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	require.NoError(t, c.Login(address, password).Wait())
	return c
}

func selectBox(t *testing.T, c *imapclient.Client, name string) *imap.SelectData {
	t.Helper()
	data, err := c.Select(name, nil).Wait()
	require.NoError(t, err)
	return data
}

func mailText(subject string) string {
	return "From: customer@example.com\r\nTo: " + support + "\r\nSubject: " + subject + "\r\n\r\nHello.\r\n"
}

func send(t *testing.T, s *Server, text string, to ...string) {
	t.Helper()
	require.NoError(t, trySend(s, text, to...))
}

func trySend(s *Server, text string, to ...string) error {
	c, err := smtp.Dial(s.SMTPAddr())
	if err != nil {
		return err
	}
	defer c.Close()
	return c.SendMail("customer@example.com", to, strings.NewReader(text))
}

func TestDeliverTraceAndMessages(t *testing.T) {
	s := start(t, Options{})
	before := time.Now()
	send(t, s, mailText("One"), "Support@Example.org", "customer@elsewhere.example", support)

	messages, err := s.WaitFor(t.Context(), support, 1)
	require.NoError(t, err)
	require.Len(t, messages, 1, "an address named twice gets one copy")
	require.Equal(t, uint32(1), messages[0].UID)
	require.WithinRange(t, messages[0].Received, before, time.Now())
	raw := string(messages[0].Raw)
	require.True(t, strings.HasPrefix(raw, "Return-Path: <customer@example.com>\r\nReceived: from "), raw)
	require.True(t, strings.HasSuffix(raw, "\r\n"+mailText("One")), raw)
	require.NotContains(t, raw, "for <", "several recipients are not told of each other")

	elsewhere, err := s.Messages("customer@elsewhere.example", "inbox")
	require.NoError(t, err)
	require.Len(t, elsewhere, 1)
	_, err = s.Messages(support, "Archive")
	require.ErrorContains(t, err, `no folder "Archive"`)
}

func TestWaitForEndsWithItsContext(t *testing.T) {
	s := start(t, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.WaitFor(ctx, support, 1)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorContains(t, err, "have 0")
}

func TestSMTPRefusals(t *testing.T) {
	s := start(t, Options{MaxMessageBytes: 1000, Reject: func(recipient string) error {
		switch recipient {
		case "gone@example.org":
			return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such user"}
		case "busy@example.org":
			return fmt.Errorf("wrapped: %w", &smtp.SMTPError{Code: 450, EnhancedCode: smtp.EnhancedCode{4, 2, 1}, Message: "busy"})
		case "odd@example.org":
			return errors.New("something else")
		}
		return nil
	}})
	for recipient, code := range map[string]int{"gone@example.org": 550, "busy@example.org": 450, "odd@example.org": 451} {
		requireCode(t, code, trySend(s, mailText("x"), recipient))
		messages, err := s.Messages(recipient, inbox)
		require.NoError(t, err)
		require.Empty(t, messages)
	}

	c, err := smtp.Dial(s.SMTPAddr())
	require.NoError(t, err)
	defer c.Close()
	requireCode(t, 552, c.Mail("a@example.com", &smtp.MailOptions{Size: 1001}))
	require.NoError(t, c.SendMail("a@example.com", []string{support}, strings.NewReader(mailText("fits"))))
	requireCode(t, 552, c.SendMail("a@example.com", []string{support}, strings.NewReader(mailText(strings.Repeat("x", 1000)))))
	require.NoError(t, c.SendMail("a@example.com", []string{support}, strings.NewReader(mailText("fits too"))))
	messages, err := s.Messages(support, inbox)
	require.NoError(t, err)
	require.Len(t, messages, 2)
	left, err := os.ReadDir(s.spoolDir())
	require.NoError(t, err)
	require.Empty(t, left)
}

func requireCode(t *testing.T, code int, err error) {
	t.Helper()
	var answer *smtp.SMTPError
	require.ErrorAs(t, err, &answer)
	require.Equal(t, code, answer.Code)
}

func TestSMTPUTF8(t *testing.T) {
	s := start(t, Options{})
	c, err := smtp.Dial(s.SMTPAddr())
	require.NoError(t, err)
	defer c.Close()
	require.NoError(t, c.Mail("jürgen@example.com", &smtp.MailOptions{UTF8: true, Body: smtp.Body8BitMIME}))
	require.NoError(t, c.Rcpt("größe@example.org", nil))
	w, err := c.Data()
	require.NoError(t, err)
	_, err = w.Write([]byte("Subject: Grüße\r\n\r\näöü\r\n"))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	messages, err := s.Messages("GRÖSSE@example.org", inbox)
	require.NoError(t, err)
	require.Empty(t, messages, "only case is folded")
	messages, err = s.Messages("GRÖßE@example.org", inbox)
	require.NoError(t, err)
	require.Len(t, messages, 1)
	require.Contains(t, string(messages[0].Raw), "with UTF8SMTP\r\n\tfor <größe@example.org>")
}

func TestAddresses(t *testing.T) {
	s := start(t, Options{})
	for _, bad := range []string{"", "support", "..", "@x", "x@", strings.Repeat("x", 200) + "@example.org"} {
		_, err := s.Messages(bad, inbox)
		require.ErrorContains(t, err, "is not a mail address", bad)
	}
	_, err := s.Messages("../../x@y", inbox)
	require.NoError(t, err)
	require.DirExists(t, filepath.Join(s.accountsDir(), "..%2F..%2Fx@y"))
}

func TestLogin(t *testing.T) {
	s, err := Start(Options{Users: map[string]string{"Anna@Example.org": "secret"}})
	require.NoError(t, err)
	defer s.Close(t.Context())
	send(t, s, mailText("x"), "else@example.org")
	for _, try := range []struct {
		user, password string
		ok             bool
	}{
		{"anna@example.org", "secret", true},
		{"ANNA@example.org", "secret", true},
		{"anna@example.org", "wrong", false},
		{"else@example.org", "", false}, // Without a password of its own, only the API reads it.
	} {
		c, err := imapclient.DialInsecure(s.IMAPAddr(), nil)
		require.NoError(t, err)
		err = c.Login(try.user, try.password).Wait()
		require.Equal(t, try.ok, err == nil, "%v: %v", try, err)
		c.Close()
	}
}

func TestTakenPort(t *testing.T) {
	s := start(t, Options{})
	for option, options := range map[string]Options{
		"SMTPAddr": {SMTPAddr: s.SMTPAddr()},
		"IMAPAddr": {IMAPAddr: s.IMAPAddr()},
	} {
		options.Dir = filepath.Join(t.TempDir(), "untouched")
		_, err := Start(options)
		require.ErrorIs(t, err, syscall.EADDRINUSE)
		require.ErrorContains(t, err, option)
		require.NoDirExists(t, options.Dir)
	}
}

func TestCloseLeavesNothing(t *testing.T) {
	s, err := Start(Options{OpenPassword: password})
	require.NoError(t, err)
	idle := dial(t, s, support, nil)
	selectBox(t, idle, inbox)
	_, err = idle.Idle()
	require.NoError(t, err)
	silent, err := net.Dial("tcp", s.SMTPAddr())
	require.NoError(t, err)
	defer silent.Close()
	halfway, err := smtp.Dial(s.SMTPAddr())
	require.NoError(t, err)
	require.NoError(t, halfway.Mail("a@example.com", nil))
	require.NoError(t, halfway.Rcpt(support, nil))
	data, err := halfway.Data()
	require.NoError(t, err)
	_, err = data.Write([]byte("Subject: never ends\r\n"))
	require.NoError(t, err)

	require.NoError(t, s.Close(t.Context()))
	require.NoError(t, s.Close(t.Context()))
	require.NoDirExists(t, s.dir)
	idle.Close()
	halfway.Close()
	silent.Close()
	require.Eventually(t, func() bool {
		all := make([]byte, 1<<20)
		stacks := string(all[:runtime.Stack(all, true)])
		return !strings.Contains(stacks, "go-imap/v2/imapserver.") && !strings.Contains(stacks, "go-smtp.(*Conn)") &&
			!strings.Contains(stacks, "mailserver.(*Server)") && !strings.Contains(stacks, "mailserver.(*listener)")
	}, 10*time.Second, 10*time.Millisecond)
}

func TestLargeMessage(t *testing.T) {
	s := start(t, Options{})
	line := strings.Repeat("x", 76) + "\r\n"
	text := mailText("large") + strings.Repeat(line, 25<<20/len(line))
	send(t, s, text, support)

	c := dial(t, s, support, nil)
	selectBox(t, c, inbox)
	whole := &imap.FetchItemBodySection{Peek: true}
	part := &imap.FetchItemBodySection{Peek: true, Partial: &imap.SectionPartial{Offset: 20 << 20, Size: 1 << 20}}
	past := &imap.FetchItemBodySection{Peek: true, Partial: &imap.SectionPartial{Offset: 1 << 30, Size: 5}}
	messages, err := c.Fetch(imap.UIDSetNum(1), &imap.FetchOptions{RFC822Size: true, Flags: true, BodySection: []*imap.FetchItemBodySection{whole, part, past}}).Collect()
	require.NoError(t, err)
	raw := messages[0].FindBodySection(whole)
	require.Equal(t, int64(len(raw)), messages[0].RFC822Size)
	require.True(t, bytes.HasSuffix(raw, []byte(text)))
	require.Empty(t, messages[0].Flags, "PEEK leaves \\Seen alone")
	require.Len(t, messages[0].BodySection, 3)
	require.True(t, bytes.Equal(raw[20<<20:21<<20], messages[0].BodySection[1].Bytes))
	require.Empty(t, messages[0].BodySection[2].Bytes)
}

// 500 mails by ten senders: one session sits in IDLE, another searches and
// fetches all the while. UIDs come without gap or repeat, and in order.
func TestConcurrentDeliveries(t *testing.T) {
	const senders, each = 10, 50
	s := start(t, Options{})
	counts := make(chan uint32, senders*each+1)
	idling := dial(t, s, support, &imapclient.UnilateralDataHandler{Mailbox: func(data *imapclient.UnilateralDataMailbox) {
		if data.NumMessages != nil {
			counts <- *data.NumMessages
		}
	}})
	selectBox(t, idling, inbox)
	idle, err := idling.Idle()
	require.NoError(t, err)

	var sending sync.WaitGroup
	failures := make(chan error, senders)
	for sender := range senders {
		sending.Go(func() {
			c, err := smtp.Dial(s.SMTPAddr())
			for i := 0; err == nil && i < each; i++ {
				err = c.SendMail("a@example.com", []string{support}, strings.NewReader(mailText(fmt.Sprintf("%d-%d", sender, i))))
			}
			failures <- err
		})
	}

	reader := dial(t, s, support, nil)
	selectBox(t, reader, inbox)
	seen := make(map[string]imap.UID)
	last := imap.UID(0)
	section := &imap.FetchItemBodySection{Peek: true, Specifier: imap.PartSpecifierHeader, HeaderFields: []string{"Subject"}}
	for len(seen) < senders*each {
		var newer imap.UIDSet
		newer.AddRange(last+1, 0)
		found, err := reader.UIDSearch(&imap.SearchCriteria{UID: []imap.UIDSet{newer}}, nil).Wait()
		require.NoError(t, err)
		if uids := found.AllUIDs(); len(uids) == 0 || uids[len(uids)-1] <= last {
			_, err := s.WaitFor(t.Context(), support, len(seen)+1)
			require.NoError(t, err)
			continue
		}
		messages, err := reader.Fetch(found.All, &imap.FetchOptions{UID: true, BodySection: []*imap.FetchItemBodySection{section}}).Collect()
		require.NoError(t, err)
		for _, m := range messages {
			if m.UID <= last {
				continue // A range n:* always holds the last message.
			}
			require.Equal(t, last+1, m.UID)
			require.Equal(t, uint32(m.UID), m.SeqNum)
			last = m.UID
			seen[string(m.FindBodySection(section))] = m.UID
		}
	}
	sending.Wait()
	for range senders {
		require.NoError(t, <-failures)
	}
	for count := range counts {
		if count == senders*each {
			break
		}
	}
	require.NoError(t, idle.Close())
}
