package main

import (
	"flag"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/server/common/dynamicconfig"
)

func TestParse(t *testing.T) {
	o, err := parse([]string{
		"--ip", "localhost", "--port", "7000", "--ui-port=7001", "--namespace", "orders", "--namespace", "default",
		"--search-attribute", "Process=Keyword", "--search-attribute", "Due=Datetime",
		"--dynamic-config-value", "frontend.rps=100",
		"--dynamic-config-value", `history.timerProcessorMaxTimeShift="1s"`,
	}, io.Discard)
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1:7000", o.address())
	require.Equal(t, "127.0.0.1:7001", o.uiAddress())
	require.Equal(t, []string{"default", "orders"}, o.namespaces)
	require.Equal(t, map[string]enumspb.IndexedValueType{
		"Process": enumspb.INDEXED_VALUE_TYPE_KEYWORD,
		"Due":     enumspb.INDEXED_VALUE_TYPE_DATETIME,
	}, o.searchAttributes)

	settings := dynamicconfig.NewCollection(o.dynamicConfig, nil)
	require.Equal(t, 100, dynamicconfig.FrontendRPS.Get(settings)())
	require.Equal(t, time.Second, dynamicconfig.TimerProcessorMaxTimeShift.Get(settings)(), "a flag goes before our own value")
	require.Equal(t, 1000, dynamicconfig.TransferProcessorMaxPollRPS.Get(settings)())
}

func TestParseDefaults(t *testing.T) {
	o, err := parse(nil, io.Discard)
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1:7233", o.address())
	require.Equal(t, "127.0.0.1:8233", o.uiAddress())
	require.False(t, o.headless)
	require.Equal(t, []string{"default"}, o.namespaces)
}

func TestParseRejects(t *testing.T) {
	for args, message := range map[string]string{
		"--ip example.org":                       `--ip "example.org": want an IP address`,
		"--port 0":                               "--port 0: want 1 to 65535",
		"--port 65000":                           "--ui-port 66000: want 1 to 65535",
		"--log-level loud":                       `--log-level "loud": want debug`,
		"--log-format xml":                       `--log-format "xml": want pretty`,
		"--search-attribute Process":             "want name=type",
		"--search-attribute Process=Words":       `type "Words": want Text`,
		"--dynamic-config-value frontend.rps":    "want key=JSON",
		"--dynamic-config-value frontend.rps=1k": "not int",
		"--dynamic-config-value frontend.rpm=1":  "unregistered key",
		"--namespace=":                           "a namespace needs a name",
		"orders":                                 `unexpected argument "orders"`,
	} {
		_, err := parse(strings.Fields(args), io.Discard)
		require.ErrorContains(t, err, message, args)
	}
}

func TestParseHelp(t *testing.T) {
	var out strings.Builder
	_, err := parse([]string{"--help"}, &out)
	require.ErrorIs(t, err, flag.ErrHelp)
	require.Contains(t, out.String(), "-db-filename")
}
