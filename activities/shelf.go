package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"github.com/waybill-io/waybill/activities/contract"
)

// Shelve stores a list of pending mails.
func (f *Files) Shelve(ctx context.Context, s contract.Shelf) error {
	return f.Write(ctx, s.Key, "application/json", func(w io.Writer) error { return json.NewEncoder(w).Encode(s) })
}

// Unshelve reads a list of pending mails. It fails for good when it has been gone for triesPerMail tries: a store that is not mounted
// looks the same.
func (f *Files) Unshelve(ctx context.Context, key string) (s contract.Shelf, err error) {
	r, err := f.Open(ctx, key)
	if errors.Is(err, fs.ErrNotExist) && activity.GetInfo(ctx).Attempt >= triesPerMail {
		return s, temporal.NewNonRetryableApplicationError(err.Error(), "gone", err)
	}
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
func (f *Files) ClearShelf(ctx context.Context, key string) error { return f.Remove(ctx, key) }
