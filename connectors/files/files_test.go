package files

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"gocloud.dev/blob"
	"gocloud.dev/blob/driver"
	"gocloud.dev/gcerrors"

	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/connectors/connectortest"
)

const secret = "hunter2-hunter2-hunter2-hunter2-secret"

// worker is the worker's blob store, in memory.
type worker struct {
	mu    sync.Mutex
	files map[string]string
}

func (w *worker) Open(_ context.Context, uri string) (io.ReadCloser, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	text, ok := w.files[uri]
	if !ok {
		return nil, os.ErrNotExist
	}
	return io.NopCloser(strings.NewReader(text)), nil
}

func (w *worker) Write(_ context.Context, uri, _ string, fill func(io.Writer) error) error {
	var b strings.Builder
	if err := fill(&b); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.files[uri] = b.String()
	return nil
}

func newWorker() *worker { return &worker{files: map[string]string{}} }

// connect makes a connector over a new folder.
func connect(t *testing.T, settings map[string]string) (c *connector, folder string, w *worker) {
	t.Helper()
	folder = t.TempDir()
	all := map[string]string{"FILES_URL": "file://" + folder, "FILES_SECRET": secret, "FILES_PUBLIC_URL": "https://gateway.example.com/connectors/files"}
	for name, value := range settings {
		all[name] = value
	}
	w = newWorker()
	template := Template()
	made, err := template.Make(connectors.Instance{Definition: template.Definition, Settings: connectortest.Settings(template.Definition, all), Files: w})
	require.NoError(t, err)
	c = made.(*connector)
	t.Cleanup(func() { require.NoError(t, c.bucket.Close()) })
	return c, folder, w
}

func call(t *testing.T, c connectors.Connector, action string, inputs map[string]any) (map[string]any, error) {
	t.Helper()
	return connectors.Do(t.Context(), c, connectors.Call{Action: action, IdempotencyKey: "instance/1", Inputs: inputs})
}

func run(t *testing.T, c connectors.Connector, action string, inputs map[string]any) map[string]any {
	t.Helper()
	outputs, err := call(t, c, action, inputs)
	require.NoError(t, err)
	return outputs
}

func code(t *testing.T, c connectors.Connector, action string, inputs map[string]any) string {
	t.Helper()
	_, err := call(t, c, action, inputs)
	require.Error(t, err, "%s %v", action, inputs)
	return connectors.AsError(err).Code
}

// stuck is a store that never answers.
type stuck struct {
	driver.Bucket
	entered chan<- struct{}
}

func (s stuck) wait(ctx context.Context) error {
	s.entered <- struct{}{}
	<-ctx.Done()
	return ctx.Err()
}

func (s stuck) NewTypedWriter(ctx context.Context, _, _ string, _ *driver.WriterOptions) (driver.Writer, error) {
	return nil, s.wait(ctx)
}
func (s stuck) NewRangeReader(ctx context.Context, _ string, _, _ int64, _ *driver.ReaderOptions) (driver.Reader, error) {
	return nil, s.wait(ctx)
}
func (s stuck) ListPaged(ctx context.Context, _ *driver.ListOptions) (*driver.ListPage, error) {
	return nil, s.wait(ctx)
}
func (s stuck) Delete(ctx context.Context, _ string, _ *driver.DeleteOptions) error {
	return s.wait(ctx)
}
func (s stuck) SignedURL(ctx context.Context, _ string, _ *driver.SignedURLOptions) (string, error) {
	return "", s.wait(ctx)
}
func (s stuck) Close() error                       { return nil }
func (s stuck) ErrorAs(error, any) bool            { return false }
func (s stuck) ErrorCode(error) gcerrors.ErrorCode { return gcerrors.Unknown }

