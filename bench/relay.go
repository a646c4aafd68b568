package main

import (
	"bytes"
	"crypto/tls"
	"io"
	"net/http"
	netmail "net/mail"
	"sync"
	"time"

	"encoding/json"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

// login connects a bare client.
func (m *mailway) login(user string, handler *imapclient.UnilateralDataHandler) (*imapclient.Client, error) {
	c, err := imapclient.DialTLS(m.address(), &imapclient.Options{
		TLSConfig: &tls.Config{RootCAs: m.dovecot.RootCAs, ServerName: m.dovecot.Host}, UnilateralDataHandler: handler,
	})
	if err != nil {
		return nil, err
	}
	if err := c.Login(user, mailboxPassword).Wait(); err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}

// relays posts the mail of each mailbox to the sink as soon as it comes, from a UID on: what a program of a hundred lines does that
// remembers nothing.
func (m *mailway) relays(mailboxes int, from imap.UID) (stop func(), err error) {
	var clients []*imapclient.Client
	var running sync.WaitGroup
	stop = func() {
		for _, c := range clients {
			_ = c.Close()
		}
		running.Wait()
	}
	for n := range mailboxes {
		news := make(chan struct{}, 1)
		c, err := m.login(m.user(n), &imapclient.UnilateralDataHandler{Mailbox: func(*imapclient.UnilateralDataMailbox) {
			select {
			case news <- struct{}{}:
			default:
			}
		}})
		if err != nil {
			stop()
			return nil, err
		}
		clients = append(clients, c)
		next := from
		if from > 1 { // those that came before
			data, err := c.Select(inbox, nil).Wait()
			if err != nil {
				stop()
				return nil, err
			}
			next = data.UIDNext
		}
		running.Add(1)
		go func() {
			defer running.Done()
			m.relay(c, next, news)
		}()
	}
	return stop, nil
}

func (m *mailway) relay(c *imapclient.Client, next imap.UID, news <-chan struct{}) {
	if _, err := c.Select(inbox, nil).Wait(); err != nil {
		return
	}
	for {
		var range_ imap.UIDSet
		range_.AddRange(next, next+49)
		section := &imap.FetchItemBodySection{Peek: true}
		messages, err := c.Fetch(range_, &imap.FetchOptions{UID: true, BodySection: []*imap.FetchItemBodySection{section}}).Collect()
		if err != nil {
			return
		}
		for _, message := range messages {
			if m.post(message.FindBodySection(section)) != nil {
				return
			}
			next = message.UID + 1
		}
		if len(messages) > 0 {
			continue
		}
		idle, err := c.Idle()
		if err != nil {
			return
		}
		select {
		case <-news:
		case <-time.After(time.Minute):
		}
		if idle.Close() != nil || idle.Wait() != nil {
			return
		}
	}
}

func (m *mailway) post(raw []byte) error {
	message, err := netmail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return err
	}
	body, err := json.Marshal(map[string]string{"subject": message.Header.Get("Message-ID"), "raw": string(raw)})
	if err != nil {
		return err
	}
	answer, err := http.Post(m.sink.URL, "application/json", bytes.NewReader(body))
	if err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	return answer.Body.Close()
}
