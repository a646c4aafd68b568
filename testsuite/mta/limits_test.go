package mta_test

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/mail/smtp"
	"github.com/waybill-io/waybill/testsuite/mta"
)

// testRecipients has a server refuse some recipients of a mail, which the others get.
func testRecipients(t *testing.T, s *mta.Server) {
	m := smtp.Mail{From: someone("waybill")[0], Subject: "many", Text: "many\n"}
	for n := range 100 {
		name := fmt.Sprintf("customer-%d", n)
		if n%20 == 7 {
			name = fmt.Sprintf("unknown-%d", n)
		}
		m.To = append(m.To, someone(name)...)
	}
	receipt, err := transport(t, settings(s)).Send(t.Context(), m)
	require.NoError(t, err)
	require.Len(t, receipt.Accepted, 95)
	var refused []string
	for _, r := range receipt.Refused {
		require.Equal(t, 550, r.Code)
		require.False(t, r.Temporary())
		require.NotEmpty(t, r.Message)
		refused = append(refused, r.Address)
	}
	require.Equal(t, []string{"unknown-7@example.com", "unknown-27@example.com", "unknown-47@example.com", "unknown-67@example.com", "unknown-87@example.com"}, refused)
	arrived(t, s, 95)
}

// testLargeMails sends one that is almost as large as the server takes, and one that is larger, of which the server never hears.
func testLargeMails(t *testing.T, s *mta.Server) {
	sized := func(name string, size int) smtp.Mail {
		m := smtp.Mail{From: someone("waybill")[0], To: someone(name), Subject: name, Text: "see attached", MessageID: name + "@example.com"}
		m.Attachments = []smtp.Attachment{{Name: "a", Content: []byte{}}}
		for { // a line of 76 characters has 57 bytes of a file
			raw, err := m.Raw()
			require.NoError(t, err)
			if len(raw)+78 > size {
				return m
			}
			m.Attachments[0].Content = bytes.Repeat([]byte("x"), len(m.Attachments[0].Content)+57*max(1, (size-len(raw)-78)/78))
		}
	}
	tr := transport(t, settings(s))
	_, err := tr.Send(t.Context(), sized("almost", maxSize-1000)) // which the server adds to it
	require.NoError(t, err)

	_, err = tr.Send(t.Context(), sized("over", maxSize+200))
	var failure *smtp.Error
	require.ErrorAs(t, err, &failure)
	require.Equal(t, smtp.StageMail, failure.Stage, "before the content")
	require.False(t, failure.Temporary)
	var size *smtp.SizeError
	require.ErrorAs(t, err, &size)
	require.EqualValues(t, maxSize, size.Limit)
	require.Greater(t, size.Size, size.Limit)
	require.ErrorContains(t, err, "takes at most 400000")
	_, err = tr.Send(t.Context(), sized("after", 1000))
	require.NoError(t, err)
	arrived(t, s, 2)
}

// testInternationalAddresses sends to addresses outside ASCII, where the server takes them.
func testInternationalAddresses(t *testing.T, s *mta.Server) {
	m := smtp.Mail{
		From: mail.Address{Name: "Jürgen", Address: "jürgen@example.com"}, To: []mail.Address{{Name: "Besteller", Address: "café@bücher.example"}, {Address: "плат@example.com"}},
		Cc: someone("ascii"), Subject: "Größe", Text: "straße\n",
	}
	tr := transport(t, settings(s))
	receipt, err := tr.Send(t.Context(), m)
	if s.Kind == mta.OpenSMTPD { // it does not know RFC 6531
		var failure *smtp.Error
		require.ErrorAs(t, err, &failure)
		require.False(t, failure.Temporary)
		require.ErrorContains(t, err, "the server takes no addresses outside ASCII (SMTPUTF8)")
		m.ReplyTo = []mail.Address{m.From}
		m.From, m.To, m.Cc = someone("waybill")[0], someone("ascii"), nil
		_, err = tr.Send(t.Context(), m)
		require.ErrorContains(t, err, "(SMTPUTF8)", "nor a field with one")
		m.ReplyTo = nil
		receipt, err = tr.Send(t.Context(), m)
	}
	require.NoError(t, err)
	for _, got := range mta.Read(t, arrived(t, s, len(receipt.Accepted))...) {
		requireSame(t, receipt, m, got)
	}
}

// TestConnectionLimits sends many mails at once to a Postfix that takes few connections, which tells clients that have more to come again.
func TestConnectionLimits(t *testing.T) {
	t.Parallel()
	const mails, connections = 500, 3
	s := mta.Start(t, mta.Postfix, mta.Options{Connections: connections, ConnectionRate: 60})
	tr := transport(t, settings(s))
	t.Cleanup(func() { require.NoError(t, tr.Close()) })
	begun := time.Now()
	var (
		senders sync.WaitGroup
		refused atomic.Int64
		next    atomic.Int64
	)
	for range 20 {
		senders.Go(func() {
			for n := next.Add(1); n <= mails; n = next.Add(1) {
				m := smtp.Mail{From: someone("waybill")[0], To: someone(fmt.Sprint("n", n)), Subject: "one of many", Text: "many\n", MessageID: fmt.Sprintf("%d@example.com", n)}
				for {
					_, err := tr.Send(t.Context(), m)
					if err == nil {
						break
					}
					var failure *smtp.Error
					if !errors.As(err, &failure) || !failure.Temporary || failure.Uncertain || t.Context().Err() != nil {
						t.Error(err)
						return
					}
					refused.Add(1) // and a worker tries again
				}
			}
		})
	}
	senders.Wait()
	took := time.Since(begun)
	seen := map[string]bool{}
	for _, d := range arrived(t, s, mails) {
		seen[d.Recipient] = true
	}
	require.Len(t, seen, mails, "each once")
	require.Contains(t, s.Log(), "Connection concurrency limit exceeded", "the limit was never met")
	require.Zero(t, refused.Load(), "who is not let in waits for a connection that is")
	t.Logf("%d mails over at most %d connections: %s, %.0f a second, %d tries were told to come again", mails, connections, took.Round(time.Millisecond), mails/took.Seconds(), refused.Load())
}
