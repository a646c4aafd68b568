package bpmn

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files")

// TestGolden compares each model of testdata/models, and its warnings, with the file NAME.golden beside it.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/models/*.bpmn")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		base := strings.TrimSuffix(file, ".bpmn")
		t.Run(filepath.Base(base), func(t *testing.T) {
			src, err := os.ReadFile(file)
			require.NoError(t, err)
			opts := Options{ExtensionsName: filepath.Base(base) + "-extensions.json"}
			if ext, err := os.ReadFile(base + "-extensions.json"); err == nil {
				opts.Extensions = ext
			}
			m, err := Parse(filepath.Base(file), src, opts)
			require.NoError(t, err)
			text := dump(m, true) + "\n"
			for _, w := range Lint(m) {
				text += w.String() + "\n"
			}
			golden := base + ".golden"
			if *update {
				require.NoError(t, os.WriteFile(golden, []byte(text), 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			require.Equal(t, string(want), text)

			stripped, err := Strip(src)
			require.NoError(t, err)
			require.Less(t, len(stripped), len(src))
			again, err := Parse(m.Name, stripped, opts)
			require.NoError(t, err)
			require.Equal(t, dump(m, false), dump(again, false), "a stripped model is the same model")
		})
	}
}

func TestMapDefaultAll(t *testing.T) {
	src, err := os.ReadFile("testdata/models/firstgen.bpmn")
	require.NoError(t, err)
	ext, err := os.ReadFile("testdata/models/firstgen-extensions.json")
	require.NoError(t, err)
	m, err := Parse("firstgen.bpmn", src, Options{Extensions: ext, MapDefault: MapAll})
	require.NoError(t, err)
	p := m.Processes[0]
	require.Equal(t, MapAll, p.MapDefault)
	require.False(t, p.Node("t").Mapping.AllInputs, "an entry without a mapping type is the whole mapping")
	require.True(t, p.Node("u").Mapping.AllInputs, "constants alone are no mapping entry")
	require.True(t, p.Node("u").Mapping.AllOutputs)
	require.Nil(t, p.Node("s").Mapping)
	require.Nil(t, p.Node("nothing"))

	_, err = Parse("firstgen.bpmn", src, Options{MapDefault: "some"})
	require.ErrorContains(t, err, `mapping default "some"`)
}
