package gateway

import (
	"errors"
	"fmt"
	"net/http"
	netmail "net/mail"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
)

// testEmail has a worker try the email service out.
func (l *listeners) testEmail(r *http.Request) (any, error) {
	query := r.URL.Query()
	in := contract.TestEmail{To: query.Get("to"), Tenant: query.Get("tenant")}
	if in.Tenant != "" && !contract.ValidTenant(in.Tenant) {
		return nil, badRequest{fmt.Errorf("the parameter tenant: %s is expected", contract.TenantRule)}
	}
	if in.To != "" {
		if _, err := netmail.ParseAddress(in.To); err != nil {
			return nil, badRequest{errors.New("the parameter to: an address such as ann@example.com is expected")}
		}
	}
	return l.Client.TestEmail(r.Context(), in)
}

// emailHealth answers with 503 when a mail server fails. It is apart from readiness: a gateway works without mail.
func (l *listeners) emailHealth(w http.ResponseWriter, r *http.Request) {
	health, err := l.Client.EmailHealth(r.Context())
	switch {
	case errors.Is(err, client.ErrUnclaimed):
		problem(w, http.StatusServiceUnavailable, "no worker that sends mail answers")
	case err != nil:
		problem(w, http.StatusServiceUnavailable, err.Error())
	case health.Status == contract.EmailFailing:
		reply(w, http.StatusServiceUnavailable, health)
	default:
		reply(w, http.StatusOK, health)
	}
}
