package app

import (
	"github.com/prometheus/client_golang/prometheus"
	"go.temporal.io/sdk/worker"

	"github.com/waybill-io/waybill/activities"
	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/analytics"
	"github.com/waybill-io/waybill/analytics/archive"
)

// stager is the archive that the indexer stages for; nil: none is kept.
func (a *App) stager() activities.Stager {
	if !a.options.Indexing.Rebuilds.Keep {
		return nil
	}
	return archive.New(a.options.Files)
}

// addRebuilder adds the worker of the queue of rebuilds, with the archive and rebuilds, and adds exports to that of reports. Without an index
// they say so. Rebuilds wait for passes of the indexer, and read for hours: blocks of the indexer must not wait for them.
func (a *App) addRebuilder(reports worker.Worker, settings activities.IndexerSettings, registry prometheus.Registerer) {
	store, _ := a.options.Indexing.Sink.(*analytics.Store) // files can neither be searched nor rebuilt
	options := a.options.Indexing.Rebuilds
	options.Metrics = registry
	a.rebuilder = activities.NewRebuilder(a.client, store, a.options.Files, settings, options, a.options.Logger)
	rebuilds := a.add(contract.RebuildQueue, worker.Options{
		DisableWorkflowWorker: true, MaxConcurrentActivityExecutionSize: a.indexer.Slots(), MaxConcurrentActivityTaskPollers: 2,
	})
	activities.RegisterArchive(rebuilds, a.rebuilder)
	activities.RegisterRebuilder(rebuilds, a.rebuilder)
	activities.RegisterExport(reports, a.rebuilder)
}