func TestKit(t *testing.T) {
	c, folder, _ := connect(t, map[string]string{"FILES_MAX_BYTES": "1000"})
	run(t, c, "PUT", map[string]any{"key": "there.txt", "text": "x"})
	require.NoError(t, os.WriteFile(filepath.Join(folder, "big"), make([]byte, 1001), 0o600))
	unsigned, _, _ := connect(t, map[string]string{"FILES_SECRET": "", "FILES_PUBLIC_URL": ""})
	off, err := Template().Make(connectors.Instance{Definition: Template().Definition, Settings: connectortest.Settings(Template().Definition, nil)})
	require.NoError(t, err)
	alone, _, _ := connect(t, nil)
	alone.files = nil
	run(t, alone, "PUT", map[string]any{"key": "a.bin", "text": "x", "mediaType": "image/png"})

	fail := func(name string, c connectors.Connector, kind connectors.Kind, code, action string, inputs map[string]any) connectortest.Failure {
		return connectortest.Failure{Name: name, Connector: c, Kind: kind, Code: code, Call: connectors.Call{Action: action, Inputs: inputs}}
	}
	connectortest.Run(t, connectortest.Kit{
		Connector: c,
		Samples: map[string]map[string]any{
			"PUT": {"key": "a/b.txt", "text": "hello"}, "GET": {"key": "there.txt"}, "LIST": {"prefix": "a/"},
			"DELETE": {"key": "a/gone.txt"}, "PRESIGN": {"key": "there.txt"},
		},
		Stuck: func(*testing.T) (connectors.Connector, <-chan struct{}) {
			entered := make(chan struct{}, 10)
			bucket := blob.NewBucket(stuck{entered: entered})
			t.Cleanup(func() { require.NoError(t, bucket.Close()) })
			return &connector{definition: Template().Definition, store: store{bucket: bucket, maxSize: 1000}}, entered
		},
		Failures: []connectortest.Failure{
			fail("not configured", off, connectors.Permanent, connectors.CodeNotConfigured, "GET", map[string]any{"key": "a"}),
			fail("not there", c, connectors.BPMN, connectors.CodeNotFound, "GET", map[string]any{"key": "a/nothing"}),
			fail("there", c, connectors.BPMN, codeExists, "PUT", map[string]any{"key": "there.txt", "text": "y", "ifAbsent": true}),
			fail("key", c, connectors.BPMN, connectors.CodeInvalidInput, "GET", map[string]any{"key": "../passwd"}),
			fail("large to get", c, connectors.BPMN, codeTooLarge, "GET", map[string]any{"key": "big"}),
			fail("large to put", c, connectors.BPMN, codeTooLarge, "PUT", map[string]any{"key": "big2", "text": strings.Repeat("x", 1001)}),
			fail("nothing to put", c, connectors.BPMN, connectors.CodeInvalidInput, "PUT", map[string]any{"key": "a"}),
			fail("file that is not there", c, connectors.BPMN, connectors.CodeInvalidInput, "PUT", map[string]any{"key": "a", "file": map[string]any{"name": "n", "uri": "gone"}}),
			fail("under a file", c, connectors.BPMN, connectors.CodeInvalidInput, "PUT", map[string]any{"key": "there.txt/a", "text": "x"}),
			fail("over a folder", c, connectors.BPMN, connectors.CodeInvalidInput, "PUT", map[string]any{"key": "a", "text": "x"}),
			fail("unsigned", unsigned, connectors.Permanent, connectors.CodeNotConfigured, "PRESIGN", map[string]any{"key": "a"}),
			fail("no blob store", alone, connectors.Permanent, connectors.CodeNotConfigured, "GET", map[string]any{"key": "a.bin"}),
		},
		Secrets: []string{secret},
		Keyless: []string{"PUT", "GET", "LIST", "DELETE", "PRESIGN"},
	})
}

func TestPutAndGet(t *testing.T) {
	c, folder, w := connect(t, nil)
	require.Equal(t, map[string]any{"key": "a/ü.txt", "size": int64(5)}, run(t, c, "PUT", map[string]any{"key": "a/ü.txt", "text": "häll"}))
	outputs := run(t, c, "GET", map[string]any{"key": "a/ü.txt"})
	require.NotEmpty(t, outputs["modified"])
	delete(outputs, "modified")
	require.Equal(t, map[string]any{
		"file": map[string]any{"name": "ü.txt", "mediaType": "text/plain; charset=utf-8", "text": "häll"}, "text": "häll", "mediaType": "text/plain; charset=utf-8", "size": int64(5),
	}, outputs)

	// What is no short text is copied for the process, and stays what it was.
	picture := "\x89PNG\x00\xff"
	w.files["in"] = picture
	run(t, c, "PUT", map[string]any{"key": "p.png", "file": map[string]any{"name": "x.png", "mediaType": "image/png", "uri": "in"}})
	outputs = run(t, c, "GET", map[string]any{"key": "p.png"})
	file, err := connectors.ParseFiles(outputs["file"])
	require.NoError(t, err)
	require.Equal(t, "image/png", file[0].MediaType)
	require.Equal(t, int64(len(picture)), file[0].Size)
	require.Nil(t, outputs["text"])
	run(t, c, "PUT", map[string]any{"key": "p.png", "text": "other"})
	r, err := file[0].Open(t.Context(), w)
	require.NoError(t, err)
	content, err := io.ReadAll(r)
	require.NoError(t, err)
	require.Equal(t, picture, string(content))

	// Long texts, and what a type does not tell.
	run(t, c, "PUT", map[string]any{"key": "long", "text": strings.Repeat("x", maxInline+1)})
	require.Nil(t, run(t, c, "GET", map[string]any{"key": "long"})["text"])
	run(t, c, "PUT", map[string]any{"key": "full", "text": strings.Repeat("x", maxInline)})
	require.Len(t, run(t, c, "GET", map[string]any{"key": "full"})["text"], maxInline)
	for name, text := range map[string]any{"foreign.csv": "a;b\n", "foreign.bin": nil} { // stored by another program
		content := "a;b\n"
		if text == nil {
			content = "a\x00b"
		}
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600))
		require.Equal(t, text, run(t, c, "GET", map[string]any{"key": name})["text"], name)
	}
	for mediaType, inline := range map[string]bool{"application/json": true, "application/atom+xml": true, "text/plain; charset=iso-8859-1": false, "application/pdf": false} {
		run(t, c, "PUT", map[string]any{"key": "typed", "text": "x", "mediaType": mediaType})
		require.Equal(t, inline, run(t, c, "GET", map[string]any{"key": "typed"})["text"] != nil, mediaType)
	}
	require.Equal(t, connectors.CodeInvalidInput, code(t, c, "PUT", map[string]any{"key": "a.txt", "text": "x", "mediaType": "text/plain\r\nX: y"}))
	require.Equal(t, connectors.CodeInvalidInput, code(t, c, "PUT", map[string]any{"key": "a.txt", "text": "x", "file": map[string]any{"name": "n", "text": "y"}}))
	require.Equal(t, connectors.CodeInvalidInput, code(t, c, "PUT", map[string]any{"key": "a.txt", "file": []any{map[string]any{"name": "n", "text": "y"}, map[string]any{"name": "m", "text": "y"}}}))
}

