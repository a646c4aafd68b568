package bpmn

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestCorpus reads models that other tools wrote: each parses, or is refused with lines and elements. BPMN_CORPUS names
// a folder with more of them. Most exports say isExecutable="false", so each is also read as if it said true.
func TestCorpus(t *testing.T) {
	folders := []string{"testdata/miwg"}
	if more := os.Getenv("BPMN_CORPUS"); more != "" {
		folders = append(folders, more)
	}
	files, parsed, executable := 0, 0, 0
	for _, folder := range folders {
		err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(path) != ".bpmn" {
				return err
			}
			src, err := os.ReadFile(path)
			require.NoError(t, err)
			files++
			if readForeign(t, path, src) {
				parsed++
			}
			if readForeign(t, path, bytes.ReplaceAll(src, []byte(`isExecutable="false"`), []byte(`isExecutable="true" `))) {
				executable++
			}
			return nil
		})
		require.NoError(t, err)
	}
	require.NotZero(t, files)
	t.Logf("%d files: %d parse, %d parse when marked executable", files, parsed, executable)
}

func readForeign(t *testing.T, path string, src []byte) bool {
	t.Helper()
	m, err := Parse(path, src, Options{})
	if err != nil {
		checkRefusal(t, path, err)
		return false
	}
	Lint(m)
	stripped, err := Strip(src)
	require.NoError(t, err, path)
	again, err := Parse(path, stripped, Options{})
	require.NoError(t, err, path)
	require.Equal(t, dump(m, false), dump(again, false), path)
	return true
}

// checkRefusal checks that every finding says where it is.
func checkRefusal(t *testing.T, path string, err error) {
	t.Helper()
	errs := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		errs = joined.Unwrap()
	}
	for _, err := range errs {
		e, ok := errors.AsType[*Error](err)
		require.True(t, ok, "%s: %v", path, err)
		require.Equal(t, path, e.File)
		require.NotEmpty(t, e.Msg)
		if !strings.HasPrefix(e.Msg, "and ") {
			require.Positive(t, e.Line, err.Error())
		}
		if os.Getenv("BPMN_CORPUS_VERBOSE") != "" {
			t.Log(err)
		}
	}
}
