package activities

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	temporal "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
)

// slow answers as registries do, until it fails.
type slow struct {
	*registries
	fails   bool
	queries int
	bounded bool // the last query had an end
}

func (s *slow) QueryWorkflow(ctx context.Context, id, run, query string, args ...any) (converter.EncodedValue, error) {
	s.queries++
	end, ends := ctx.Deadline()
	s.bounded = ends && time.Until(end) <= askTimeout
	if s.fails {
		return nil, errors.New("no worker answers")
	}
	return s.registries.QueryWorkflow(ctx, id, run, query, args...)
}

var _ temporal.Client = (*slow)(nil)

// Rules that cannot be read are those of before, for as long as rules that were: not every alert asks, and waits.
func TestRulesThatCannotBeRead(t *testing.T) {
	s := &slow{registries: &registries{entries: map[string]map[string]any{contract.AlertRulesID: {
		"ops": map[string]any{"name": "ops", "actions": []any{map[string]any{"mail": map[string]any{"to": "ops@example.com"}}}},
	}}}}
	a := NewAlerter(&Deliverer{client: client.New(s)}, AlertSettings{}, prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	names := func() (names []string) {
		rules, err := a.current(t.Context(), false)
		require.NoError(t, err)
		for _, r := range rules {
			names = append(names, r.Name)
		}
		return names
	}
	require.Equal(t, []string{"ops"}, names())
	require.True(t, s.bounded)
	s.fails, a.read = true, time.Time{}
	for range 3 {
		require.Equal(t, []string{"ops"}, names())
	}
	require.Equal(t, 2, s.queries)
}