func TestPutIsWholeOrNot(t *testing.T) {
	c, folder, _ := connect(t, map[string]string{"FILES_MAX_BYTES": "10"})
	run(t, c, "PUT", map[string]any{"key": "a", "text": "before"})
	require.Equal(t, codeTooLarge, code(t, c, "PUT", map[string]any{"key": "a", "text": "longer than ten"}))
	require.Equal(t, "before", run(t, c, "GET", map[string]any{"key": "a"})["text"])
	_, err := c.write(t.Context(), "b", io.MultiReader(strings.NewReader("half"), failing{}), nil)
	require.ErrorContains(t, err, "disk on fire")
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Len(t, entries, 2, "the file and what is known of it")
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("disk on fire") }

func TestIfAbsent(t *testing.T) {
	c, _, _ := connect(t, nil)
	inputs := map[string]any{"key": "once", "text": "one", "ifAbsent": true}
	put := func(key string) (map[string]any, error) {
		return connectors.Do(t.Context(), c, connectors.Call{Action: "PUT", IdempotencyKey: key, Inputs: inputs})
	}
	first, err := put("instance/1")
	require.NoError(t, err)
	again, err := put("instance/1")
	require.NoError(t, err, "a repetition after a lost answer")
	require.Equal(t, first, again)
	_, err = put("instance/2")
	require.Equal(t, codeExists, connectors.AsError(err).Code)
}

func TestListPages(t *testing.T) {
	c, _, _ := connect(t, map[string]string{"FILES_PREFIX": "mine"})
	for _, key := range []string{"b/3", "a", "b/1", "b/2", "c"} {
		run(t, c, "PUT", map[string]any{"key": key, "text": key})
	}
	require.NoError(t, c.bucket.WriteAll(t.Context(), "yours/b/0", []byte("x"), nil))
	keys := func(inputs map[string]any) (all []string, pages int) {
		for {
			outputs := run(t, c, "LIST", inputs)
			pages++
			for _, f := range outputs["files"].([]any) {
				file := f.(map[string]any)
				all = append(all, file["key"].(string))
				require.Equal(t, int64(len(file["key"].(string))), file["size"])
				require.NoError(t, connectors.TypeDatetime.Check(file["modified"]))
			}
			if outputs["token"] == nil {
				return all, pages
			}
			inputs["token"] = outputs["token"]
		}
	}
	all, pages := keys(map[string]any{})
	require.Equal(t, []string{"a", "b/1", "b/2", "b/3", "c"}, all, "only what is under the prefix")
	require.Equal(t, 1, pages)
	all, pages = keys(map[string]any{"limit": 2.0})
	require.Equal(t, []string{"a", "b/1", "b/2", "b/3", "c"}, all)
	require.Equal(t, 3, pages)
	all, _ = keys(map[string]any{"prefix": "b/", "limit": int64(1)})
	require.Equal(t, []string{"b/1", "b/2", "b/3"}, all)
	all, _ = keys(map[string]any{"prefix": "nothing"})
	require.Empty(t, all)
	for _, inputs := range []map[string]any{{"limit": 0.0}, {"limit": 1001.0}, {"limit": 1e18}, {"token": "*"}, {"prefix": "../yours"}, {"prefix": "/"}} {
		require.Equal(t, connectors.CodeInvalidInput, code(t, c, "LIST", inputs), "%v", inputs)
	}
}

