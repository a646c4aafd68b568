package app

import (
	"context"
	"errors"

	"github.com/prometheus/client_golang/prometheus"
	"go.temporal.io/sdk/worker"

	"github.com/waybill-io/waybill/activities"
	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/workflows"
)

// reports bounds the questions to the index that a worker answers at a time.
const reports = 20

// Indexing says where events go.
type Indexing struct {
	// Sink takes documents, of role Indexer; nil where only others have that role: then the worker tells them what moved.
	Sink     activities.Sink
	Settings activities.IndexerSettings // New adds the namespace and the archive
	Rebuilds activities.RebuildSettings // and whether there is an archive
}

// recording says how workflows record events, and that the indexer is told of what moves.
func (a *App) recording(registry prometheus.Registerer) workflows.Recording {
	r := a.options.Recording
	if a.options.Indexing != nil && r.Moved == nil {
		a.notebook = activities.NewNotebook(a.client, registry, a.options.Logger)
		r.Moved = a.notebook.Moved
	}
	return r
}

// addIndexer adds the workers of the queues of the indexer, of reports and of rebuilds.
func (a *App) addIndexer(ctx context.Context, registry prometheus.Registerer) error {
	in := a.options.Indexing
	if in == nil || in.Sink == nil {
		return errors.New("the role indexer needs an index: set elastic-search.server.type to rest or file, or leave the role out")
	}
	if err := a.client.EnsureSearchAttributes(ctx, a.options.Namespace); err != nil { // by which executions are found
		return err
	}
	settings := in.Settings
	settings.Namespace = a.options.Namespace
	settings.Archive = a.stager()
	a.indexer = activities.NewIndexer(a.client, in.Sink, settings, registry, a.options.Logger)
	index := a.add(contract.IndexerQueue, worker.Options{
		DisableWorkflowWorker: true, MaxConcurrentActivityExecutionSize: a.indexer.Slots(), MaxConcurrentActivityTaskPollers: 4,
	})
	activities.RegisterIndexer(index, a.indexer)
	// Apart from the blocks: who asks for a report must not wait for them.
	questions := a.add(contract.ReportQueue, worker.Options{
		DisableWorkflowWorker: true, MaxConcurrentActivityExecutionSize: reports, MaxConcurrentActivityTaskPollers: 1,
	})
	activities.RegisterLetters(questions, in.Sink)
	activities.RegisterReports(questions, activities.NewReports(in.Sink))
	a.addRebuilder(questions, settings, registry)
	return nil
}
