package files

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/connectors"
)

// Whoever may put files into the folder could put links there.
func TestLinksDoNotLeadOut(t *testing.T) {
	c, folder, _ := connect(t, nil)
	outside := t.TempDir()
	secret := filepath.Join(outside, "secret.txt")
	require.NoError(t, os.WriteFile(secret, []byte("secret"), 0o600))
	require.NoError(t, os.Symlink(outside, filepath.Join(folder, "out")))
	require.NoError(t, os.Symlink(secret, filepath.Join(folder, "link.txt")))
	require.NoError(t, os.Symlink("../"+filepath.Base(outside), filepath.Join(folder, "up")))
	for _, key := range []string{"out/secret.txt", "link.txt", "up/secret.txt", "out/new.txt"} {
		for action, inputs := range map[string]map[string]any{
			"PUT": {"key": key, "text": "x"}, "GET": {"key": key}, "DELETE": {"key": key}, "PRESIGN": {"key": key},
		} {
			_, err := call(t, c, action, inputs)
			failure := connectors.AsError(err)
			require.NotNil(t, failure, "%s %s", action, key)
			require.Equal(t, connectors.CodeInvalidInput, failure.Code, "%s %s: %v", action, key, err)
			require.Equal(t, "key: it leads out of the folder", failure.Public)
		}
	}
	text, err := os.ReadFile(secret)
	require.NoError(t, err)
	require.Equal(t, "secret", string(text))
	entries, err := os.ReadDir(outside)
	require.NoError(t, err)
	require.Len(t, entries, 1)

	_, err = call(t, c, "PUT", map[string]any{"key": "inside/a.txt", "text": "x"})
	require.NoError(t, err)
	require.NoError(t, os.Symlink("inside", filepath.Join(folder, "alias")))
	_, err = call(t, c, "GET", map[string]any{"key": "alias/a.txt"})
	require.NoError(t, err, "a link that stays within leads where it says")
}
