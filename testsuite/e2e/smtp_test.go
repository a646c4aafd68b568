package e2e_test

import (
	"context"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/emersion/go-smtp"
	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
)

// starter runs the command line and reads what it prints.
func (i *installation) starter(result any, args ...string) {
	i.t.Helper()
	dir, err := programs()
	require.NoError(i.t, err)
	cmd := exec.Command(filepath.Join(dir, "starter"), append(args, "--temporal-address", i.temporal.Address, "--output", "json")...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	stdout, err := cmd.Output()
	require.NoError(i.t, err, "%v: %s%s", args, stdout, &stderr)
	require.NoError(i.t, json.Unmarshal(stdout, result), "%v: %s", args, stdout)
}

// TestOutgoingServerAway takes the server for the answers away while they are due.
func TestOutgoingServerAway(t *testing.T) {
	t.Parallel()
	i := install(t, options{})
	i.startWorker()
	i.deploy()
	i.watch()
	all := letters(20)
	address := i.outgoing.SMTPAddr()
	require.NoError(t, i.outgoing.Close(context.Background()))
	i.receive(all...)
	retried := func() (calls int) {
		for _, c := range i.list(contract.StateActive) {
			d, err := i.client.Temporal.DescribeWorkflowExecution(t.Context(), c.ID, "")
			require.NoError(t, err)
			for _, a := range d.GetPendingActivities() {
				if a.GetAttempt() > 1 {
					require.Equal(t, "there is no connection to the mail server", a.GetLastFailure().GetMessage())
					calls++
				}
			}
		}
		return calls
	}
	i.eventually(func() string { return "not every answer and notice is tried again" }, func() bool { return retried() == 20 })
	require.Empty(t, i.list(contract.StateSuspended))
	i.startOutgoing(address)
	i.handled(all)
}

// TestMailRefused has the server for the answers refuse two customers for good, until an operator acts.
func TestMailRefused(t *testing.T) {
	t.Parallel()
	i := install(t, options{})
	i.startWorker()
	i.deploy()
	i.watch()
	mended, gone, other := routine(1), routine(2), routine(3)
	refuse := func(recipient string) error {
		if recipient == mended.customer || recipient == gone.customer {
			return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such user"}
		}
		return nil
	}
	i.refuse.Store(&refuse)
	i.receive(mended, gone, other)
	i.eventually(func() string { return "no two cases are suspended" }, func() bool {
		return len(i.list(contract.StateSuspended)) == 2 && len(i.list(contract.StateCompleted)) == 1
	})
	require.EqualValues(t, 3, i.attempts.Load(), "what is refused for good is not tried again")
	ids := map[string]string{}
	for _, c := range i.list(contract.StateSuspended) {
		ids[c.BusinessKey] = c.ID
		result, err := i.client.Get(t.Context(), c.ID)
		require.NoError(t, err)
		require.Equal(t, contract.StateSuspended, result.State)
		require.Len(t, result.Incidents, 1)
		require.Equal(t, "acknowledge", result.Incidents[0].Element)
		require.Equal(t, "EMAIL_SEND_ERROR", result.Incidents[0].Code)
		require.Contains(t, result.Incidents[0].Message, "550 5.1.1")
	}
	require.Len(t, i.inbox(other.customer), 1)

	var open []struct{ Instance, Code string }
	i.starter(&open, "incident", "list", "--key", supportDesk)
	require.Len(t, open, 2)
	require.Equal(t, "EMAIL_SEND_ERROR", open[0].Code)
	i.refuse.Store(nil)
	var result contract.ProcessResult
	i.starter(&result, "incident", "retry", ids[mended.customer])
	require.Equal(t, ids[mended.customer], result.ID)
	i.starter(&result, "incident", "resolve", ids[gone.customer])
	require.Equal(t, contract.StateCompleted, result.State)
	i.eventually(func() string { return "the cases do not end" }, func() bool { return len(i.list(contract.StateCompleted)) == 3 })
	i.starter(&open, "incident", "list", "--key", supportDesk)
	require.Empty(t, open)
	require.Len(t, i.inbox(mended.customer), 1)
	require.Empty(t, i.inbox(gone.customer))
}
