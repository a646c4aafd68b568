package testsuite_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var shownFile = regexp.MustCompile("(?s)<!-- file: (\\S+) -->\n```\\w+\n(.*?)```\n")

// TestDocumentsShowTheExamples compares the files that documents show with the files themselves, which other tests run.
func TestDocumentsShowTheExamples(t *testing.T) {
	shown := 0
	require.NoError(t, filepath.WalkDir("../docs", func(path string, e fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".md") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, block := range shownFile.FindAllSubmatch(text, -1) {
			file, err := os.ReadFile(filepath.Join("..", string(block[1])))
			if err != nil {
				return err
			}
			require.Equal(t, string(file), string(block[2]), "%s shows another %s", path, block[1])
			shown++
		}
		return nil
	}))
	require.Positive(t, shown)
}
