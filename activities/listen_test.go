package activities

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/connectors"
)

// wire is a connector whose connection breaks after each event.
type wire struct {
	connectors.Connector
	events []connectors.Event
	panics int // how often it panics yet

	mu    sync.Mutex
	taken []string
	empty chan struct{} // closed when all are taken
}

func (*wire) Definition() *connectors.Definition {
	return connectors.MustParseDefinition("wire.json", []byte(`{"name":"wire","template":"telegraph","events":{"1":{"id":"1","name":"CAME"}}}`))
}

// Listen tells of the first event that was not taken, as a broker does that delivers again.
func (w *wire) Listen(ctx context.Context, emit func(context.Context, connectors.Event) error) error {
	w.mu.Lock()
	n := len(w.taken)
	w.panics--
	panics := w.panics >= 0
	w.mu.Unlock()
	if panics {
		panic("the frame is malformed")
	}
	if n == len(w.events) {
		<-ctx.Done()
		return ctx.Err()
	}
	if err := emit(ctx, w.events[n]); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.taken = append(w.taken, w.events[n].ID); len(w.taken) == len(w.events) {
		close(w.empty)
	}
	return errors.New("the connection broke")
}

// post is where events are stored.
type post struct {
	mu     sync.Mutex
	away   int // how often it fails yet
	stored []string
	buried []string
}

func (p *post) Emit(_ context.Context, instance, template string, e connectors.Event) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.away > 0 {
		p.away--
		return false, errors.New("Temporal is away")
	}
	if e.ID == "large" {
		return false, &client.Error{Type: client.TooLarge, Message: "too large"}
	}
	p.stored = append(p.stored, instance+" "+template+" "+e.ID)
	return true, nil
}

func (p *post) Bury(_ context.Context, instance string, e connectors.Event, reason string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.buried = append(p.buried, instance+" "+e.ID+": "+reason)
	return nil
}

// A connector listens again whenever its connection breaks, or its code panics, and what cannot be stored is not acknowledged; what never can be is a dead
// letter that holds nothing up.
func TestListen(t *testing.T) {
	w := &wire{events: []connectors.Event{{Name: "CAME", ID: "1"}, {Name: "CAME", ID: "large"}, {Name: "CAME", ID: "3"}}, panics: 2, empty: make(chan struct{})}
	p := &post{away: 2}
	var told bytes.Buffer
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		l := &listening{connector: w, to: p, log: slog.New(slog.NewTextHandler(&told, nil)), first: time.Millisecond, longest: 2 * time.Millisecond}
		l.run(ctx)
	}()
	<-w.empty
	cancel()
	<-ended
	require.Equal(t, []string{"1", "large", "3"}, w.taken)
	require.Equal(t, []string{"wire telegraph 1", "wire telegraph 3"}, p.stored)
	require.Equal(t, []string{"wire large: too large"}, p.buried)
	require.Contains(t, told.String(), "the frame is malformed")
	require.Contains(t, told.String(), "listen_test.go", "the place of the panic")
}

func TestListenStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		Listen(ctx, &wire{}, &post{}, slog.New(slog.DiscardHandler))
	}()
	cancel()
	<-ended
}
