package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var gatewayVariable = regexp.MustCompile(`"(WAYBILL_[A-Z_]+[A-Z])"`)

// Who sets a gateway up finds its variables in the help and in the document.
func TestVariablesOfTheGatewayAreDocumented(t *testing.T) {
	source, err := os.ReadFile("settings.go")
	require.NoError(t, err)
	document, err := os.ReadFile("../docs/configuration.md")
	require.NoError(t, err)
	found := gatewayVariable.FindAllSubmatch(source, -1)
	require.Greater(t, len(found), 5)
	for _, name := range found {
		require.Contains(t, workerCommand().Long, string(name[1]))
		require.True(t, strings.Contains(string(document), "`"+string(name[1])+"`"), string(name[1]))
	}
}

func TestSettingsOfTheGateway(t *testing.T) {
	logger := slog.New(slog.DiscardHandler)
	names := []string{"WAYBILL_GATEWAY_TOKENS", "WAYBILL_GATEWAY_OIDC_ISSUER", "WAYBILL_GATEWAY_OIDC_AUDIENCE", "WAYBILL_GATEWAY_PLAIN_IDENTITY", "WAYBILL_GATEWAY_URL", "WAYBILL_SECRET_KEY"}
	for _, name := range names {
		t.Setenv(name, "")
	}
	o, err := gatewaySettings("127.0.0.1:0", logger)
	require.NoError(t, err)
	require.False(t, o.Access.Wanted())
	require.False(t, o.Access.Identity())

	file := filepath.Join(t.TempDir(), "tokens")
	require.NoError(t, os.WriteFile(file, []byte("crm\n"), 0o600))
	for name, c := range map[string]struct{ value, want string }{
		"WAYBILL_GATEWAY_TOKENS":         {file, "WAYBILL_GATEWAY_...: read the tokens of the gateway: " + file + ": line 1: NAME sha256:HEX is expected"},
		"WAYBILL_GATEWAY_OIDC_ISSUER":    {"https://id.example.com", "WAYBILL_GATEWAY_...: an issuer is set, and not the audience"},
		"WAYBILL_GATEWAY_OIDC_AUDIENCE":  {"waybill", "WAYBILL_GATEWAY_...: an audience is set, and no issuer"},
		"WAYBILL_GATEWAY_PLAIN_IDENTITY": {"perhaps", "WAYBILL_GATEWAY_PLAIN_IDENTITY: true or false is expected"},
	} {
		t.Setenv(name, c.value)
		_, err := gatewaySettings("127.0.0.1:0", logger)
		require.ErrorContains(t, err, c.want)
		t.Setenv(name, "")
	}

	t.Setenv("WAYBILL_GATEWAY_OIDC_ISSUER", "https://id.example.com")
	t.Setenv("WAYBILL_GATEWAY_OIDC_AUDIENCE", "waybill")
	t.Setenv("WAYBILL_GATEWAY_PLAIN_IDENTITY", "true")
	o, err = gatewaySettings("127.0.0.1:0", logger)
	require.NoError(t, err)
	require.True(t, o.Access.Wanted())
	require.True(t, o.Access.Identity())
}
