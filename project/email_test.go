package project

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/connectors"
)

// email is a built-in connector of the tests.
func email(t *testing.T) *connectors.Definition {
	d, err := connectors.ParseDefinition("email.json", []byte(`{
		"id": "email", "name": "email",
		"actions": {"send": {"id": "send", "name": "SEND", "description": "Send a mail",
			"inputs": [
				{"id": "to", "name": "to", "type": "string", "required": true},
				{"id": "from", "name": "from", "type": "string"},
				{"id": "subject", "name": "subject", "type": "string"},
				{"id": "template", "name": "template", "type": "file"},
				{"id": "attachments", "name": "attachments", "type": "file"},
				{"id": "metadata", "name": "metadata", "type": "json"}],
			"outputs": [{"id": "messageId", "name": "messageId", "type": "string"}]}},
		"events": {"received": {"id": "received", "name": "EMAIL_RECEIVED"}},
		"config": [{"name": "EMAIL_HOST", "required": true}]}`))
	require.NoError(t, err)
	return d
}

func options(t *testing.T) Options { return Options{BuiltIn: []*connectors.Definition{email(t)}} }
