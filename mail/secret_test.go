package mail

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSecretNeverPrints(t *testing.T) {
	const text = "hunter2"
	config := struct {
		User     string
		Password Secret
	}{"ann", text}

	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%t"} {
		require.NotContains(t, fmt.Sprintf(verb, config), text, verb)
		require.NotContains(t, fmt.Sprintf(verb, &config), text, verb)
		require.NotContains(t, fmt.Sprintf(verb, config.Password), text, verb)
	}
	require.NotContains(t, fmt.Sprintf("%x", config.Password), fmt.Sprintf("%x", text))

	encoded, err := json.Marshal(config)
	require.NoError(t, err)
	require.JSONEq(t, `{"User":"ann","Password":"********"}`, string(encoded))

	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "password", config.Password, "config", config)
	require.NotContains(t, log.String(), text)
	require.Contains(t, log.String(), stars)

	require.Equal(t, text, config.Password.Reveal())
	require.Empty(t, fmt.Sprint(Secret("")))
}

func TestAddressString(t *testing.T) {
	require.Equal(t, `"Ann B." <ann@example.com>`, Address{"Ann B.", "ann@example.com"}.String())
	require.Equal(t, `=?utf-8?q?J=C3=B6rg?= <j@example.com>`, Address{"Jörg", "j@example.com"}.String())
	require.Equal(t, `<j@example.com>`, Address{Address: "j@example.com"}.String())
}
