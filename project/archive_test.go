package project

import (
	"archive/zip"
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/connectors/jsonfile"
)

const holiday = "testdata/holiday"

// holidayWarnings are what is said of an application project of the original product, each beginning with the file.
var holidayWarnings = []string{
	"decision-tables/auto-approve-extensions.json: ignored: metadata of a part",
	"decision-tables/auto-approve.xml: ignored: a decision table (DMN), which is not executed: write it as a script task",
	"files/policy-extensions.json: ignored: metadata of a part",
	"files/policy.bin: ignored: an uploaded file: give it its real name",
	"forms/approval-form.json: ignored: a form, which nobody shows: user tasks have",
	"holiday.json: ignored: the manifest of a project: nothing is to be done",
	"scripts/count-days-extensions.json: ignored: metadata of a part",
	"ui/process.json: ignored: the definition of a user interface: user tasks are worked on",
	"scripts/count-days.bin: ignored: a script: write it into a script task",
}

func checkHoliday(t *testing.T, p *Project, err error, prefix string) {
	t.Helper()
	require.NoError(t, err)
	require.Len(t, p.Definitions, 1)
	require.Equal(t, "Process_request", p.Definitions[0].Key)
	require.Equal(t, "connector-calendar", p.Definitions[0].Connectors["calendar.BLOCK"].TaskQueue)
	require.Equal(t, "connector-desk-mail", p.Definitions[0].Connectors["desk-mail.SEND"].TaskQueue)
	require.Len(t, p.Connectors, 2)
	require.Len(t, p.Triggers, 1)
	require.Equal(t, prefix+"triggers/holiday-mail.json", p.Triggers[0].File)
	require.Len(t, p.Warnings, len(holidayWarnings), "%s", strings.Join(p.Warnings, "\n"))
	for i, want := range holidayWarnings {
		require.True(t, strings.HasPrefix(p.Warnings[i], prefix+want), "want %q\ngot  %q", prefix+want, p.Warnings[i])
	}
}

func TestApplicationProject(t *testing.T) {
	p, err := Load([]string{holiday}, options(t))
	checkHoliday(t, p, err, holiday+"/")
}

func TestApplicationProjectInAnArchive(t *testing.T) {
	folder, err := Load([]string{holiday}, options(t))
	require.NoError(t, err)
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	for _, root := range []string{"", "holiday/"} {
		var names []string
		contents := map[string]string{}
		require.NoError(t, filepath.WalkDir(holiday, func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			text, err := os.ReadFile(path)
			relative, _ := filepath.Rel(holiday, path) // both are relative
			names, contents[root+relative] = append(names, root+relative), string(text)
			return err
		}))
		contents["__MACOSX/._holiday.json"] = "\x00\x05"
		names = append(names, "__MACOSX/._holiday.json", root+"processes/")
		file := pack(t, "app.zip", names, contents)
		p, err := Load([]string{file}, options(t))
		checkHoliday(t, p, err, file+"/"+root)
		require.Equal(t, folder.Definitions, p.Definitions, "the same content has the same digest")
	}
	left, err := filepath.Glob(filepath.Join(temporary, "waybill-project-*"))
	require.NoError(t, err)
	require.Empty(t, left, "nothing is left behind")
}

// pack makes an archive with entries in this order; a name that ends in a slash is a folder, contents "-> x" a link.
func pack(t *testing.T, name string, names []string, contents map[string]string) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range names {
		h := &zip.FileHeader{Name: name, Method: zip.Deflate}
		text := contents[name]
		switch {
		case strings.HasSuffix(name, "/"):
			h.SetMode(fs.ModeDir | 0o755)
		case strings.HasPrefix(text, "-> "):
			h.SetMode(fs.ModeSymlink | 0o777)
			text = strings.TrimPrefix(text, "-> ")
		}
		if strings.HasSuffix(name, "secret.bpmn") {
			h.Flags |= 1
		}
		out, err := w.CreateHeader(h)
		require.NoError(t, err)
		_, err = out.Write([]byte(text))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	file := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(file, b.Bytes(), 0o600))
	return file
}

