package activities

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/client"
)

func TestAlertCollector(t *testing.T) {
	asked := 0
	c := newAlertCollector(func(context.Context) client.AlertHealth {
		asked++
		return client.AlertHealth{Status: "waiting", Groups: 5, Held: 1, Pending: 2, Since: time.Now().Add(-time.Hour), Failed: 3, Untold: 4}
	})
	require.NoError(t, testutil.CollectAndCompare(c, strings.NewReader(`
# HELP waybill_alerts_groups Groups of alerts that are open, of all workers.
# TYPE waybill_alerts_groups gauge
waybill_alerts_groups 5
# HELP waybill_alerts_pending Messages about alerts that are on their way.
# TYPE waybill_alerts_pending gauge
waybill_alerts_pending 2
# HELP waybill_alerts_untold Groups of alerts that no rule takes: nobody is told.
# TYPE waybill_alerts_untold gauge
waybill_alerts_untold 4
`), "waybill_alerts_groups", "waybill_alerts_pending", "waybill_alerts_untold"))
	require.Equal(t, 7, testutil.CollectAndCount(c))
	require.Equal(t, 1, asked, "what was asked lasts some seconds")
	unknown := newAlertCollector(func(context.Context) client.AlertHealth { return client.AlertHealth{Status: "unknown"} })
	require.Equal(t, 1, testutil.CollectAndCount(unknown), "what is not known is not shown as nothing")
}
