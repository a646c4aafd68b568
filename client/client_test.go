package client

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	sdk "go.temporal.io/sdk/temporal"

	"github.com/waybill-io/waybill/activities/contract"
)

func TestQuoteKeepsAFilterOneLiteral(t *testing.T) {
	require.Equal(t, `'plain'`, Literal("plain"))
	require.Equal(t, `'it\'s \\ done'`, Literal(`it's \ done`))
}

func TestStateClause(t *testing.T) {
	for _, state := range []string{"", "active", "suspended", "completed", "cancelled", "terminated", "failed"} {
		clause, err := stateClause(state)
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(clause, " AND "), clause)
	}
	_, err := stateClause("done")
	require.ErrorContains(t, err, `unknown state "done": active, suspended`)
}

func TestEndedState(t *testing.T) {
	require.Equal(t, "terminated", ended(enums.WORKFLOW_EXECUTION_STATUS_TERMINATED, contract.StateActive))
	require.Equal(t, "failed", ended(enums.WORKFLOW_EXECUTION_STATUS_TIMED_OUT, contract.StateActive))
	require.Equal(t, contract.StateCancelled, ended(enums.WORKFLOW_EXECUTION_STATUS_COMPLETED, contract.StateCancelled))
	require.Equal(t, contract.StateCompleted, ended(enums.WORKFLOW_EXECUTION_STATUS_COMPLETED, contract.StateActive))
}

func TestErrorsAreReadable(t *testing.T) {
	err := readable(sdk.NewNonRetryableApplicationError("the task is completed", "refused", nil))
	require.EqualError(t, err, "the task is completed")
	require.True(t, Refused(err))
	require.ErrorIs(t, readable(serviceerror.NewNotFound("workflow not found")), ErrNotFound)
	require.True(t, Refused(fmt.Errorf("start: %w", serviceerror.NewInvalidArgument("search attribute exceeds size limit"))), "Temporal would refuse it again")
	away := serviceerror.NewUnavailable("connection refused")
	require.False(t, Refused(readable(away)))
	require.NoError(t, readable(nil))
	require.Equal(t, errors.New("other"), readable(errors.New("other")))
}

func TestMailboxIsNeverConnectedWithoutProof(t *testing.T) {
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	for want, m := range map[string]Mailbox{
		"connected":  {Watch: contract.WatchStatus{Connected: true, LastAlive: now.Add(-time.Minute)}},
		"stale":      {Watch: contract.WatchStatus{Connected: true, LastAlive: now.Add(-time.Hour)}},
		"error":      {Watch: contract.WatchStatus{Cause: "the password was refused"}},
		"paused":     {MailboxState: contract.MailboxState{Paused: true}, Watch: contract.WatchStatus{Connected: true, LastAlive: now}},
		"connecting": {Connection: "connecting"},
	} {
		m.judge(now)
		require.Equal(t, want, m.Connection)
	}
}

func TestSummaryFitsTemporal(t *testing.T) {
	s := summary(contract.Definition{Key: "k", Name: strings.Repeat("ü", 300), Version: 3}, StartOptions{BusinessKey: "B"})
	require.LessOrEqual(t, len(s), 400)
	require.Equal(t, "k, version 3, B", summary(contract.Definition{Key: "k", Version: 3}, StartOptions{BusinessKey: "B"}))
}

func TestInstanceIDs(t *testing.T) {
	for id, want := range map[string]string{
		"order/12":        "",
		"a b'\"/%":        "",
		"task/mail-12":    "", // of a process with the id "task"
		"definition/task": "Waybill's own",
		"mailbox/support": "Waybill's own",
		"message/a/b":     "Waybill's own",
		"prüfung/1":       "plain ASCII",
		"a\nb":            "plain ASCII",
	} {
		err := checkID("task", id)
		if want == "" {
			require.NoError(t, err, id)
			continue
		}
		require.ErrorContains(t, err, want)
		require.True(t, Refused(err))
	}
	require.ErrorContains(t, checkID("p", strings.Repeat("x", 901)), "901 bytes, at most 900")
}

func TestMissingSearchAttributesNameTheCommand(t *testing.T) {
	command := createCommand("orders", map[string]enums.IndexedValueType{
		"WaybillState": enums.INDEXED_VALUE_TYPE_KEYWORD, "WaybillCandidates": enums.INDEXED_VALUE_TYPE_KEYWORD_LIST,
	})
	require.Equal(t, "  temporal operator search-attribute create --namespace orders"+
		" --name WaybillCandidates --type KeywordList --name WaybillState --type Keyword", command)
}

func TestMessageIsPublishedAgain(t *testing.T) {
	busy := &Error{Type: contract.Busy, Message: "try again"}
	ending := fmt.Errorf("failed workflow update: %w", serviceerror.NewWorkflowNotReady("unexpected workflow task failure"))
	require.True(t, again(busy, 100))
	require.True(t, again(ending, 4))
	require.False(t, again(ending, 5))
	require.False(t, again(&Error{Type: contract.NobodyWaits}, 1))
}
