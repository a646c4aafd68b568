package activities

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/analytics"
)

// Those who ask are told whether the index is away or refuses.
func TestIndexIsAway(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	answers := func(status int) string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		t.Cleanup(server.Close)
		return server.URL
	}
	for address, away := range map[string]bool{gone.URL: true, answers(503): true, answers(429): true, answers(401): false, answers(400): false} {
		store, err := analytics.Open(analytics.Config{Addresses: []string{address}})
		require.NoError(t, err)
		t.Cleanup(store.Close)
		letters, b := &deadLetters{letters: store}, &Rebuilder{store: store}
		var suite testsuite.WorkflowTestSuite
		env := suite.NewTestActivityEnvironment()
		for name, ask := range map[string]func(context.Context) error{
			"list":  func(ctx context.Context) error { _, err := letters.List(ctx, contract.IndexLettersQuery{}); return err },
			"retry": func(ctx context.Context) error { _, err := letters.Retry(ctx, []string{"1"}); return err },
			"drop":  func(ctx context.Context) error { _, err := letters.Drop(ctx, []string{"1"}); return err },
			"old":   func(ctx context.Context) error { _, err := b.DropReplaced(ctx, "acme"); return err },
			"export": func(ctx context.Context) error {
				_, err := b.Export(ctx, contract.ExportInput{Index: "tasks"})
				return err
			},
		} {
			env.RegisterActivityWithOptions(ask, activity.RegisterOptions{Name: name})
			_, err := env.ExecuteActivity(name)
			require.Error(t, err, name)
			application, ok := errors.AsType[*temporal.ApplicationError](err)
			require.Equal(t, away, ok && application.Type() == contract.IndexUnavailable, "%s: %v", name, err)
		}
	}
}
