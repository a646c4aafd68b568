package client

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
)

func TestAlertHealth(t *testing.T) {
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	sending := func(ago time.Duration) *contract.AlertSending { return &contract.AlertSending{Since: now.Add(-ago)} }
	for name, tc := range map[string]struct {
		groups []*contract.AlertGroup
		silent bool
		want   AlertHealth
	}{
		"nothing":       {nil, false, AlertHealth{Status: "ok"}},
		"on its way":    {[]*contract.AlertGroup{{Sending: sending(time.Second)}}, false, AlertHealth{Status: "ok", Groups: 1, Pending: 1, Since: now.Add(-time.Second)}},
		"held":          {[]*contract.AlertGroup{{Held: true}}, false, AlertHealth{Status: "ok", Groups: 1, Held: 1}},
		"waits":         {[]*contract.AlertGroup{{Sending: sending(time.Second)}, {Sending: sending(time.Hour)}}, false, AlertHealth{Status: "waiting", Groups: 2, Pending: 2, Since: now.Add(-time.Hour)}},
		"given up":      {[]*contract.AlertGroup{{Result: "mails sent: 0; failed: a mail: no route", Failed: true}}, false, AlertHealth{Status: "failing", Groups: 1}},
		"sent again":    {[]*contract.AlertGroup{{Result: "mails sent: 1; done: started failed: x"}}, false, AlertHealth{Status: "ok", Groups: 1}},
		"a failed test": {[]*contract.AlertGroup{{Result: "failed: x", Failed: true, Test: true}}, false, AlertHealth{Status: "ok", Groups: 1}},
		"nobody's":      {[]*contract.AlertGroup{{}, {}}, true, AlertHealth{Status: "ok", Groups: 2, Untold: 2}},
	} {
		t.Run(name, func(t *testing.T) {
			got := alertHealth([]contract.AlertsState{{Rule: "r", Groups: tc.groups, Policy: contract.AlertPolicy{Silent: tc.silent}}}, now)
			require.Equal(t, tc.want.Status == "ok", got.Cause == "")
			got.Cause = ""
			require.Equal(t, tc.want, got)
		})
	}
}

func TestCredentialsEndSoon(t *testing.T) {
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	for name, tc := range map[string]struct {
		lasts, left int // days
		want        bool
	}{
		"long yet": {90, 20, false}, "two weeks": {90, 14, true}, "ended": {90, -1, true}, "refreshed": {90, 90, false}, "of ten days": {10, 9, false},
		"of ten days, in a week": {10, 7, true},
	} {
		t.Run(name, func(t *testing.T) {
			c := Credential{}
			c.RefreshExpires = now.AddDate(0, 0, tc.left)
			c.RefreshIssued = c.RefreshExpires.AddDate(0, 0, -tc.lasts)
			require.Equal(t, tc.want, c.ends(now))
			c.Revoked = true
			require.False(t, c.ends(now))
		})
	}
	require.False(t, (&Credential{}).ends(now), "one without a refresh token")
}
