package e2e_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
)

// TestTasksCompleted has people answer urgent mail while the only worker is killed.
func TestTasksCompleted(t *testing.T) {
	t.Parallel()
	i := install(t, options{})
	w := i.startWorker()
	i.deploy()
	i.watch()
	var all []letter
	for n := range 10 {
		all = append(all, urgent(n))
	}
	i.receive(all...)
	i.handled(all)
	tasks, err := i.client.Tasks(t.Context(), client.TaskFilter{Candidates: []string{"support"}})
	require.NoError(t, err)
	require.Len(t, tasks, len(all))

	sent := i.attempts.Load()
	var people errgroup.Group
	for _, task := range tasks {
		people.Go(func() error {
			_, err := i.client.CompleteTask(t.Context(), task.ID, contract.CompleteTask{Variables: map[string]any{"answer": "It works again."}})
			return err
		})
	}
	i.eventually(func() string { return "no answer goes out" }, func() bool { return i.attempts.Load() > sent })
	w.kill()
	i.startWorker()
	require.NoError(t, people.Wait())
	i.eventually(func() string { return "cases are left open" }, func() bool { return len(i.list(contract.StateCompleted)) == len(all) })
	for _, l := range all {
		answers := map[string]bool{}
		for _, a := range i.inbox(l.customer) {
			require.Equal(t, l.messageID, a.Get("In-Reply-To"))
			answers[a.Get("Message-ID")] = true
		}
		require.Len(t, answers, 1, "answers to %s", l.messageID)
	}
}
