package gateway

import (
	"maps"
	"net/http"

	"github.com/waybill-io/waybill/external"
	"github.com/waybill-io/waybill/gateway/camunda"
	"github.com/waybill-io/waybill/gateway/flowable"
	"github.com/waybill-io/waybill/gateway/processengine"
)

// waitingAtMost bounds the requests that wait for external tasks.
const waitingAtMost = 10_000

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
	if !o.Tokens.admits(r) {
		return external.Scope{}, external.ErrNoToken
	}
	return external.Scope{User: o.Tokens.user(r)}, nil
}

// admitAPI tells what a caller may do who deploys and starts: a token for external tasks alone does not do.
func (o Options) admitAPI(r *http.Request) (external.Scope, error) {
	if !o.Tokens.admits(r) {
		return external.Scope{}, external.ErrNoToken
	}
	return external.Scope{User: o.Tokens.user(r)}, nil
}
