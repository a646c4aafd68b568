package activities

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
)

// indexMetrics count what a worker indexes.
type indexMetrics struct {
	documents  *prometheus.CounterVec // by outcome
	executions *prometheus.CounterVec // by outcome
	write      prometheus.Histogram
	block      prometheus.Histogram
	dead       prometheus.Counter
	unstaged   prometheus.Counter
}

func newIndexMetrics(r prometheus.Registerer) *indexMetrics {
	seconds := prometheus.ExponentialBuckets(0.005, 2, 16)
	m := &indexMetrics{
		documents: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "waybill_index_documents_total", Help: "Documents of events that this worker wrote, by outcome: written, known (the index has it, or a newer one), dead.",
		}, []string{"outcome"}),
		executions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "waybill_index_executions_total", Help: "Executions that this worker looked at for events, by outcome: read, told (by their memo, and not read), known (read to its end before), gone (deleted by Temporal), dead.",
		}, []string{"outcome"}),
		write: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "waybill_index_write_seconds", Help: "Time of a bulk write.", Buckets: seconds,
		}),
		block: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "waybill_index_block_seconds", Help: "Time to index a block of executions.", Buckets: seconds,
		}),
		dead: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "waybill_index_dead_letters_total", Help: "Documents and histories that became dead letters.",
		}),
	}
	m.unstaged = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "waybill_archive_stage_failures_total", Help: "Writes of documents for the archive of events that failed; the block is tried again.",
	})
	r.MustRegister(m.documents, m.executions, m.write, m.block, m.dead, m.unstaged)
	return m
}

// indexCollector shows how the indexer stands when somebody looks. All workers show the same.
type indexCollector struct {
	ask func(context.Context) (contract.IndexerState, error)

	mu    sync.Mutex
	last  contract.IndexerState
	err   error
	asked time.Time

	lag, sweep, notes, dropped, paused, up *prometheus.Desc
}

// NewIndexCollector returns the metrics of the indexer's workflow.
func NewIndexCollector(c *client.Client) prometheus.Collector {
	return newIndexCollector(c.IndexerState)
}

func newIndexCollector(ask func(context.Context) (contract.IndexerState, error)) *indexCollector {
	describe := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc("waybill_index_"+name, help, nil, nil)
	}
	return &indexCollector{
		ask:     ask,
		lag:     describe("lag_seconds", "Age of the oldest event that may not be in the index."),
		sweep:   describe("sweep_age_seconds", "Time since the beginning of the last complete sweep through all running executions; of the indexer's own beginning before the first."),
		notes:   describe("notes", "Executions that moved and wait for a pass."),
		dropped: describe("notes_refused_total", "Notes of executions that the indexer had no room for, or its workers: a sweep finds what they told."),
		paused:  describe("paused", "1 while the indexer is paused."),
		up:      describe("known", "1 when the indexer could be asked, else 0."),
	}
}

func (c *indexCollector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.lag, c.sweep, c.notes, c.dropped, c.paused, c.up} {
		to <- d
	}
}

func (c *indexCollector) Collect(to chan<- prometheus.Metric) {
	s, err := c.state()
	tell := func(d *prometheus.Desc, kind prometheus.ValueType, value float64) {
		to <- prometheus.MustNewConstMetric(d, kind, value)
	}
	if err != nil {
		tell(c.up, prometheus.GaugeValue, 0)
		return
	}
	swept, paused := s.Swept, 0.0
	if swept.IsZero() {
		swept = s.Created
	}
	if s.Paused {
		paused = 1
	}
	tell(c.up, prometheus.GaugeValue, 1)
	tell(c.lag, prometheus.GaugeValue, client.IndexLag(s, time.Now()).Seconds())
	tell(c.sweep, prometheus.GaugeValue, max(time.Since(swept).Seconds(), 0))
	tell(c.notes, prometheus.GaugeValue, float64(s.Waiting))
	tell(c.dropped, prometheus.CounterValue, float64(s.Dropped))
	tell(c.paused, prometheus.GaugeValue, paused)
}

func (c *indexCollector) state() (contract.IndexerState, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.asked) > healthLasts {
		ctx, cancel := context.WithTimeout(context.Background(), healthTimeout)
		defer cancel()
		c.last, c.err = c.ask(ctx)
		c.asked = time.Now()
	}
	return c.last, c.err
}

var _ prometheus.Collector = (*indexCollector)(nil)
