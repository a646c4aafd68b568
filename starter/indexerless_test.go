package main

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
)

// DescribeTaskQueue has a worker that has just asked for work.
func (f *fakeTemporal) DescribeTaskQueue(context.Context, string, enums.TaskQueueType) (*workflowservice.DescribeTaskQueueResponse, error) {
	return polledAt(time.Now()), nil
}

func polledAt(at time.Time) *workflowservice.DescribeTaskQueueResponse {
	return &workflowservice.DescribeTaskQueueResponse{Pollers: []*taskqueue.PollerInfo{{LastAccessTime: timestamppb.New(at)}}}
}

type indexerless struct {
	fakeTemporal
	queue *workflowservice.DescribeTaskQueueResponse
}

func (f *indexerless) DescribeTaskQueue(context.Context, string, enums.TaskQueueType) (*workflowservice.DescribeTaskQueueResponse, error) {
	return f.queue, nil
}

// What would wait for ever for a worker is refused at once, with what to set.
func TestRebuildNeedsAnIndexer(t *testing.T) {
	for _, queue := range []*workflowservice.DescribeTaskQueueResponse{{}, polledAt(time.Now().Add(-4 * time.Minute))} {
		err := client.New(&indexerless{queue: queue}).StartRebuild(t.Context(), contract.GatherInput{})
		require.ErrorIs(t, err, client.ErrUnclaimed)
		require.ErrorContains(t, err, "elastic-search.server.type=rest")
	}
}
