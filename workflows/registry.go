package workflows

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.temporal.io/sdk/workflow"

	"github.com/waybill-io/waybill/activities/contract"
)

// registry is a small set of documents that changes by Update.
type registry struct {
	contract.RegistryState
}

// Registry is the workflow of a registry. It never ends by itself.
func Registry(ctx workflow.Context, state contract.RegistryState) error {
	r := &registry{state}
	err := errors.Join(
		workflow.SetQueryHandler(ctx, contract.RegistryQuery, r.query),
		workflow.SetQueryHandler(ctx, contract.EntriesQuery, r.some),
		workflow.SetUpdateHandlerWithOptions(ctx, contract.PutUpdate, r.put, workflow.UpdateHandlerOptions{Validator: r.validatePut}),
		workflow.SetUpdateHandler(ctx, contract.RemoveUpdate, r.remove),
	)
	if err != nil {
		return err
	}
	if err := awaitNewRun(ctx); err != nil {
		return err
	}
	return workflow.NewContinueAsNewError(ctx, contract.RegistryWorkflow, r.RegistryState)
}

// awaitNewRun blocks until Temporal suggests a new run and every update has its answer.
func awaitNewRun(ctx workflow.Context) error {
	return workflow.Await(ctx, func() bool {
		return workflow.GetInfo(ctx).GetContinueAsNewSuggested() && workflow.AllHandlersFinished(ctx)
	})
}

func (r *registry) query() ([]contract.RegistryEntry, error) { return r.Entries, nil }

func (r *registry) find(id string) (int, bool) {
	return slices.BinarySearchFunc(r.Entries, id, func(e contract.RegistryEntry, id string) int { return strings.Compare(e.ID, id) })
}

// some are the entries with these ids.
func (r *registry) some(ids []string) ([]contract.RegistryEntry, error) {
	var entries []contract.RegistryEntry
	for _, id := range slices.Compact(slices.Sorted(slices.Values(ids))) {
		if i, ok := r.find(id); ok {
			entries = append(entries, r.Entries[i])
		}
	}
	return entries, nil
}

// validatePut keeps the registry within what a new run of it can be given.
func (r *registry) validatePut(e contract.RegistryEntry) error {
	size := func(e contract.RegistryEntry) int { return len(e.ID) + len(e.Value) }
	before := 0
	for _, entry := range r.Entries {
		before += size(entry)
	}
	after := before + size(e)
	if i, ok := r.find(e.ID); ok {
		after -= size(r.Entries[i])
	}
	if after > contract.MaxRegistry && after > before {
		return fmt.Errorf("there would be %d bytes in it, %d at most can be kept together: remove what is not needed", after, contract.MaxRegistry)
	}
	return nil
}

func (r *registry) put(ctx workflow.Context, e contract.RegistryEntry) error {
	i, ok := r.find(e.ID)
	if ok {
		r.Entries[i].Value = e.Value
	} else {
		e.Added = workflow.Now(ctx)
		r.Entries = slices.Insert(r.Entries, i, e)
	}
	return nil
}

func (r *registry) remove(_ workflow.Context, id string) error {
	if i, ok := r.find(id); ok {
		r.Entries = slices.Delete(r.Entries, i, i+1)
	}
	return nil
}
