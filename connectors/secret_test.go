package connectors

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSecretName(t *testing.T) {
	for _, name := range []string{
		"EMAIL_PASSWORD", "passwd", "TLS_PASSPHRASE", "WEBHOOK_SECRET_PREVIOUS", "TWILIO_TOKEN", "accessToken", "X-Gitlab-Token", "API_KEY", "apiKey", "X-Api-Key", "apikey",
		"private-key", "PRIVATE_KEY", "Authorization", "Proxy-Authorization", "credentials", "SLACK_XOXB",
	} {
		require.True(t, SecretName(name), name)
	}
	for _, name := range []string{"", "EMAIL_HOST", "Idempotency-Key", "REST_AUTH_USER", "WEBHOOK_SIGNATURE", "Content-Type", "key", "primaryKey", "author", "pass"} {
		require.False(t, SecretName(name), name)
	}
}
