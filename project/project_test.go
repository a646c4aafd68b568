package project

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/bpmn"
	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/definition"
)

func TestLoadFolder(t *testing.T) {
	p, err := Load([]string{"testdata/support"}, options(t))
	require.NoError(t, err)
	require.Empty(t, p.Warnings)

	require.Len(t, p.Definitions, 1)
	d := p.Definitions[0]
	require.Equal(t, "support", d.Key)
	require.Equal(t, "Support desk", d.Name)
	require.Equal(t, "support.bpmn", d.File)
	require.Len(t, d.Digest, 64)
	require.Equal(t, contract.Binding{
		TaskQueue: "waybill",
		Retry:     contract.Retry{Attempts: 10, IntervalMS: 1000, Coefficient: 2, MaxMS: 300_000},
		TimeoutMS: 60_000,
	}, d.Connectors["email.SEND"])
	require.Equal(t, "connector-crm", d.Connectors["crm.LOOKUP"].TaskQueue)
	require.EqualValues(t, 3_600_000, d.Connectors["crm.LOOKUP"].UnclaimedMS, "a connector without a worker is an incident")

	model := unpack(t, d.Model)
	require.Contains(t, string(model), `implementation="email.SEND"`)
	require.NotContains(t, string(model), "BPMNDiagram")

	require.Len(t, p.Triggers, 1)
	require.Equal(t, "support-mail", p.Triggers[0].Name)
	require.Equal(t, "connector.support.EMAIL_RECEIVED", p.Triggers[0].Source)
	require.True(t, json.Valid(p.Triggers[0].Raw))

	require.Len(t, p.Connectors, 1)
	require.Equal(t, "crm", p.Connectors[0].Name)
}

// What a file says must reach the connector as it is: "${currency}" in it is no expression of the process.
func TestFilesAreInlined(t *testing.T) {
	p, err := Load([]string{"testdata/support"}, options(t))
	require.NoError(t, err)
	d := p.Definitions[0]
	process, err := definition.Parse(d, 0)
	require.NoError(t, err)
	mapping := process.Node("answer").Mapping

	files := map[string]connectors.File{}
	for _, param := range append(mapping.Inputs, mapping.Constants...) {
		if param.Name != "template" && param.Name != "attachments" {
			continue
		}
		require.Nil(t, param.Expr)
		require.False(t, param.Dynamic)
		found, err := connectors.ParseFiles(param.Value)
		require.NoError(t, err)
		require.Len(t, found, 1)
		files[param.Name] = found[0]
	}
	require.Equal(t, map[string]connectors.File{
		"template":    {Name: "answer.ftl", MediaType: "text/html", Text: "<p>Dear ${tier} customer, we have your mail.</p>\n"},
		"attachments": {Name: "terms.txt", MediaType: "text/plain", Text: "Prices are in ${currency}.\n"},
	}, files)
}

// The digest decides whether a deployment makes a new version, so it must follow from the content alone.
func TestDigest(t *testing.T) {
	load := func(t *testing.T, o Options, paths ...string) contract.Definition {
		p, err := Load(paths, o)
		require.NoError(t, err)
		return p.Definitions[0]
	}
	want := load(t, options(t), "testdata/support")

	moved := t.TempDir()
	require.NoError(t, os.CopyFS(moved, os.DirFS("testdata/support")))
	edit := func(t *testing.T, name, old, new string) {
		path := filepath.Join(moved, name)
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Contains(t, string(text), old)
		require.NoError(t, os.WriteFile(path, []byte(strings.ReplaceAll(string(text), old, new)), 0o600))
	}
	require.Equal(t, want, load(t, options(t), moved), "another folder")
	require.Equal(t, want, load(t, options(t), filepath.Join(moved, "processes/support.bpmn"), filepath.Join(moved, "connectors/crm.json")),
		"file by file")
	none := options(t)
	none.MapDefault = bpmn.MapNone
	require.Equal(t, want, load(t, none, moved), "the default written out")
	edit(t, "processes/support.bpmn", `x="0"`, `x="100"`)
	edit(t, "processes/support-extensions.json", "\n  ", "\n      ")
	require.Equal(t, want, load(t, options(t), moved), "moved shapes and other indentation")

	all := options(t)
	all.MapDefault = bpmn.MapAll
	require.NotEqual(t, want.Digest, load(t, all, moved).Digest, "another mapping default")
	edit(t, "templates/answer.ftl", "Dear", "Hello")
	require.NotEqual(t, want.Digest, load(t, options(t), moved).Digest, "another template")
}

func unpack(t *testing.T, data []byte) []byte {
	r, err := gzip.NewReader(bytes.NewReader(data))
	require.NoError(t, err)
	text, err := io.ReadAll(r)
	require.NoError(t, err)
	return text
}
