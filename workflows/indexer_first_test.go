package workflows

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
)

// A schedule that is paused before the first pass lets nothing begin, and people are told, as they are later.
func TestIndexerTellsThatTheFirstPassDoesNotBegin(t *testing.T) {
	x := newIndexing(t)
	x.at(14*time.Minute, func() { require.Nil(t, x.state().Alarm) })
	x.at(25*time.Minute, func() {
		require.NotNil(t, x.state().Alarm)
		require.Equal(t, contract.IndexFailing, x.state().Alarm.Code)
		require.Contains(t, x.state().Alarm.Reason, "no pass has begun since the indexer was started at 2026-03-02T12:00:00Z")
	})
	x.tick(30 * time.Minute)
	require.Nil(t, x.run(contract.IndexerState{}, 40*time.Minute).Alarm)
	require.Len(t, x.alerts, 1)

	// One that is paused by people, or whose first pass is to begin later, is no trouble.
	x = newIndexing(t)
	require.Nil(t, x.run(contract.IndexerState{Paused: true}, time.Hour).Alarm)
	x = newIndexing(t)
	state := contract.IndexerState{Settings: testSettings}
	state.Settings.Next = x.began.Add(2 * time.Hour)
	x.at(125*time.Minute, func() { require.Nil(t, x.state().Alarm) })
	x.at(143*time.Minute, func() {
		require.NotNil(t, x.state().Alarm)
		require.Contains(t, x.state().Alarm.Reason, "the one that was to begin at 2026-03-02T14:00:00Z")
	})
	x.run(state, 144*time.Minute)
	require.Len(t, x.alerts, 1)
}
