package client

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/connectors/trigger"
)

func TestCatchUp(t *testing.T) {
	for want, timer := range map[time.Duration]trigger.Timer{
		time.Hour:           {Every: time.Second},
		150 * time.Minute:   {Every: 15 * time.Minute},
		10 * 24 * time.Hour: {Every: 24 * time.Hour},
		24 * time.Hour:      {Cron: "* * * * *"},
	} {
		require.Equal(t, want, catchUp(timer), timer)
	}
}
