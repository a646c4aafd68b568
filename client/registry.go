package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/waybill-io/waybill/activities/contract"
)

const (
	manyEntries = 200              // go into one update
	manyIn      = 30 * time.Second // how long it may take
)

// Put writes an entry of a registry, creating the registry when needed.
func (c *Client) Put(ctx context.Context, registry, id string, value json.RawMessage) error {
	return c.updateWithStart(ctx, registry, contract.RegistryWorkflow, contract.PutUpdate,
		contract.RegistryState{}, contract.RegistryEntry{ID: id, Value: value}, nil)
}

// putMany writes many entries of a registry, some hundred in each update. An error tells how many have been written.
func (c *Client) putMany(ctx context.Context, registry string, entries []contract.RegistryEntry) (done int, err error) {
	for some := range slices.Chunk(entries, manyEntries) {
		err := insist(ctx, func() error {
			ctx, cancel := context.WithTimeout(ctx, manyIn)
			defer cancel()
			return c.updateWithStart(ctx, registry, contract.RegistryWorkflow, contract.PutManyUpdate, contract.RegistryState{}, some, nil)
		})
		if err != nil {
			return done, err
		}
		done += len(some)
	}
	return done, nil
}

// Remove deletes an entry of a registry. What is not there is no error.
func (c *Client) Remove(ctx context.Context, registry, id string) error {
	err := c.update(ctx, registry, contract.RemoveUpdate, id, nil)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// Entries returns the entries of a registry; none when there is no such registry.
func (c *Client) Entries(ctx context.Context, registry string) ([]contract.RegistryEntry, error) {
	var entries []contract.RegistryEntry
	err := c.query(ctx, registry, contract.RegistryQuery, &entries)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	return entries, err
}

// some are the entries of a registry with these ids; none when there is no such registry.
func (c *Client) some(ctx context.Context, registry string, ids ...string) ([]contract.RegistryEntry, error) {
	var entries []contract.RegistryEntry
	err := c.query(ctx, registry, contract.EntriesQuery, &entries, ids)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	return entries, err
}

// removeKnown deletes an entry of a registry that is there; ErrNotFound: it is not.
func (c *Client) removeKnown(ctx context.Context, registry, id string) error {
	found, err := c.some(ctx, registry, id)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return ErrNotFound
	}
	return c.Remove(ctx, registry, id)
}

// room refuses entries that a registry cannot hold beside those that it has.
func room(known, more []contract.RegistryEntry) error {
	all := map[string]contract.RegistryEntry{}
	for _, e := range known {
		all[e.ID] = e
	}
	for _, e := range more {
		e.Added = time.Now()
		if before, ok := all[e.ID]; ok {
			e.Added = before.Added
		}
		all[e.ID] = e
	}
	sum := 0
	for _, e := range all {
		size, err := e.Size()
		if err != nil {
			return err
		}
		sum += size
	}
	if sum > contract.MaxRegistry {
		return fmt.Errorf("with the %d that are known, they take %d bytes, and there is room for %d: leave out who gets no mails",
			len(known), sum, contract.MaxRegistry)
	}
	return nil
}