func TestDelete(t *testing.T) {
	c, folder, _ := connect(t, nil)
	run(t, c, "PUT", map[string]any{"key": "a", "text": "x"})
	removed := run(t, c, "DELETE", map[string]any{"key": "a"})
	require.Equal(t, removed, run(t, c, "DELETE", map[string]any{"key": "a"}), "the answer to the first may have been lost")
	require.Equal(t, connectors.CodeNotFound, code(t, c, "GET", map[string]any{"key": "a"}))
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Empty(t, entries)
}

// TestKeysStayInside: none of these reaches a file outside of the folder, by any action.
func TestKeysStayInside(t *testing.T) {
	c, folder, _ := connect(t, map[string]string{"FILES_PREFIX": "in/side"})
	outside := filepath.Join(filepath.Dir(folder), "outside.txt")
	require.NoError(t, os.WriteFile(outside, []byte("untouched"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "outside.txt"), []byte("untouched"), 0o600))
	for _, key := range []string{
		"..", "../outside.txt", "../../outside.txt", "../../../outside.txt", "a/../../outside.txt", "a/..", "./a", "a/./b", "/etc/passwd", outside, "//a", "a//b", "a/", "/",
		`..\outside.txt`, `a\..\b`, `C:\a`, "a\x00b", "a\nb", "a\u202eb", "a\u200bb", "\xff\xfe", ".. /a", " ..", "../", "a/.. /b", strings.Repeat("a", 201), strings.Repeat("a/", 460) + "a", "x.attrs", "",
	} {
		for _, action := range []string{"PUT", "GET", "DELETE", "PRESIGN"} {
			got := code(t, c, action, map[string]any{"key": key, "text": "attack"})
			require.Contains(t, []string{connectors.CodeInvalidInput, connectors.CodeMissingInput}, got, "%s %q", action, key)
		}
	}
	// What looks like an escape is a name like any other.
	for _, key := range []string{"%2e%2e/a", "..a/b..", "...", "~/a", "$HOME/a", "a b", "__0x2e____0x2e__/a", "ü/😀"} {
		run(t, c, "PUT", map[string]any{"key": key, "text": "x"})
		require.Equal(t, "x", run(t, c, "GET", map[string]any{"key": key})["text"], key)
		if !strings.HasPrefix(key, "__0x") { // which the driver writes otherwise
			_, err := os.Stat(filepath.Join(folder, "in", "side", key))
			require.NoError(t, err)
		}
	}
	for _, path := range []string{outside, filepath.Join(folder, "outside.txt")} {
		content, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, "untouched", string(content))
	}
}

func FuzzKey(f *testing.F) {
	for _, key := range []string{"a/b", "../a", `a\b`, "a//b", "a\x00"} {
		f.Add(key)
	}
	root := filepath.Join(string(filepath.Separator)+"srv", "files")
	f.Fuzz(func(t *testing.T, key string) {
		if checkKey(key) == nil {
			require.Equal(t, root+string(filepath.Separator)+key, filepath.Join(root, key), "it means what it says")
		}
	})
}

func TestWrongSettings(t *testing.T) {
	for _, test := range []struct{ name, value, want string }{
		{"FILES_URL", "s3://bucket", "FILES_URL s3: is not supported"}, {"FILES_URL", "file:///nowhere/at/all", "FILES_URL"}, {"FILES_URL", "::", "FILES_URL"}, {"FILES_URL", "file:///tmp?x=1", "FILES_URL"},
		{"FILES_PREFIX", "../a", "FILES_PREFIX"}, {"FILES_MAX_BYTES", "0", "FILES_MAX_BYTES"}, {"FILES_SECRET", "short", "FILES_SECRET has 5 characters"}, {"FILES_SECRET", "", "FILES_SECRET has 0"},
		{"FILES_PUBLIC_URL", "gateway", "FILES_PUBLIC_URL"}, {"FILES_PUBLIC_URL", "", "FILES_PUBLIC_URL"}, {"FILES_PUBLIC_URL", "javascript:alert(1)", "FILES_PUBLIC_URL"},
	} {
		all := map[string]string{"FILES_URL": "mem://", "FILES_SECRET": secret, "FILES_PUBLIC_URL": "https://gateway.example.com/connectors/files"}
		all[test.name] = test.value
		template := Template()
		_, err := template.Make(connectors.Instance{Definition: template.Definition, Settings: connectortest.Settings(template.Definition, all)})
		require.ErrorContains(t, err, test.want)
		require.NotContains(t, err.Error(), secret)
	}
}
