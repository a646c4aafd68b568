package activities

import (
	"context"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/client"
)

func gauges(t *testing.T, c prometheus.Collector) map[string]float64 {
	t.Helper()
	r := prometheus.NewPedanticRegistry()
	require.NoError(t, r.Register(c))
	families, err := r.Gather()
	require.NoError(t, err)
	all := map[string]float64{}
	for _, f := range families {
		all[f.GetName()] = f.GetMetric()[0].GetGauge().GetValue()
	}
	return all
}

func TestAlertCollector(t *testing.T) {
	asked := 0
	c := newAlertCollector(func(context.Context) client.AlertHealth {
		asked++
		return client.AlertHealth{Status: "waiting", Groups: 5, Held: 1, Pending: 2, Since: time.Now().Add(-time.Hour), Failed: 3, Untold: 4}
	})
	got := gauges(t, c)
	require.InDelta(t, 3600, got["waybill_alerts_pending_seconds"], 60)
	delete(got, "waybill_alerts_pending_seconds")
	require.Equal(t, map[string]float64{
		"waybill_alerts_known": 1, "waybill_alerts_groups": 5, "waybill_alerts_held": 1, "waybill_alerts_pending": 2, "waybill_alerts_failed": 3, "waybill_alerts_untold": 4,
	}, got)
	gauges(t, c)
	require.Equal(t, 1, asked, "what was asked lasts some seconds")
	unknown := newAlertCollector(func(context.Context) client.AlertHealth { return client.AlertHealth{Status: "unknown"} })
	require.Equal(t, map[string]float64{"waybill_alerts_known": 0}, gauges(t, unknown), "what is not known is not shown as nothing")
}
