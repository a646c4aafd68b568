package project

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// process is a model with one service task on line 4.
func process(id, implementation string) string {
	return `<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" targetNamespace="t"><process id="` + id + `" isExecutable="true">
<startEvent id="start"/>
<sequenceFlow id="f1" sourceRef="start" targetRef="notify"/>
<serviceTask id="notify" implementation="` + implementation + `"/>
<sequenceFlow id="f2" sourceRef="notify" targetRef="end"/>
<endEvent id="end"/>
</process></definitions>`
}

func inputs(text string) string {
	return `{"extensions":{"order":{"mappings":{"notify":{"inputs":{"to":{"type":"value","value":"a@b.c"},` + text + `}}}}}}`
}

const crm = `{"id":"crm","name":"crm","actions":{"a":{"id":"a","name":"LOOKUP"}}}`

func TestFindings(t *testing.T) {
	order := process("order", "email.SEND")
	tests := map[string]struct {
		files    map[string]string
		paths    []string // "": the folder
		errors   []string // each begins with a file
		warnings []string
	}{
		"nothing": {
			files: map[string]string{"README.md": "hello"}, errors: []string{"nothing to deploy: no model (*.bpmn, *.bpmn20.xml)"},
		},
		"no such path": {paths: []string{"ordr.bpmn"}, errors: []string{"ordr.bpmn: there is no such file or folder"}},
		"rate of a connector that is not built in": {
			files: map[string]string{
				"crm.json":  `{"name":"crm","actions":{"a":{"id":"a","name":"LOOKUP"}},"config":[{"name":"CALLS_PER_SECOND","value":"5"}]}`,
				"desk.json": `{"name":"desk","template":"email","config":[{"name":"CALLS_PER_SECOND","value":"5"}]}`,
				"a.bpmn":    process("a", "crm.LOOKUP"), "b.bpmn": process("b", "desk.SEND"),
			},
			warnings: []string{"crm.json: config: CALLS_PER_SECOND has no effect: the worker of crm"},
		},
		"unknown connector": {
			files:  map[string]string{"order.bpmn": process("order", "emal.SEND")},
			errors: []string{`order.bpmn: line 4: serviceTask "notify": unknown connector "emal"; did you mean "email"?`},
		},
		"unknown action": {
			files:  map[string]string{"order.bpmn": process("order", "email.SENT")},
			errors: []string{`order.bpmn: line 4: serviceTask "notify": connector email has no action "SENT"; did you mean "SEND"?`},
		},
		"scripts that cannot run": {
			files: map[string]string{"order.bpmn": strings.Replace(process("order", "email.SEND"), "<endEvent id=\"end\"/>",
				`<endEvent id="end"/><scriptTask id="s" scriptFormat="js"><script>var a = 1;
var = 3;</script></scriptTask>
<userTask id="u"><extensionElements xmlns:camunda="http://camunda.org/schema/1.0/bpmn"><camunda:taskListener event="create"><camunda:script scriptFormat="javascript">task.</camunda:script></camunda:taskListener></extensionElements></userTask>`, 1)},
			errors: []string{
				`order.bpmn: line 6: scriptTask "s": script: JavaScript, line 2:5 Unexpected token =`,
				`order.bpmn: line 8: userTask "u": taskListener: JavaScript, line 1:6 Unexpected end of input`,
			},
		},
		"a connector without action": {
			files:  map[string]string{"order.bpmn": process("order", "email")},
			errors: []string{`order.bpmn: line 4: serviceTask "notify": implementation "email" names no action; known: email.SEND`},
		},
		"an activity of one's own": {
			files: map[string]string{"order.bpmn": process("order", "mealsConnector")},
			warnings: []string{
				`order.bpmn: line 4: serviceTask "notify": implementation "mealsConnector" has no definition: a worker of yours must answer activity type "mealsConnector" on task queue "connector-mealsConnector"`,
			},
		},
		"unknown input and output": {
			files: map[string]string{"order.bpmn": order, "order-extensions.json": `{"extensions":{"order":{
				"properties":{"id":{"id":"id","name":"id","type":"string"}},
				"mappings":{"notify":{"inputs":{"too":{"type":"value","value":"a"}},"outputs":{"id":{"type":"variable","value":"messageID"}}}}}}}`},
			errors: []string{
				`order-extensions.json: process "order": inputs of notify: email.SEND has no input "too"; did you mean "to"?`,
				`order-extensions.json: process "order": outputs of notify: email.SEND has no output "messageID"; did you mean "messageId"?`,
			},
			warnings: []string{`order-extensions.json: process "order": inputs of notify: email.SEND requires input "to"`},
		},
		"all errors at once": {
			files: map[string]string{
				"a.bpmn": process("a", "emal.SEND"), "b.bpmn": "<nonsense/>", "triggers/t.json": `{"event":{"source":"connector.a.EMAIL_RECEIVED","inputs":{"pattern":""}},
					"action":{"source":"command-consumer","payload":{"payloadType":"ReceiveMessagePayload","name":"n"}}}`, "connectors/c.json": `{"name":"C"}`,
			},
			errors: []string{"connectors/c.json: name: ", "a.bpmn: line 4", "b.bpmn: ", "triggers/t.json: name: "},
		},
		"the same process twice": {
			files:  map[string]string{"a.bpmn": order, "b.bpmn": order},
			errors: []string{`b.bpmn: line 1: process "order" is in DIR/a.bpmn too; keep one`},
		},
		"the same connector twice": {
			files:  map[string]string{"connectors/a.json": crm, "connectors/b.json": crm},
			errors: []string{`connectors/b.json: name: connector "crm" is defined in DIR/connectors/a.json too; keep one`},
		},
		"a connector of a built-in name": {
			files:  map[string]string{"connectors/a.json": strings.ReplaceAll(crm, "crm", "email")},
			errors: []string{`connectors/a.json: name: connector "email" is built in; choose another name`},
		},
		"a connector told by its content": {
			files: map[string]string{"crm.json": crm, "order.bpmn": process("order", "crm.LOOKUP")},
		},
		"JSON of no kind": {
			files: map[string]string{"x.json": `{"a":1}`, "order.bpmn": order}, errors: []string{"x.json: neither a trigger"},
		},
		"a file of no kind": {
			files: map[string]string{"tool.jar": "x", "order.bpmn": order}, warnings: []string{"tool.jar: ignored: "},
		},
		"a file of no kind, asked for": {
			files: map[string]string{"README.md": "x"}, paths: []string{"README.md"}, errors: []string{"README.md: cannot be deployed"},
		},
		"stray extensions": {
			files:  map[string]string{"ordr-extensions.json": "{}", "order.bpmn": order},
			errors: []string{"ordr-extensions.json: belongs to no model: ordr.bpmn is not there"},
		},
		"extensions alone": {
			files: map[string]string{"order-extensions.json": "{}", "order.bpmn": order}, paths: []string{"order-extensions.json"},
			errors: []string{"order-extensions.json: is read with its model; deploy DIR/order.bpmn"},
		},
		"missing file": {
			files: map[string]string{
				"order.bpmn": order, "order-extensions.json": inputs(`"template":{"type":"value","value":"templates/reply.ftl"}`), "templates/repl.ftl": "",
			},
			errors:   []string{`order-extensions.json: inputs of notify: template: "templates/reply.ftl": there is no such file in DIR; did you mean "templates/repl.ftl"?`},
			warnings: []string{"templates/repl.ftl: no process refers to this template"},
		},
		"a file outside": {
			files: map[string]string{
				"p/order.bpmn": order, "p/order-extensions.json": inputs(`"template":{"type":"value","value":"../secret.ftl"}`), "secret.ftl": "",
			},
			paths:  []string{"p"},
			errors: []string{`p/order-extensions.json: inputs of notify: template: "../secret.ftl": the name of a file in DIR/p is expected`},
		},
		"a link that leads outside": {
			files: map[string]string{
				"p/order.bpmn": order, "p/order-extensions.json": inputs(`"template":{"type":"value","value":"link.ftl"}`), "secret.ftl": "",
				"p/link.ftl": "-> ../secret.ftl",
			},
			paths:    []string{"p"},
			errors:   []string{`p/order-extensions.json: inputs of notify: template: "link.ftl": a file inside DIR/p is expected`},
			warnings: []string{"p/link.ftl: ignored: not a regular file"},
		},
		"a file that is too large": {
			files: map[string]string{
				"order.bpmn": order, "order-extensions.json": inputs(`"template":{"type":"value","value":"a.ftl"}`), "a.ftl": strings.Repeat("x", 64<<10+1),
			},
			errors:   []string{`order-extensions.json: inputs of notify: template: a.ftl: larger than 64 KiB`},
			warnings: []string{"a.ftl"},
		},
		"a file that is not text": {
			files: map[string]string{
				"order.bpmn": order, "order-extensions.json": inputs(`"attachments":{"type":"value","value":["a.pdf"]}`), "a.pdf": "\xff\xfe",
			},
			errors: []string{`order-extensions.json: inputs of notify: attachments: "a.pdf": only text in UTF-8`},
		},
		"a template with a mistake": {
			files: map[string]string{
				"order.bpmn": order, "order-extensions.json": inputs(`"template":{"type":"value","value":"a.ftl"}`), "a.ftl": "\n<#if x>",
			},
			errors: []string{`order-extensions.json: inputs of notify: template: DIR/a.ftl: line 2: `},
		},
		"a file computed by the process": {
			files: map[string]string{
				"order.bpmn": order, "order-extensions.json": inputs(`"template":{"type":"value","value":"${'a'}"}`),
			},
		},
		"too large for Temporal": {
			files: map[string]string{"order.bpmn": order, "order-extensions.json": `{"extensions":{"order":{"mappings":{"notify":{"inputs":{
				"to":{"type":"value","value":"` + strings.Repeat("a", 1_000_001) + `"}}}}}}}`},
			errors: []string{`order.bpmn: process "order" takes 977 KiB with its extensions and files, more than the 976 KiB`},
		},
		"a trigger for a process that is not here": {
			files: map[string]string{"triggers/t.json": `{"name":"t","event":{"source":"connector.support.EMAIL_RECEIVED","inputs":{"pattern":""}},
				"action":{"source":"command-consumer","payload":{"payloadType":"StartProcessPayload","processDefinitionKey":"order","name":"n"}}}`},
			warnings: []string{`triggers/t.json: action.payload: process "order" is not among these files`},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, test.files)
			paths := []string{dir}
			if test.paths != nil {
				paths = nil
				for _, path := range test.paths {
					paths = append(paths, filepath.Join(dir, path))
				}
			}
			p, err := Load(paths, options(t))
			var errs []string
			if err != nil {
				errs = strings.Split(strings.ReplaceAll(err.Error(), dir+"/", ""), "\n")
			}
			begin(t, test.errors, errs, dir)
			begin(t, test.warnings, slices.DeleteFunc(p.Warnings, noMapping), dir)
		})
	}
}

