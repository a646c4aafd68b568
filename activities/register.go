package activities

import (
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/worker"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/connectors"
)

// RegisterScript makes a worker of workflows run their scripts, which are local activities.
func RegisterScript(r worker.ActivityRegistry) { register(r, contract.ScriptActivity, RunScript) }

// RegisterSteering makes a worker of the steering queue run what workflows need of Temporal, and fire the triggers of events.
func RegisterSteering(r worker.ActivityRegistry, s *Steering, d *Deliverer) {
	register(r, contract.SubscribeActivity, s.Subscribe)
	register(r, contract.ReturnMessageActivity, s.ReturnMessage)
	register(r, contract.StartByMessageActivity, s.StartByMessage)
	register(r, contract.StartOtherwiseActivity, s.StartOtherwise)
	register(r, contract.SyncStartsActivity, s.SyncStarts)
	register(r, contract.SubscribeSignalActivity, s.SubscribeSignal)
	register(r, contract.BroadcastActivity, s.Broadcast)
	register(r, contract.StartBySignalActivity, s.StartBySignal)
	register(r, contract.PublishActivity, s.Publish)
	register(r, contract.LoadDefinitionActivity, s.LoadDefinition)
	register(r, contract.AssignActivity, s.Assign)
	register(r, contract.PauseExternalActivity, s.PauseExternal)
	register(r, contract.DeliverActivity, d.Deliver)
	register(r, contract.ShelveActivity, d.Shelve)
	register(r, contract.UnshelveActivity, d.Unshelve)
	register(r, contract.ClearShelfActivity, d.ClearShelf)
	register(r, contract.RaiseActivity, d.Raise)
	register(r, contract.FireActivity, d.Fire)
	register(r, contract.PermitEchoActivity, d.PermitEcho)
	register(r, contract.BuryEventActivity, d.BuryEvent)
}

// RegisterWebhooks makes a worker offer mail to webhooks that did not accept it at once, and try webhooks out.
func RegisterWebhooks(r worker.ActivityRegistry, d *Deliverer) {
	register(r, contract.PostActivity, d.Post)
	register(r, contract.CheckWebhookActivity, d.CheckWebhook)
}

// RegisterAlerts makes a worker of the queue of alerts take them to their rules, and say what is told of them.
func RegisterAlerts(r worker.ActivityRegistry, a *Alerter) {
	register(r, contract.AlertActivity, a.Alert)
	register(r, contract.PlanAlertActivity, a.Plan)
	register(r, contract.ActOnAlertActivity, a.Act)
}

// RegisterConnector makes a worker of a connector's queue answer every action of it. The pacer is nil when its calls have no rate.
func RegisterConnector(r worker.ActivityRegistry, c connectors.Connector, p *Pacer) {
	for _, action := range c.Definition().Actions {
		register(r, c.Definition().Name+"."+action.Name, (&call{connector: c, action: action.Name, pacer: p}).run)
	}
}

// RegisterWatcher makes a worker of the mailbox queue watch mailboxes.
func RegisterWatcher(r worker.ActivityRegistry, w *Watcher) {
	register(r, contract.WatchActivity, w.Watch)
	register(r, contract.WatchGroupActivity, w.WatchGroup)
}

// RegisterAccounts makes a worker of the account queue send and fetch mail for applications, try log-ins out, and wait for consent with device
// codes.
func RegisterAccounts(r worker.ActivityRegistry, w *Watcher) {
	register(r, contract.CheckMailboxActivity, w.Check)
	register(r, contract.TestMailboxActivity, w.TestMailbox)
	register(r, contract.FetchMailsActivity, w.FetchMails)
	register(r, contract.SendMailActivity, w.SendMail)
	register(r, contract.TokenActivity, (&OAuth{}).Token)
}

// RegisterCredentials makes a worker of the queue of credentials get tokens, and revoke them.
func RegisterCredentials(r worker.ActivityRegistry) {
	o := &OAuth{}
	register(r, contract.TokenActivity, o.Token)
	register(r, contract.DeviceActivity, o.Device)
	register(r, contract.RevokeActivity, o.Revoke)
}

func register(r worker.ActivityRegistry, name string, fn any) {
	r.RegisterActivityWithOptions(fn, activity.RegisterOptions{Name: name})
}
