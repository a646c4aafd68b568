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
	size int // of the entries, as contract.MaxRegistry counts it
}

// maxInput is what Temporal takes as the input of a new run, 2 MiB, less what is around the entries. Earlier versions let a registry grow
// beyond: such a one goes on in its run until enough is removed.
const maxInput = 2_090_000

// Registry is the workflow of a registry. It never ends by itself.
func Registry(ctx workflow.Context, state contract.RegistryState) error {
	r := &registry{RegistryState: state}
	for _, e := range state.Entries {
		size, err := e.Size()
		if err != nil {
			return err
		}
		r.size += size
	}
	err := errors.Join(
		workflow.SetQueryHandler(ctx, contract.RegistryQuery, r.query),
		workflow.SetQueryHandler(ctx, contract.EntriesQuery, r.some),
		workflow.SetUpdateHandlerWithOptions(ctx, contract.PutUpdate, r.put, workflow.UpdateHandlerOptions{Validator: r.validatePut}),
		workflow.SetUpdateHandlerWithOptions(ctx, contract.PutManyUpdate, r.putMany, workflow.UpdateHandlerOptions{Validator: r.validate}),
		workflow.SetUpdateHandler(ctx, contract.RemoveUpdate, r.remove),
	)
	if err != nil {
		return err
	}
	if err := awaitNewRun(ctx, func() bool { return r.size <= maxInput }); err != nil {
		return err
	}
	return workflow.NewContinueAsNewError(ctx, contract.RegistryWorkflow, r.RegistryState)
}

// awaitNewRun blocks until Temporal suggests a new run, every update has its answer, and the new run can be.
func awaitNewRun(ctx workflow.Context, can func() bool) error {
	return workflow.Await(ctx, func() bool {
		return workflow.GetInfo(ctx).GetContinueAsNewSuggested() && workflow.AllHandlersFinished(ctx) && can()
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

// validate keeps the registry within what a new run of it can be given.
func (r *registry) validate(ctx workflow.Context, entries []contract.RegistryEntry) error {
	after, err := r.sizeWith(ctx, entries)
	if err == nil && after > contract.MaxRegistry && after > r.size {
		err = fmt.Errorf("there would be %d bytes in it, %d at most can be kept together: remove what is not needed", after, contract.MaxRegistry)
	}
	return err
}

// sizeWith is how large the registry is when it has these entries, too.
func (r *registry) sizeWith(ctx workflow.Context, entries []contract.RegistryEntry) (int, error) {
	all := r.size
	seen := map[string]int{}
	for _, e := range entries {
		e.Added = workflow.Now(ctx)
		before, again := seen[e.ID]
		if i, ok := r.find(e.ID); ok {
			e.Added = r.Entries[i].Added
			if !again {
				var err error
				if before, err = r.Entries[i].Size(); err != nil {
					return 0, err
				}
			}
		}
		size, err := e.Size()
		if err != nil {
			return 0, err
		}
		all += size - before
		seen[e.ID] = size
	}
	return all, nil
}

func (r *registry) validatePut(ctx workflow.Context, e contract.RegistryEntry) error {
	return r.validate(ctx, []contract.RegistryEntry{e})
}

func (r *registry) put(ctx workflow.Context, e contract.RegistryEntry) error {
	return r.putMany(ctx, []contract.RegistryEntry{e})
}

func (r *registry) putMany(ctx workflow.Context, entries []contract.RegistryEntry) (err error) {
	if r.size, err = r.sizeWith(ctx, entries); err != nil {
		return err
	}
	for _, e := range entries {
		i, ok := r.find(e.ID)
		if ok {
			r.Entries[i].Value = e.Value
		} else {
			e.Added = workflow.Now(ctx)
			r.Entries = slices.Insert(r.Entries, i, e)
		}
	}
	return nil
}

func (r *registry) remove(_ workflow.Context, id string) error {
	i, ok := r.find(id)
	if !ok {
		return nil
	}
	size, err := r.Entries[i].Size()
	if err != nil {
		return err
	}
	r.Entries, r.size = slices.Delete(r.Entries, i, i+1), r.size-size
	return nil
}