func TestArchivesThatAreRefused(t *testing.T) {
	model := process("order", "crm.LOOKUP")
	for name, test := range map[string]struct {
		names    []string
		contents map[string]string
		errors   []string // each begins with the archive
		warnings []string
	}{
		"a way out":           {names: []string{"../order.bpmn"}, errors: []string{`ZIP: entry "../order.bpmn": the name of a file inside of the archive is expected`}},
		"a way out, deeper":   {names: []string{"a/../../order.bpmn"}, errors: []string{`ZIP: entry "a/../../order.bpmn": the name of a file inside`}},
		"an absolute name":    {names: []string{"/tmp/order.bpmn"}, errors: []string{`ZIP: entry "/tmp/order.bpmn": the name of a file inside`}},
		"a name of Windows":   {names: []string{`a\order.bpmn`}, errors: []string{`ZIP: entry "a\\order.bpmn": the name of a file inside`}},
		"a file twice":        {names: []string{"a.bpmn", "a.bpmn"}, errors: []string{`ZIP/a.bpmn: it is in the archive twice`}},
		"an encrypted file":   {names: []string{"secret.bpmn"}, errors: []string{`ZIP/secret.bpmn: it is encrypted`}},
		"a file as a folder":  {names: []string{"a", "a/order.bpmn"}, errors: []string{`ZIP/a/order.bpmn: `}},
		"an empty one":        {errors: []string{`nothing to deploy`}},
		"a link":              {names: []string{"link.bpmn"}, contents: map[string]string{"link.bpmn": "-> /etc/passwd"}, errors: []string{"nothing to deploy"}, warnings: []string{"ZIP/link.bpmn: ignored: not a regular file"}},
		"an archive in it":    {names: []string{"inner.zip"}, errors: []string{"nothing to deploy"}, warnings: []string{"ZIP/inner.zip: ignored: an archive inside of the project: deploy it by itself"}},
		"mistakes in a model": {names: []string{"p/order.bpmn"}, contents: map[string]string{"p/order.bpmn": model}, errors: []string{`ZIP/p/order.bpmn: line 4: serviceTask "notify": unknown connector "crm"`}},
		"all mistakes, each by itself": {
			names: []string{"a.bpmn", "connectors/c.json"}, contents: map[string]string{"a.bpmn": "<x/>", "connectors/c.json": `{"name":"C","colour":1}`},
			errors: []string{`ZIP/connectors/c.json: name: "C" is not a connector name`, `ZIP/connectors/c.json: colour: unknown field`, `ZIP/a.bpmn: `},
		},
	} {
		t.Run(name, func(t *testing.T) {
			file := pack(t, "app.zip", test.names, test.contents)
			p, err := Load([]string{file}, options(t))
			var errs []string
			for _, e := range jsonfile.Parts(err) {
				errs = append(errs, strings.ReplaceAll(e.Error(), file, "ZIP"))
			}
			begin(t, test.errors, errs, "-")
			var warnings []string
			for _, w := range slices.DeleteFunc(p.Warnings, noMapping) {
				warnings = append(warnings, strings.ReplaceAll(w, file, "ZIP"))
			}
			begin(t, test.warnings, warnings, "-")
		})
	}
	file := filepath.Join(t.TempDir(), "app.zip")
	require.NoError(t, os.WriteFile(file, []byte("no archive"), 0o600))
	_, err := Load([]string{file}, options(t))
	require.ErrorContains(t, err, file+": zip: not a valid zip file")
	require.NoError(t, os.Truncate(file, maxArchive+1))
	_, err = Load([]string{file}, options(t))
	require.ErrorContains(t, err, "50 MiB, at most 50 are taken")
}

// What an archive unpacks to is counted as it comes, and the first byte too many ends it.
func TestArchiveThatGrows(t *testing.T) {
	file := pack(t, "app.zip", []string{"a.bpmn", "b.bpmn"}, map[string]string{"a.bpmn": strings.Repeat("x", 60), "b.bpmn": strings.Repeat("x", 60)})
	r, err := zip.OpenReader(file)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Close()) })
	root, err := os.OpenRoot(t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, root.Close()) })
	u := &unpacker{loader: &loader{project: &Project{}}, archive: "app.zip", root: root, left: 100}
	require.NoError(t, u.entry(r.File[0]))
	require.ErrorIs(t, u.entry(r.File[1]), errFull)
}

func TestLookalikes(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"order.bpmn":             process("order", "email-connector-1.SEND"),
		"connectors/mail.json":   `{"name":"email-connector-1","actions":{"a":{"id":"a","name":"SEND","inputs":[{"id":"1","name":"to","type":"string"}]}}}`,
		"connectors/orders.json": strings.ReplaceAll(crm, "crm", "orders"),
	})
	p, err := Load([]string{dir}, options(t))
	require.NoError(t, err)
	begin(t, []string{`connectors/mail.json: connector "email-connector-1" has the actions of email, which is built in, and does not name it`},
		slices.DeleteFunc(p.Warnings, noMapping), dir)
}
