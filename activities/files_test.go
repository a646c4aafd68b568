package activities_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"gocloud.dev/blob/fileblob"

	"github.com/waybill-io/waybill/activities"
)

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	bucket, err := fileblob.OpenBucket(dir, &fileblob.Options{NoTempDir: true, Metadata: fileblob.MetadataDontWrite})
	require.NoError(t, err)
	defer bucket.Close()
	files := activities.NewFiles(bucket)
	write := func(key string, end error) error {
		return files.Write(t.Context(), key, "text/plain", func(w io.Writer) error {
			_, err := io.WriteString(w, "hello")
			return errors.Join(err, end)
		})
	}
	require.NoError(t, write("mail/a/1/raw.eml", nil))
	require.NoError(t, files.Write(t.Context(), "mail/a/1/1-part-1", "text plain/", func(io.Writer) error { return nil }))
	r, err := files.Open(t.Context(), "mail/a/1/raw.eml")
	require.NoError(t, err)
	text, err := io.ReadAll(r)
	require.NoError(t, errors.Join(err, r.Close()))
	require.Equal(t, "hello", string(text))

	cut := errors.New("connection lost")
	require.ErrorIs(t, write("mail/a/2/raw.eml", cut), cut)
	_, err = files.Open(t.Context(), "mail/a/2/raw.eml")
	require.ErrorIs(t, err, fs.ErrNotExist, "half a file is no file")

	require.NoError(t, write("mail/a/1/2/plan.txt", nil))
	require.NoError(t, write("mail/a/10/raw.eml", nil))
	require.NoError(t, files.Remove(t.Context(), "mail/a/1/"))
	require.NoError(t, files.Remove(t.Context(), "mail/a/1/"), "removing twice is no error")
	var left []string
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if !d.IsDir() {
			left = append(left, filepath.Base(filepath.Dir(path))+"/"+d.Name())
		}
		return err
	}))
	require.Equal(t, []string{"10/raw.eml"}, left)
}

func TestSecret(t *testing.T) {
	t.Setenv("WAYBILL_TEST_SECRET", "hunter2")
	t.Setenv("WAYBILL_SECRET_KEY", "")
	file := filepath.Join(t.TempDir(), "password")
	require.NoError(t, os.WriteFile(file, []byte("hunter3\n"), 0o600))
	for reference, want := range map[string]string{"env:WAYBILL_TEST_SECRET": "hunter2", "file:" + file: "hunter3"} {
		s, err := activities.Secret(reference)
		require.NoError(t, err)
		require.Equal(t, want, s.Reveal())
	}
	for reference, want := range map[string]string{
		"env:WAYBILL_NO_SUCH": "has no variable WAYBILL_NO_SUCH", "file:/no/such": "no such file", "hunter4": "env:NAME, file:/path",
		"sealed:aHVudGVyNQ==": "WAYBILL_SECRET_KEY, which has the key of those who sealed it, is not set",
	} {
		_, err := activities.Secret(reference)
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "hunter")
	}
}
