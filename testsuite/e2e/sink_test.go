package e2e_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/mail/webhook"
)

// sink is a program that a webhook tells of mail.
type sink struct {
	t       *testing.T
	address string
	server  *http.Server
	served  chan struct{}

	mu    sync.Mutex
	told  map[string]map[string]bool // delivery ids, by Message-ID
	posts int
}

// startSink starts a sink on a free address, which it keeps.
func (i *installation) startSink() {
	i.t.Helper()
	i.sink = &sink{t: i.t, address: "127.0.0.1:0", told: map[string]map[string]bool{}}
	i.sink.up()
	i.t.Cleanup(i.sink.down)
}

func (s *sink) up() {
	s.t.Helper()
	listener, err := net.Listen("tcp", s.address)
	require.NoError(s.t, err)
	server, served := &http.Server{Handler: s}, make(chan struct{})
	s.address, s.server, s.served = listener.Addr().String(), server, served
	go func() {
		defer close(served)
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			s.t.Error(err)
		}
	}()
}

// down cuts connections off, those with a mail under way, too.
func (s *sink) down() {
	_ = s.server.Close()
	<-s.served
}

func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var event struct {
		Data struct{ MessageID string }
	}
	if err := json.NewDecoder(r.Body).Decode(&event); err != nil {
		w.WriteHeader(http.StatusBadRequest) // cut off
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.posts++
	ids := s.told[event.Data.MessageID]
	if ids == nil {
		ids = map[string]bool{}
		s.told[event.Data.MessageID] = ids
	}
	ids[r.Header.Get(webhook.HeaderID)] = true
}

// ids counts delivery ids.
func (s *sink) ids() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, ids := range s.told {
		n += len(ids)
	}
	return n
}

// count is how many mails it was told of.
func (s *sink) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.told)
}

// subscribe has the sink told of all mail of the mailbox.
func (i *installation) subscribe() {
	i.t.Helper()
	document, err := json.Marshal(webhook.Subscription{Name: "sink", URL: "http://" + i.sink.address, Unsigned: true})
	require.NoError(i.t, err)
	require.NoError(i.t, i.client.PutWebhook(i.t.Context(), mailbox, "sink", document))
}

// toldOf waits until the sink was told of all mails, and fails the test when it was told of others, or of one by several ids.
func (i *installation) toldOf(all []letter) {
	i.t.Helper()
	i.eventually(func() string { return fmt.Sprintf("the webhook was told of %d mails of %d", i.sink.count(), len(all)) },
		func() bool { return i.sink.count() >= len(all) })
	i.sink.mu.Lock()
	defer i.sink.mu.Unlock()
	require.Len(i.t, i.sink.told, len(all))
	for _, l := range all {
		require.Len(i.t, i.sink.told[l.messageID], 1, "delivery ids of mail %s", l.messageID)
	}
	i.t.Logf("the webhook was told of %d mails; %d were told again, with the same delivery id", len(all), i.sink.posts-len(all))
}