// write writes files into a folder; "-> NAME" is a link.
func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for file, text := range files {
		path := filepath.Join(dir, file)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		if target, link := strings.CutPrefix(text, "-> "); link {
			require.NoError(t, os.Symlink(target, path))
			continue
		}
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
}

// noMapping leaves bpmn's warning about tasks without a mapping out: most models here have one.
func noMapping(warning string) bool { return strings.HasSuffix(warning, "[no-mapping]") }

// begin checks that every line begins with its wanted text; DIR in it stands for the folder.
func begin(t *testing.T, want, lines []string, dir string) {
	t.Helper()
	require.Len(t, lines, len(want), "%s", strings.Join(lines, "\n"))
	for i := range want {
		line := strings.ReplaceAll(strings.ReplaceAll(lines[i], dir+"/", ""), dir, "DIR")
		require.True(t, strings.HasPrefix(line, strings.ReplaceAll(want[i], "DIR/", "")), "want %q\ngot  %q", want[i], line)
	}
}

// Tests of a process answer its calls themselves, so they need no definition; a definition that is there still counts.
func TestAnyConnector(t *testing.T) {
	dir := t.TempDir()
	load := func(implementation string) (*Project, error) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "order.bpmn"), []byte(process("order", implementation)), 0o600))
		o := options(t)
		o.AnyConnector = true
		return Load([]string{dir}, o)
	}
	p, err := load("erp.BOOK")
	require.NoError(t, err)
	require.Equal(t, "connector-erp", p.Definitions[0].Connectors["erp.BOOK"].TaskQueue)
	_, err = load("email.BOOK")
	require.ErrorContains(t, err, `connector email has no action "BOOK"`)
}
