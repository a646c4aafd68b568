package activities

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
)

const (
	// noteEvery is how often notes are sent: each signal costs the indexer's workflow a task, and events are to be seen five seconds after a pass
	// begins, at the latest.
	noteEvery = 2 * time.Second
	// notesKept bounds what a worker has noted and not sent.
	notesKept = 20_000
	// notesSent and notesSize bound the executions of a signal, by number and by bytes of their ids.
	notesSent = 5000
	notesSize = 250_000
	// noteTimeout bounds a signal.
	noteTimeout = 10 * time.Second
)

// Notebook holds which executions recorded events of late, until the indexer is told of those that still run: no index of Temporal tells that
// they moved. It is a shortcut, and may lose what it holds: a sweep of the indexer finds that.
type Notebook struct {
	send    func(context.Context, contract.Moved) error
	logger  *slog.Logger
	now     func() time.Time
	lost    prometheus.Counter
	every   time.Duration
	most    int
	trouble bool // the last signal failed

	mu      sync.Mutex
	notes   map[string]note // by run
	dropped int64           // since the last signal that arrived
}

type note struct {
	id string
	at time.Time
}

// NewNotebook returns the notebook of a worker. It registers its metric: a worker has it once.
func NewNotebook(c *client.Client, r prometheus.Registerer, logger *slog.Logger) *Notebook {
	n := newNotebook(c.TellMoved, logger)
	r.MustRegister(n.lost)
	return n
}

func newNotebook(send func(context.Context, contract.Moved) error, logger *slog.Logger) *Notebook {
	return &Notebook{
		send: send, logger: logger, now: time.Now, every: noteEvery, most: notesKept, notes: map[string]note{},
		lost: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "waybill_index_notes_dropped_total", Help: "Executions that moved and that this worker had no room to note: a sweep of the indexer finds them.",
		}),
	}
}

// Moved notes that an execution recorded events; one that ended with them needs no note. Workflow code calls it: it neither
// blocks nor fails.
func (n *Notebook) Moved(id, run string, ended bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if ended {
		delete(n.notes, run)
		return
	}
	if _, known := n.notes[run]; known {
		return
	}
	if len(n.notes) >= n.most {
		n.dropped++
		n.lost.Inc()
		return
	}
	at := n.now()
	n.notes[run] = note{id: id, at: at}
}

// Run sends notes until ctx is done, and then those that are left.
func (n *Notebook) Run(ctx context.Context) {
	ticker := time.NewTicker(n.every)
	defer ticker.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-ticker.C:
			n.flush(ctx)
		}
	}
}

// Flush sends what is left, when the worker's workflows have ended their work.
func (n *Notebook) Flush() {
	ctx, cancel := context.WithTimeout(context.Background(), noteTimeout)
	defer cancel()
	n.flush(ctx)
}

// flush sends all notes, in signals of bounded size. What cannot be sent stays.
func (n *Notebook) flush(ctx context.Context) {
	for ctx.Err() == nil {
		batch, taken := n.take()
		if len(batch.Executions) == 0 {
			return
		}
		sending, cancel := context.WithTimeout(ctx, noteTimeout)
		err := n.send(sending, batch)
		cancel()
		if err != nil {
			n.putBack(batch, taken)
			if !n.trouble && ctx.Err() == nil {
				n.logger.Warn("the indexer is not told of what moved; it is tried again", "executions", len(batch.Executions), "error", err)
			}
			n.trouble = true
			return
		}
		n.trouble = false
	}
}

// take removes notes for a signal.
func (n *Notebook) take() (contract.Moved, map[string]note) {
	n.mu.Lock()
	defer n.mu.Unlock()
	batch, taken, size := contract.Moved{Dropped: n.dropped}, map[string]note{}, 0
	oldest := n.now()
	for run, note := range n.notes {
		if len(taken) > 0 && (len(taken) >= notesSent || size+len(note.id)+len(run) > notesSize) {
			break
		}
		size += len(note.id) + len(run)
		taken[run] = note
		delete(n.notes, run)
		batch.Executions = append(batch.Executions, contract.Execution{ID: note.id, Run: run})
		if note.at.Before(oldest) {
			oldest = note.at
		}
	}
	batch.AgeMS, batch.At = max(n.now().Sub(oldest).Milliseconds(), 0), oldest.UnixMilli()
	if len(taken) > 0 {
		n.dropped = 0
	}
	return batch, taken
}

func (n *Notebook) putBack(batch contract.Moved, taken map[string]note) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.dropped += batch.Dropped
	for run, old := range taken {
		if _, known := n.notes[run]; !known && len(n.notes) >= n.most {
			n.dropped++
			n.lost.Inc()
			continue
		}
		n.notes[run] = old
	}
}
