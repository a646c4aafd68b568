package activities

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/waybill-io/waybill/analytics/archive"
)

// archiveMetrics count what a worker takes into the archive.
type archiveMetrics struct {
	documents, blocks, failures prometheus.Counter
	staged, damaged, last       prometheus.Gauge
}

func newArchiveMetrics(r prometheus.Registerer) *archiveMetrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "waybill_archive_" + name, Help: help})
	}
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Name: "waybill_archive_" + name, Help: help})
	}
	m := &archiveMetrics{
		documents: counter("documents_total", "Documents that this worker took into the archive of events."),
		blocks:    counter("blocks_total", "Blocks of the archive of events that this worker wrote."),
		failures:  counter("move_failures_total", "Tries of this worker to take what is staged into the archive of events that failed."),
		staged:    gauge("staged_files", "Files that were staged when this worker last tried, at most 10,000."),
		damaged:   gauge("damaged_files", "Staged files that were damaged when this worker last tried; they stay where they are."),
		last:      gauge("last_move_seconds", "Unix time at which this worker last took all that was staged; 0: it has not."),
	}
	r.MustRegister(m.documents, m.blocks, m.failures, m.staged, m.damaged, m.last)
	return m
}

// moved counts a try.
func (m *archiveMetrics) moved(did archive.Moved, waiting int, counted bool, err error) {
	m.documents.Add(float64(did.Documents))
	m.blocks.Add(float64(did.Blocks))
	m.damaged.Set(float64(len(did.Damaged)))
	if counted {
		m.staged.Set(float64(waiting))
	}
	if err != nil {
		m.failures.Inc()
		return
	}
	m.last.SetToCurrentTime()
}
