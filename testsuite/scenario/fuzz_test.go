package scenario

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzParse looks for input that makes Parse panic, hang, or give a file with neither an action nor an error in a step.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("../scenarios/*/*.yaml")
	require.NoError(f, err)
	for _, name := range files {
		data, err := os.ReadFile(name)
		require.NoError(f, err)
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Parse("f.yaml", data)
		if err != nil {
			require.True(t, Malformed(err), "%v", err)
			return
		}
		for _, c := range file.Cases {
			for _, s := range c.steps {
				require.NotNil(t, s.action)
			}
		}
	})
}
