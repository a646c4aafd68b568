package gateway

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/waybill-io/waybill/external"
)

// watch tells the log and the metrics what is done with external tasks.
type watch struct {
	logger  *slog.Logger
	broker  *external.Broker
	deeds   *prometheus.CounterVec // by topic and outcome
	refused *prometheus.CounterVec // by topic and reason
	waiting *prometheus.Desc
	polls   *prometheus.Desc // by topic

	mu     sync.Mutex
	topics map[string]bool // that have had tasks
}

const (
	// shownTopics bounds the topics that metrics tell apart.
	shownTopics = 200
	otherTopics = "(other)" // no topic is shown like that
)

// outcomes are what is counted for what was done.
var outcomes = map[string]string{
	external.DeedFetch: "fetched", external.DeedComplete: "completed", external.DeedFail: "failed", external.DeedError: "bpmn-error", external.DeedExtend: "extended",
	external.DeedUnlock: "unlocked", external.DeedReturn: "returned", external.DeedLock: "locked",
	external.DeedRetries: "retries-set", external.DeedPriority: "priority-set",
}

// newWatch registers the metrics, when there are any.
func newWatch(logger *slog.Logger, r *prometheus.Registry, broker *external.Broker) *watch {
	w := &watch{
		logger: logger, broker: broker, topics: map[string]bool{},
		deeds: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "waybill_external_tasks_total", Help: "External tasks that this gateway was asked to do something with and did, by topic and outcome: fetched, completed, failed, bpmn-error, extended, unlocked, returned, locked (by its id), retries-set, priority-set.",
		}, []string{"topic", "outcome"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "waybill_external_refused_total", Help: "Calls about external tasks that this gateway refused, by topic and reason: no-token, forbidden, locked (another has the task), expired (the lock has run out), gone (the task is done, or its instance went on), full (too many wait), failed.",
		}, []string{"topic", "reason"}),
		waiting: prometheus.NewDesc("waybill_external_requests_waiting", "Requests for external tasks that wait at this gateway.", nil, nil),
		polls:   prometheus.NewDesc("waybill_external_topic_requests_waiting", "Requests that wait at this gateway for tasks of a topic. One for several topics counts for each.", []string{"topic"}, nil),
	}
	if w.logger == nil {
		w.logger = slog.New(slog.DiscardHandler)
	}
	if r != nil {
		r.MustRegister(w.deeds, w.refused, w)
	}
	return w
}

// Describe implements prometheus.Collector.
func (w *watch) Describe(to chan<- *prometheus.Desc) { to <- w.waiting; to <- w.polls }

// Collect implements prometheus.Collector.
func (w *watch) Collect(to chan<- prometheus.Metric) {
	all, topics := w.broker.Waiting()
	to <- prometheus.MustNewConstMetric(w.waiting, prometheus.GaugeValue, float64(all))
	shown := map[string]int{}
	for topic, n := range topics {
		shown[w.label(topic, false)] += n
	}
	for topic, n := range shown {
		to <- prometheus.MustNewConstMetric(w.polls, prometheus.GaugeValue, float64(n), topic)
	}
}

// label is how metrics name a topic. Those that have had tasks have names, so that nobody takes the places of others by asking for topics of his own.
func (w *watch) label(topic string, task bool) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if task && topic != "" && len(w.topics) < shownTopics {
		w.topics[topic] = true
	}
	if w.topics[topic] {
		return topic
	}
	return otherTopics
}

// told logs and counts what was done with a task.
func (w *watch) told(d external.Deed) {
	topic := w.label(d.Topic, d.Err == nil || d.What != external.DeedFetch)
	fields := []any{"user", d.By.Scope.User, "worker", short(d.By.Worker), "task", short(d.ID), "topic", d.Topic, "instance", d.Instance}
	if d.Err != nil {
		reason, level := reasonOf(d.Err)
		w.refused.WithLabelValues(topic, reason).Inc()
		w.logger.Log(context.Background(), level, "external task: refused to "+d.What+" it", append(fields, "error", d.Err)...)
		return
	}
	outcome := outcomes[d.What]
	w.deeds.WithLabelValues(topic, outcome).Inc()
	if !d.Until.IsZero() {
		fields = append(fields, "until", d.Until)
	}
	w.logger.Info("external task "+outcome, fields...)
}

// reasonOf is why something was refused, and how much that says. Workers go on with tasks that are done, and some never stop: that is no news.
func reasonOf(err error) (string, slog.Level) {
	_, locked := errors.AsType[*external.LockedError](err)
	switch {
	case errors.Is(err, external.ErrNotFound), errors.Is(err, external.ErrGone):
		return "gone", slog.LevelDebug
	case locked:
		return "locked", slog.LevelInfo
	case errors.Is(err, external.ErrExpired):
		return "expired", slog.LevelInfo
	case errors.Is(err, external.ErrNoToken):
		return "no-token", slog.LevelDebug
	case errors.Is(err, external.ErrForbidden):
		return "forbidden", slog.LevelWarn
	case errors.Is(err, external.ErrFull):
		return "full", slog.LevelWarn
	case errors.Is(err, context.Canceled):
		return "failed", slog.LevelDebug // the client has gone
	}
	return "failed", slog.LevelWarn
}

// notAdmitted logs and counts a caller who was not let in.
func (w *watch) notAdmitted(r *http.Request, err error) {
	reason, level := reasonOf(err)
	w.refused.WithLabelValues(otherTopics, reason).Inc()
	w.logger.Log(r.Context(), level, "external tasks: a caller is not let in", "path", short(r.URL.Path), "from", r.RemoteAddr, "error", err)
}

// short bounds what callers have in the log.
func short(text string) string {
	const most = 300
	if len(text) > most {
		return text[:most]
	}
	return text
}
