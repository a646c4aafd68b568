package app

import (
	"github.com/prometheus/client_golang/prometheus"
	"go.temporal.io/sdk/worker"

	"github.com/waybill-io/waybill/activities"
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

// addRebuilder adds the archive to the indexer's queue and rebuilds, and exports to that of reports. Without an index they
// say so.
func (a *App) addRebuilder(index, reports worker.Worker, settings activities.IndexerSettings, registry prometheus.Registerer) {
	store, _ := a.options.Indexing.Sink.(*analytics.Store) // files can neither be searched nor rebuilt
	rebuilds := a.options.Indexing.Rebuilds
	rebuilds.Metrics = registry
	a.rebuilder = activities.NewRebuilder(a.client, store, a.options.Files, settings, rebuilds, a.options.Logger)
	activities.RegisterArchive(index, a.rebuilder)
	activities.RegisterRebuilder(index, a.rebuilder)
	activities.RegisterExport(reports, a.rebuilder)
}
