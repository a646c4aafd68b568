package activities

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.temporal.io/sdk/worker"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/analytics"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/events"
)

// Sink is where documents go. Write returns an error only when all of them must be tried again: what cannot be written by itself is counted as
// dead, and told to the dead letters by the sink.
type Sink interface {
	Write(ctx context.Context, documents []events.Document) (analytics.Written, error)
}

// Graveyard keeps what cannot be read, for people. A sink that is none has it logged.
type Graveyard interface {
	BuryHistories(ctx context.Context, unread []analytics.Unreadable) error
}

// Stager keeps the documents of a block aside for the archive. The same name takes the place of what it was given before.
type Stager interface {
	Stage(ctx context.Context, block string, documents []events.Document) error
}

// IndexerSettings are what indexing needs to know.
type IndexerSettings struct {
	Namespace    string
	Expression   string        // of Quartz: when a pass begins
	BlockSize    int           // executions of a block
	LockTime     time.Duration // what a block may take
	Sweep        time.Duration // what a sweep through all running executions takes at least
	BlocksAtOnce int           // of one worker
	Renew        time.Duration // how often it is seen to that there is a schedule; 0: 10 minutes
	Archive      Stager        // nil: there is none
	MaxBatch     int           // documents of a write; 0: 5,000
	BlocksAtMost int           // of all workers; 0: 16
	Histories    int           // that a block reads at a time; 0: 8
}

const (
	defaultBlock     = 100
	defaultLock      = 10 * time.Minute
	defaultSweep     = 10 * time.Minute
	defaultCron      = "0/30 * * * * ?"
	blocksOfWorker   = 4
	blocksOfAll      = 16
	historiesOfBlock = 8
	documentsOfWrite = 5000
	// renewEvery is how often a worker sees to the schedule.
	renewEvery = 10 * time.Minute
)

// Indexer are the activities of indexing: plans, and blocks of executions whose events are read from histories and written to the index. It is
// safe for concurrent use.
type Indexer struct {
	client   *client.Client
	sink     Sink
	settings IndexerSettings
	logger   *slog.Logger
	metrics  *indexMetrics
	ended    *recentRuns
	lately   lately

	mu        sync.Mutex
	retention time.Duration
	asked     time.Time // for it, and for the workers
	workers   int
}

// NewIndexer returns the activities of indexing. It registers their metrics: a worker has it once.
func NewIndexer(c *client.Client, sink Sink, s IndexerSettings, r prometheus.Registerer, logger *slog.Logger) *Indexer {
	positive(&s.BlockSize, defaultBlock)
	positive(&s.BlocksAtOnce, blocksOfWorker)
	positive(&s.BlocksAtMost, blocksOfAll)
	positive(&s.Histories, historiesOfBlock)
	positive(&s.MaxBatch, documentsOfWrite)
	positive(&s.LockTime, defaultLock)
	positive(&s.Sweep, defaultSweep)
	positive(&s.Renew, renewEvery)
	if s.Expression == "" {
		s.Expression = defaultCron
	}
	return &Indexer{client: c, sink: sink, settings: s, logger: logger, metrics: newIndexMetrics(r), ended: newRecentRuns(endedRuns)}
}

func positive[T int | time.Duration](value *T, otherwise T) {
	if *value <= 0 {
		*value = otherwise
	}
}

// RegisterIndexer makes a worker of the queue of the indexer plan and index.
func RegisterIndexer(r worker.ActivityRegistry, x *Indexer) {
	register(r, contract.PlanIndexActivity, x.Plan)
	register(r, contract.IndexActivity, x.Index)
}

// Slots is how many activities a worker of the queue should have: its blocks, and a plan that must not wait for them.
func (x *Indexer) Slots() int { return x.settings.BlocksAtOnce + 2 }

// Begin starts the indexer and its schedule, where they are not there yet, and sees to it until ctx is done that they are: somebody may delete
// them, and a schedule with explicit days would run out of them.
func (x *Indexer) Begin(ctx context.Context) {
	for wait := time.Second; ctx.Err() == nil; {
		var known contract.IndexSetting
		err := x.tell(ctx, &known)
		if err == nil {
			err = x.client.StartIndexer(ctx, known)
		}
		if err == nil {
			err = x.renew(ctx)
		}
		pause := x.settings.Renew
		if err != nil && ctx.Err() == nil {
			x.logger.Warn("the indexer or its schedule cannot be seen to; it is tried again", "error", err)
			pause = wait
			wait = min(2*wait, time.Minute)
		} else {
			wait = time.Second
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// renew puts the schedule.
func (x *Indexer) renew(ctx context.Context) error {
	return CronSchedule{
		ID: contract.IndexScheduleID, Expression: x.settings.Expression, Workflow: contract.IndexTickWorkflow, TaskQueue: contract.ProcessQueue,
		Timeout: time.Minute, Summary: "has events indexed",
	}.Ensure(ctx, x.client.Temporal)
}

// endedRuns bounds what a worker remembers of executions whose history it has read to its end.
const endedRuns = 20_000

// recentRuns are runs that ended and are indexed: those that the overlap of two passes shows again need not be read again.
type recentRuns struct {
	mu        sync.Mutex
	most      int
	now, last map[string]bool // what is in last is forgotten when now is full
}

func newRecentRuns(most int) *recentRuns { return &recentRuns{most: most, now: map[string]bool{}} }

func (r *recentRuns) has(run string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now[run] || r.last[run]
}

func (r *recentRuns) add(run string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.now) >= r.most {
		r.last, r.now = r.now, map[string]bool{}
	}
	r.now[run] = true
}

var _ interface {
	Sink
	Graveyard
	Letters
} = (*analytics.Store)(nil)
