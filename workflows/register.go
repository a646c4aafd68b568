package workflows

import (
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/definition"
	"github.com/waybill-io/waybill/events"
	"github.com/waybill-io/waybill/script"
)

// Register makes a worker run all of Waybill's workflows. A process runs under its BPMN id as the workflow type: what
// is not one of our own types is a process.
func Register(r worker.WorkflowRegistry, models *definition.Cache, recording Recording) {
	recording.encoder = &events.Encoder{}
	p := &Processes{models: models, scripts: &script.Evaluator{}, recording: recording}
	r.RegisterDynamicWorkflow(p.Run, workflow.DynamicRegisterOptions{})
	r.RegisterWorkflowWithOptions((&Tasks{recording: recording}).Run, workflow.RegisterOptions{Name: contract.TaskWorkflow})
	r.RegisterWorkflowWithOptions(Signal, workflow.RegisterOptions{Name: contract.SignalWorkflow})
	r.RegisterWorkflowWithOptions(Message, workflow.RegisterOptions{Name: contract.MessageWorkflow})
	r.RegisterWorkflowWithOptions(Pace, workflow.RegisterOptions{Name: contract.PaceWorkflow})
	r.RegisterWorkflowWithOptions(Taken, workflow.RegisterOptions{Name: contract.TakenWorkflow})
	r.RegisterWorkflowWithOptions(Event, workflow.RegisterOptions{Name: contract.EventWorkflow})
	r.RegisterWorkflowWithOptions((&Mailboxes{recording: recording}).Run, workflow.RegisterOptions{Name: contract.MailboxWorkflow})
	r.RegisterWorkflowWithOptions(Watchers, workflow.RegisterOptions{Name: contract.WatchersWorkflow})
	r.RegisterWorkflowWithOptions(Credential, workflow.RegisterOptions{Name: contract.CredentialWorkflow})
	r.RegisterWorkflowWithOptions(Definition, workflow.RegisterOptions{Name: contract.DefinitionWorkflow})
	r.RegisterWorkflowWithOptions((&AlertRules{recording: recording}).Run, workflow.RegisterOptions{Name: contract.AlertsWorkflow})
	r.RegisterWorkflowWithOptions(Indexer, workflow.RegisterOptions{Name: contract.IndexerWorkflow})
	r.RegisterWorkflowWithOptions(IndexTick, workflow.RegisterOptions{Name: contract.IndexTickWorkflow})
	r.RegisterWorkflowWithOptions(Rebuild, workflow.RegisterOptions{Name: contract.RebuildWorkflow})
	r.RegisterWorkflowWithOptions(Verify, workflow.RegisterOptions{Name: contract.VerifyWorkflow})
	r.RegisterWorkflowWithOptions(Archive, workflow.RegisterOptions{Name: contract.ArchiveWorkflow})
	r.RegisterWorkflowWithOptions(Registry, workflow.RegisterOptions{Name: contract.RegistryWorkflow})
}
