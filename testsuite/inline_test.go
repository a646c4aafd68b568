package testsuite_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/testsuite"
)

// The images of a template travel with the mail, as docs/writing-a-process.md has it.
func TestImagesInTheText(t *testing.T) {
	e := testsuite.Start(t)
	dir := t.TempDir()
	for name, content := range map[string]string{
		"processes/greet.bpmn": `<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" targetNamespace="t"><process id="greet" isExecutable="true">
<startEvent id="start"/><sequenceFlow id="f1" sourceRef="start" targetRef="reply"/>
<serviceTask id="reply" implementation="email.SEND"/><sequenceFlow id="f2" sourceRef="reply" targetRef="end"/><endEvent id="end"/></process></definitions>`,
		"processes/greet-extensions.json": `{"id": "greet", "name": "Greet", "type": "PROCESS", "extensions": {"greet": {
"properties": {"logo": {"id": "logo", "name": "logo", "type": "file"}, "greeting": {"id": "greeting", "name": "greeting", "type": "string"}},
"mappings": {"reply": {"inputs": {
  "to": {"type": "value", "value": "ann@example.com"}, "from": {"type": "value", "value": "desk@example.com"}, "subject": {"type": "value", "value": "Hello"},
  "template": {"type": "value", "value": "templates/reply.ftl"}, "metadata": {"type": "value", "value": {"greeting": "${greeting}"}}, "inline": {"type": "variable", "value": "logo"}
}}}}}}`,
		"templates/reply.ftl": `<p>${greeting}</p> <img src="cid:logo.svg" alt="Our logo">`,
	} {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	}
	e.Deploy(dir)
	id, _, err := e.Client.Start(t.Context(), client.StartOptions{Key: "greet", Variables: map[string]any{
		"greeting": "Hello <Ann>", "logo": map[string]any{"name": "logo.svg", "mediaType": "image/svg+xml", "text": "<svg/>"},
	}})
	require.NoError(t, err)
	_, err = e.Client.Wait(t.Context(), id)
	require.NoError(t, err)
	m := inbox(t, e, "ann@example.com", 1)
	require.Len(t, m.Attachments, 1)
	require.True(t, m.Attachments[0].Inline)
	require.Equal(t, "image/svg+xml", m.Attachments[0].ContentType)
	require.Equal(t, `<p>Hello &lt;Ann&gt;</p> <img src="cid:`+m.Attachments[0].ContentID+`" alt="Our logo">`, strings.TrimSpace(m.HTML))
}
