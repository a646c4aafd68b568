package activities

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/waybill-io/waybill/analytics"
	"github.com/waybill-io/waybill/events"
)

// Generations is a sink that rebuilds have made other generations of.
type Generations interface {
	WriteTo(ctx context.Context, generation int, documents []events.Document) (analytics.Written, error)
}

// writeAlso writes documents to the generations of rebuilds that are under way. One that is gone was given up.
func (b *block) writeAlso(documents []events.Document) error {
	to, ok := b.sink.(Generations)
	if !ok {
		return nil
	}
	for _, also := range b.also {
		var of []events.Document
		for _, d := range documents {
			if d.Tenant == also.Tenant {
				of = append(of, d)
			}
		}
		if len(of) == 0 {
			continue
		}
		_, err := to.WriteTo(b.ctx, also.Generation, of)
		if e, ok := errors.AsType[*analytics.Error](err); ok && e.Status == http.StatusNotFound {
			b.logger.Warn("a rebuild that was given up is still written for", "tenant", also.Tenant, "generation", also.Generation)
			continue
		}
		if err != nil {
			return fmt.Errorf("write %d documents to generation %d: %w", len(of), also.Generation, err)
		}
	}
	return nil
}
