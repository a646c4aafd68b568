package external

import (
	"context"
	"slices"
)

// Topics are those of deployed processes that a caller may have tasks of, by name: client.Client.DeployedTopics.
func (t *Tasks) Topics(ctx context.Context, by Scope) ([]string, error) {
	all, err := t.client.DeployedTopics(ctx, by.tenant)
	return slices.DeleteFunc(all, func(topic string) bool { return !by.Topic(topic) }), err
}
