package external

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
)

// What is told with every sign of life is bounded, and none changes what another has been told.
func TestLeasesAreBounded(t *testing.T) {
	at := time.Unix(1e9, 0).UTC()
	l := lease{Before: 2}
	var before []lease
	for n := range 30 {
		before = append(before, l)
		l = l.begin("ann", at, at.Add(time.Duration(n)*time.Second))
	}
	require.Len(t, l.Leases, contract.MaxLeases)
	for i, told := range l.Leases {
		require.Equal(t, contract.Lease{Number: 13 + i, Worker: "ann", At: at, Until: at.Add(time.Duration(10+i) * time.Second)}, told)
	}
	longer := l.extend(at.Add(time.Hour))
	require.Equal(t, at.Add(time.Hour), longer.Leases[19].Until)
	require.Equal(t, at.Add(29*time.Second), l.Leases[19].Until)
	for n, b := range before {
		require.Len(t, b.Leases, min(n, contract.MaxLeases))
		if n > 0 {
			require.Equal(t, 2+n, b.Leases[len(b.Leases)-1].Number)
		}
	}
	require.Len(t, lease{}.begin(strings.Repeat("€", 1000), at, at).Leases[0].Worker, contract.MaxWorker)
	require.Empty(t, lease{}.extend(at).Leases)
	require.Equal(t, l, leaseOf(l.payloads()))
}
