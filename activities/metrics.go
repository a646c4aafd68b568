package activities

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics count what happens to mail. They have no labels that grow with the number of mailboxes: which one it is, its status tells.
type Metrics struct {
	groups     prometheus.Gauge
	connected  prometheus.Gauge
	stopped    prometheus.Gauge
	reconnects *prometheus.CounterVec // by cause
	mails      *prometheus.CounterVec // by outcome
	events     *prometheus.CounterVec // by outcome
	posts      *prometheus.CounterVec // by result
	fetched    prometheus.Histogram
	delivered  prometheus.Histogram
	lag        prometheus.Histogram
}

// Outcomes of a mail.
const (
	mailDelivered = "delivered" // to a process, a message or a webhook
	mailDuplicate = "duplicate"
	mailIgnored   = "ignored"
	mailDead      = "dead"
)

// eventEchoStopped counts echoes that did not go out because their sender had had too many. The other outcomes of events are those of mails.
const eventEchoStopped = "echo-stopped"

// NewMetrics registers the metrics. A worker has them once.
func NewMetrics(r prometheus.Registerer) *Metrics {
	// Mail takes from milliseconds to minutes.
	seconds := prometheus.ExponentialBuckets(0.005, 2, 16)
	m := &Metrics{
		groups: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "waybill_mailbox_groups", Help: "Groups of mailboxes that this worker holds.",
		}),
		connected: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "waybill_mailboxes_connected", Help: "Mailboxes that this worker has a connection to.",
		}),
		stopped: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "waybill_mailboxes_stopped", Help: "Mailboxes in the care of this worker that are not watched, because of errors.",
		}),
		reconnects: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "waybill_mailbox_reconnects_total", Help: "Connections to mailboxes that were lost or not made, by cause.",
		}, []string{"cause"}),
		mails: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "waybill_mails_total", Help: "Mails that were handled, by outcome: delivered, duplicate, ignored, dead.",
		}, []string{"outcome"}),
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "waybill_events_total", Help: "Events of connectors and timers, by outcome: delivered, ignored, dead, and echoes that were stopped: echo-stopped.",
		}, []string{"outcome"}),
		posts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "waybill_webhook_posts_total", Help: "Posts to webhooks, by result: accepted, refused, failed.",
		}, []string{"result"}),
		fetched: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "waybill_mail_fetch_seconds", Help: "Time to fetch a mail and store it.", Buckets: seconds,
		}),
		delivered: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "waybill_mail_delivery_seconds", Help: "Time to deliver a batch of stored mails.", Buckets: seconds,
		}),
		lag: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "waybill_mail_lag_seconds", Help: "Time from the arrival of a mail at its server until it was delivered.", Buckets: prometheus.ExponentialBuckets(0.1, 2, 20),
		}),
	}
	r.MustRegister(m.groups, m.connected, m.stopped, m.reconnects, m.mails, m.events, m.posts, m.fetched, m.delivered, m.lag)
	return m
}

// since observes how long something took.
func since(h prometheus.Histogram, begun time.Time) { h.Observe(time.Since(begun).Seconds()) }
