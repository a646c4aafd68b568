package activities

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/waybill-io/waybill/mail/service"
)

// mailMetrics are what the email service has counted. Tenants are those of the settings, so there are few.
type mailMetrics struct{ service *service.Service }

// descriptions of the metrics.
func (mailMetrics) descriptions() (mails, success, failure *prometheus.Desc) {
	return prometheus.NewDesc("waybill_emails_total", "Mails of processes, tasks and alerts, by outcome: sent, repeated (of those sent: not at the first attempt), suppressed, refused, failed, uncertain (of those failed: the server may have taken it, and the next attempt brings it twice); and by the stage that those came to.",
			[]string{"tenant", "outcome", "stage"}, nil),
		prometheus.NewDesc("waybill_email_last_success_timestamp_seconds", "When a mail was last sent.", []string{"tenant"}, nil),
		prometheus.NewDesc("waybill_email_last_failure_timestamp_seconds", "When sending last failed because of the server or the settings.", []string{"tenant"}, nil)
}

// Describe implements prometheus.Collector.
func (m mailMetrics) Describe(c chan<- *prometheus.Desc) {
	mails, success, failure := m.descriptions()
	c <- mails
	c <- success
	c <- failure
}

// Collect implements prometheus.Collector.
func (m mailMetrics) Collect(c chan<- prometheus.Metric) {
	mails, success, failure := m.descriptions()
	for _, n := range m.service.Counts() {
		c <- prometheus.MustNewConstMetric(mails, prometheus.CounterValue, float64(n.Mails), n.Tenant, n.Outcome, n.Stage)
	}
	for _, s := range m.service.Status() {
		for desc, at := range map[*prometheus.Desc]time.Time{success: s.LastSuccess, failure: s.LastFailure} {
			if !at.IsZero() {
				c <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(at.UnixNano())/1e9, s.Tenant)
			}
		}
	}
}

var _ prometheus.Collector = mailMetrics{}
