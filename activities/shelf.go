package activities

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/waybill-io/waybill/activities/contract"
)

// Shelve stores a list of pending mails.
func (d *Deliverer) Shelve(ctx context.Context, s contract.Shelf) error {
	return d.files.Write(ctx, s.Key, "application/json", func(w io.Writer) error { return json.NewEncoder(w).Encode(s) })
}

// Unshelve reads a list of pending mails.
func (d *Deliverer) Unshelve(ctx context.Context, key string) (s contract.Shelf, err error) {
	r, err := d.files.Open(ctx, key)
	if err != nil {
		return s, err
	}
	defer r.Close()
	if err := json.NewDecoder(r).Decode(&s); err != nil {
		return s, fmt.Errorf("read file %q: %w", key, err)
	}
	return s, nil
}

// ClearShelf removes a list of pending mails.
func (d *Deliverer) ClearShelf(ctx context.Context, key string) error {
	return d.files.Remove(ctx, key)
}
