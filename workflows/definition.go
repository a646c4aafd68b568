package workflows

import (
	"errors"

	"go.temporal.io/sdk/workflow"

	"github.com/waybill-io/waybill/activities/contract"
)

// keptVersions and keptBytes bound what a definition workflow carries. An instance carries its own version, so dropping
// an old one hinders only starts that ask for it by number.
const (
	keptVersions = 50
	keptBytes    = 1 << 20
)

// definitions is the deployed versions of one process.
type definitions struct {
	contract.DefinitionState
	deploying workflow.Mutex
}

// Definition is the workflow that holds the versions of a process. It never ends by itself.
func Definition(ctx workflow.Context, state contract.DefinitionState) error {
	d := &definitions{DefinitionState: state, deploying: workflow.NewMutex(ctx)}
	err := errors.Join(
		workflow.SetQueryHandler(ctx, contract.DefinitionQuery, d.get),
		workflow.SetQueryHandler(ctx, contract.VersionsQuery, d.versions),
		workflow.SetUpdateHandlerWithOptions(ctx, contract.DeployUpdate, d.deploy,
			workflow.UpdateHandlerOptions{Description: "make a definition the latest version"}),
		workflow.SetUpdateHandlerWithOptions(ctx, contract.UndeployUpdate, d.undeploy,
			workflow.UpdateHandlerOptions{Description: "remove all versions; instances go on"}),
		workflow.SetUpdateHandlerWithOptions(ctx, contract.SuspendDefinitionUpdate, d.suspend,
			workflow.UpdateHandlerOptions{Description: "let no instance start, or let them start again"}),
	)
	if err != nil {
		return err
	}
	if err := awaitNewRun(ctx, func() bool { return true }); err != nil {
		return err
	}
	return workflow.NewContinueAsNewError(ctx, contract.DefinitionWorkflow, d.DefinitionState)
}

func (d *definitions) latest() *contract.Definition {
	if len(d.Versions) == 0 {
		return nil
	}
	return &d.Versions[len(d.Versions)-1]
}

// get answers with an empty definition when there is no such version.
func (d *definitions) get(version int) (contract.Definition, error) {
	latest := d.latest()
	for _, v := range d.Versions {
		if v.Version == version || version == 0 && v.Version == latest.Version {
			v.Suspended = d.Suspended
			return v, nil
		}
	}
	return contract.Definition{}, nil
}

func (d *definitions) versions() ([]contract.VersionInfo, error) {
	list := []contract.VersionInfo{}
	for _, v := range d.Versions {
		list = append(list, contract.VersionInfo{Version: v.Version, Digest: v.Digest, VersionTag: v.VersionTag, Tenant: v.Tenant})
	}
	return list, nil
}

// deploy adds a version and has the timer and message start events follow it before it counts as deployed.
func (d *definitions) deploy(ctx workflow.Context, next contract.Definition) (contract.DeployResult, error) {
	if err := d.deploying.Lock(ctx); err != nil {
		return contract.DeployResult{}, err
	}
	defer d.deploying.Unlock()
	old := d.latest()
	if old != nil && old.Digest == next.Digest {
		return contract.DeployResult{Key: next.Key, Version: old.Version}, nil
	}
	next.Version = d.Last + 1
	input := contract.SyncStartsInput{Definition: next, Old: old}
	if d.Suspended { // its start events come with resume
		input = contract.SyncStartsInput{Definition: contract.Definition{Key: next.Key}}
	}
	if err := workflow.ExecuteActivity(steering(ctx), contract.SyncStartsActivity, input).Get(ctx, nil); err != nil {
		return contract.DeployResult{}, err
	}
	d.Last = next.Version
	d.Versions = append(d.Versions, next)
	d.trim()
	return contract.DeployResult{Key: next.Key, Version: next.Version, Changed: true}, nil
}

// undeploy removes the process: no instance starts any more. The numbers of its versions are not used again.
func (d *definitions) undeploy(ctx workflow.Context) error {
	if err := d.deploying.Lock(ctx); err != nil {
		return err
	}
	defer d.deploying.Unlock()
	if err := d.stopStarts(ctx); err != nil {
		return err
	}
	d.Versions, d.Suspended = nil, false
	return nil
}

// stopStarts takes the timer, message and signal start events of the latest version away.
func (d *definitions) stopStarts(ctx workflow.Context) error {
	old := d.latest()
	if old == nil || d.Suspended {
		return nil
	}
	input := contract.SyncStartsInput{Definition: contract.Definition{Key: old.Key}, Old: old}
	return workflow.ExecuteActivity(steering(ctx), contract.SyncStartsActivity, input).Get(ctx, nil)
}

// suspend lets no instance start, by whatever way, or lets them start again: timers then count anew.
func (d *definitions) suspend(ctx workflow.Context, suspended bool) error {
	if err := d.deploying.Lock(ctx); err != nil {
		return err
	}
	defer d.deploying.Unlock()
	latest := d.latest()
	if latest == nil || suspended == d.Suspended {
		return nil
	}
	if suspended {
		if err := d.stopStarts(ctx); err != nil {
			return err
		}
	} else if err := workflow.ExecuteActivity(steering(ctx), contract.SyncStartsActivity, contract.SyncStartsInput{Definition: *latest}).Get(ctx, nil); err != nil {
		return err
	}
	d.Suspended = suspended
	return nil
}

// trim drops the oldest versions while there are too many.
func (d *definitions) trim() {
	size := 0
	for i := len(d.Versions) - 1; i >= 0; i-- {
		v := &d.Versions[i]
		size += len(v.Model)*4/3 + len(v.Extensions)
		if i < len(d.Versions)-1 && (size > keptBytes || len(d.Versions)-i > keptVersions) {
			d.Versions = d.Versions[i+1:]
			return
		}
	}
}
