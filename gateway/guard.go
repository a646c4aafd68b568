package gateway

import (
	"errors"
	"net/http"

	"github.com/waybill-io/waybill/external"
)

// guard lets those through who may call what is not for external tasks.
func (o Options) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch _, err := o.Access.API(r); {
		case err == nil:
			next.ServeHTTP(w, r)
		case errors.Is(err, external.ErrForbidden):
			problem(w, http.StatusForbidden, err.Error())
		case errors.Is(err, external.ErrNoToken):
			w.Header().Set("WWW-Authenticate", `Bearer realm="waybill"`)
			problem(w, http.StatusUnauthorized, err.Error()+". Authorization: Bearer TOKEN is expected: `starter token new NAME` makes one; the gateway finds its hash in the file that WAYBILL_GATEWAY_TOKENS names")
		default:
			problem(w, http.StatusServiceUnavailable, err.Error())
		}
	})
}

// user is the name of the token that a request which was let through came with; "": it came without any.
func (o Options) user(r *http.Request) string {
	user, _ := o.Access.API(r)
	return user
}
