package gateway

import (
	"maps"
	"net/http"

	"github.com/waybill-io/waybill/external"
	"github.com/waybill-io/waybill/gateway/camunda"
	"github.com/waybill-io/waybill/gateway/flowable"
	"github.com/waybill-io/waybill/gateway/processengine"
)

const (
	// waitingAtMost bounds the requests that wait for external tasks.
	waitingAtMost = 10_000
	// waitingOfOne bounds those of one caller, so that others have places, too.
	waitingOfOne = waitingAtMost / 4
)

// externalRoutes are the calls of outside workers, which those documented who made their clients: none of them is in openapi.json.
func externalRoutes(o Options, tasks *external.Tasks, broker *external.Broker) map[string]http.Handler {
	all := map[string]http.Handler{}
	maps.Copy(all, (&camunda.Server{Tasks: tasks, Broker: broker, Admit: o.admitExternal, Processes: o.Client, Deploy: o.deployFiles, AdmitAPI: o.admitAPI}).Routes())
	maps.Copy(all, (&flowable.Server{Tasks: tasks, Broker: broker, Admit: o.admitExternal}).Routes())
	maps.Copy(all, (&processengine.Server{Tasks: tasks, Broker: broker, Admit: o.admitExternal}).Routes())
	return all
}

// admitExternal tells what a caller may do.
func (o Options) admitExternal(r *http.Request) (external.Scope, error) {
	scope, err := o.Access.External(r)
	if err != nil {
		o.watch.notAdmitted(r, err)
	}
	return scope, err
}

// serveExternal has external tasks served. The broker is the caller's to close.
func serveExternal(mux *http.ServeMux, o Options) *external.Broker {
	tasks := external.New(o.Client, o.Namespace)
	broker := external.NewBroker(tasks, waitingAtMost)
	broker.Caller = waitingOfOne
	o.watch = newWatch(o.Logger, o.Metrics, broker)
	tasks.Told, broker.Told = o.watch.told, o.watch.told
	for pattern, handler := range externalRoutes(o, tasks, broker) {
		mux.Handle(pattern, bounded(pattern, handler))
	}
	return broker
}

// admitAPI is the name of a caller who may deploy and start: a token for external tasks alone does not do.
func (o Options) admitAPI(r *http.Request) (user string, err error) {
	if user, err = o.Access.API(r); err != nil {
		o.watch.notAdmitted(r, err)
	}
	return user, err
}
