package activities

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/waybill-io/waybill/client"
)

const (
	// healthLasts is how long what the workflows of rules said is shown: many may scrape.
	healthLasts = 15 * time.Second
	// healthTimeout bounds what a scrape waits for them.
	healthTimeout = 3 * time.Second
)

// alertCollector shows what the workflows of rules hold when somebody looks. All workers show the same.
type alertCollector struct {
	ask func(context.Context) client.AlertHealth

	mu    sync.Mutex
	last  client.AlertHealth
	asked time.Time

	groups, held, pending, age, failed, untold, up *prometheus.Desc
}

// NewAlertCollector returns the metrics of messages that are on their way.
func NewAlertCollector(c *client.Client) prometheus.Collector {
	return newAlertCollector(c.AlertHealth)
}

func newAlertCollector(ask func(context.Context) client.AlertHealth) *alertCollector {
	describe := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc("waybill_alerts_"+name, help, nil, nil)
	}
	return &alertCollector{
		ask:     ask,
		groups:  describe("groups", "Groups of alerts that are open, of all workers."),
		held:    describe("held", "Groups of alerts that wait for the end of quiet hours."),
		pending: describe("pending", "Messages about alerts that are on their way."),
		age:     describe("pending_seconds", "How long the oldest of them has been on its way: a broken mail server shows here."),
		failed:  describe("failed", "Messages about alerts that were given up, of the rules with open groups."),
		untold:  describe("untold", "Groups of alerts that no rule takes: nobody is told."),
		up:      describe("known", "1 when the other figures could be asked for, else 0."),
	}
}

func (c *alertCollector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.groups, c.held, c.pending, c.age, c.failed, c.untold, c.up} {
		to <- d
	}
}

func (c *alertCollector) Collect(to chan<- prometheus.Metric) {
	h := c.health()
	gauge := func(d *prometheus.Desc, value float64) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value)
	}
	if h.Status == "unknown" {
		gauge(c.up, 0)
		return
	}
	age := 0.0
	if !h.Since.IsZero() {
		age = max(time.Since(h.Since).Seconds(), 0)
	}
	gauge(c.up, 1)
	gauge(c.groups, float64(h.Groups))
	gauge(c.held, float64(h.Held))
	gauge(c.pending, float64(h.Pending))
	gauge(c.age, age)
	gauge(c.failed, float64(h.Failed))
	gauge(c.untold, float64(h.Untold))
}

func (c *alertCollector) health() client.AlertHealth {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.asked) > healthLasts {
		ctx, cancel := context.WithTimeout(context.Background(), healthTimeout)
		defer cancel()
		c.last, c.asked = c.ask(ctx), time.Now()
	}
	return c.last
}

var _ prometheus.Collector = (*alertCollector)(nil)
