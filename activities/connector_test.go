package activities

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
)

func TestNotBefore(t *testing.T) {
	policy := &temporal.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: 10 * time.Second}
	for name, tc := range map[string]struct {
		attempt     int32
		policy      *temporal.RetryPolicy
		after, want time.Duration
	}{
		"nothing said":              {1, policy, 0, 0},
		"shorter than the policy":   {3, policy, 3 * time.Second, 0},
		"longer":                    {3, policy, 5 * time.Second, 5 * time.Second},
		"longer than its maximum":   {30, policy, time.Minute, time.Minute},
		"shorter than its maximum":  {30, policy, 9 * time.Second, 0},
		"the policy is not known":   {1, nil, time.Second, time.Second},
		"the policy has no maximum": {5, &temporal.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 2}, 15 * time.Second, 0},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, tc.want, notBefore(activity.Info{Attempt: tc.attempt, RetryPolicy: tc.policy}, tc.after))
		})
	}
}
