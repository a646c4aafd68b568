package scenario

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// A live server keeps messages by its own clock, so this is no case of the common scenarios.
func TestThrownMessageIsGoneAfterAnHour(t *testing.T) {
	models, err := filepath.Abs("../scenarios/message-throw-event")
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "gone.yaml")
	require.NoError(t, os.WriteFile(file, []byte(`
deploy: [thrower.bpmn, listener.bpmn, begun.bpmn]
cases:
  - name: gone
    steps:
      - start: {process: thrower, variables: {to: K, text: x}}
      - advance: PT61M
      - start: {process: listener, businessKey: K, as: late}
      - expect: {instance: late, active: [wait]}
`), 0o600))
	summary, err := RunFiles(t.Context(), []string{file}, Options{Models: models})
	require.NoError(t, err)
	require.Equal(t, Summary{Passed: 1}, summary)
}
