package external

import (
	"errors"
	"fmt"
	"slices"

	"github.com/waybill-io/waybill/activities/contract"
)

// Scope is what a caller may see and do. The zero value is all.
type Scope struct {
	User   string   // the name of the token; "": it came without one, from this machine
	Topics []string // nil: all
	Tenant *string  // nil: all; "": what has no tenant
}

// ErrForbidden is wrapped where a caller may not see a topic, or a tenant.
var ErrForbidden = errors.New("the token is not for this topic or this tenant")

// ErrNoToken is that of a request that brings no token, where one is expected, or one that is not known.
var ErrNoToken = errors.New("a token is expected")

// Topic tells whether the scope has a topic.
func (s Scope) Topic(topic string) bool { return s.Topics == nil || slices.Contains(s.Topics, topic) }

// tenant tells whether the scope has what is of a tenant.
func (s Scope) tenant(tenant string) bool { return s.Tenant == nil || *s.Tenant == tenant }

// queue tells whether the scope has the topic of a queue.
func (s Scope) queue(queue string) bool {
	return s.Topics == nil || slices.ContainsFunc(s.Topics, func(t string) bool { return contract.TopicQueue(t) == queue })
}

// check is an error that wraps ErrForbidden when a task is not for the scope.
func (s Scope) check(h *held) error {
	if s.queue(h.queue) && s.tenant(h.tenant) {
		return nil
	}
	return fmt.Errorf("external task %s: %w", h.name, ErrForbidden)
}
