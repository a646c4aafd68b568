package gateway

import (
	"context"
	"net/http"
)

// alertHealth tells how alerting is: 503 when a message waits for long, or was given up. It asks the workflows of the rules.
func (o Options) alertHealth(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*checkTimeout)
	defer cancel()
	health := o.Client.AlertHealth(ctx)
	code := http.StatusOK
	if health.Status != "ok" {
		code = http.StatusServiceUnavailable
	}
	reply(w, code, health)
}
