package connectors

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// fixed is connectortest.Settings, which cannot be imported here.
func fixed(d *Definition, values map[string]string) *Settings {
	return NewSettings(d, func(name string) (string, error) { return values[name], nil })
}

func TestEndpoint(t *testing.T) {
	d := define(t, `{"name":"x","config":[{"name":"X_URL","value":"https://api.example.com/v1/"},{"name":"X_NAME","required":true}]}`)
	for given, want := range map[string]string{
		"":                          "https://api.example.com/v1",
		"https://x.example//":       "https://x.example",
		"http://127.0.0.1:8080/api": "http://127.0.0.1:8080/api",
		"http://localhost":          "http://localhost",
		"http://[::1]:80/":          "http://[::1]:80",
	} {
		s := fixed(d, map[string]string{"X_URL": given})
		require.Equal(t, want, s.Endpoint("X_URL"))
		require.NoError(t, s.Err(), given)
	}
	for given, want := range map[string]string{
		"http://x.example":               "must begin with https",
		"http://localhost.x.example":     "must begin with https",
		"ftp://x.example":                "is not an address",
		"x.example":                      "is not an address",
		"https://":                       "is not an address",
		"https://ann:hunter2@x.example%": "is not an address",
		"https://ann:hunter2@x.example":  "without user",
		"https://x.example?a=hunter2":    "without user",
	} {
		s := fixed(d, map[string]string{"X_URL": given})
		s.Endpoint("X_URL")
		require.ErrorContains(t, s.Err(), want, given)
		require.NotContains(t, s.Err().Error(), "hunter2")
	}
}

func TestHas(t *testing.T) {
	d := define(t, `{"name":"x","config":[{"name":"X_URL","value":"https://api.example.com"},{"name":"X_NAME","required":true}]}`)
	s := fixed(d, nil)
	require.True(t, s.Has("X_URL"))
	require.False(t, s.Has("X_NAME"))
	require.NoError(t, s.Err())
	require.True(t, fixed(d, map[string]string{"X_NAME": "a"}).Has("X_NAME"))
}
