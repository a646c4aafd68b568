package bpmn

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func codes(warnings []Warning) []string {
	var list []string
	for _, w := range warnings {
		list = append(list, w.Code)
	}
	return list
}

// graph builds a process from "a>b" flows; the first letter of an id says what it is: s start, x exclusive, p
// parallel, e end, anything else a task. A flow written "a>b:text" has the condition ${text}.
func graph(flows string, more string) []byte {
	var b strings.Builder
	seen := map[string]bool{}
	node := func(id string) {
		if seen[id] {
			return
		}
		seen[id] = true
		kind := map[byte]string{'s': "startEvent", 'x': "exclusiveGateway", 'p': "parallelGateway", 'e': "endEvent"}[id[0]]
		if kind == "" {
			kind = "task"
		}
		fmt.Fprintf(&b, "<%s id=%q/>\n", kind, id)
	}
	for _, flow := range strings.Fields(flows) {
		ends, condition, _ := strings.Cut(flow, ":")
		from, to, _ := strings.Cut(ends, ">")
		node(from)
		node(to)
		fmt.Fprintf(&b, "<sequenceFlow id=%q sourceRef=%q targetRef=%q>", strings.ReplaceAll(ends, ">", "-"), from, to)
		if condition != "" {
			fmt.Fprintf(&b, "<conditionExpression>${%s}</conditionExpression>", condition)
		}
		b.WriteString("</sequenceFlow>\n")
	}
	return model(b.String() + more)
}

func TestLintPaths(t *testing.T) {
	const remind = `<boundaryEvent id="b" attachedToRef="t" cancelActivity="%s"><timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition></boundaryEvent><sequenceFlow sourceRef="b" targetRef="p2"/>`
	tests := []struct {
		name, flows, more string
		want              []string // code, element
	}{
		{"clean", "s>p1 p1>a p1>b a>p2 b>p2 p2>e", "", nil},
		{"unreachable", "s>e lost>e", "", []string{"unreachable lost"}},
		{"no end", "s>x1 x1>a:v x1>b b>c c>b a>e", "", []string{"no-end b"}},
		{"exclusive without default", "s>x1 x1>a:v x1>b:w", "", []string{"exclusive-no-default x1"}},
		{"one conditional flow", "s>x1 x1>a:v", "", []string{"exclusive-no-default x1"}},
		{"unconditional first", "s>x1 x1>a x1>b:w", "", []string{"exclusive-unconditional x1"}},
		{"unconditional last", "s>x1 x1>a:v x1>b", "", nil},
		{"join after exclusive", "s>x1 x1>a:v x1>b a>p2 b>p2 p2>e", "", []string{"join-never-completes p2"}},
		{"join after an uncontrolled split", "s>t t>a t>b a>p2 b>p2 p2>e", "", nil},
		{"join after a fork on one branch only", "s>x1 x1>p1:v x1>a p1>b p1>c b>d c>d d>p2 a>p2 p2>e", "", []string{"join-never-completes p2"}},
		{"join with a loop", "s>p2 p2>x1 x1>p2:v x1>e", "", []string{"join-never-completes p2"}},
		{"join of an interrupting boundary event", "s>t t>p2 p2>e", fmt.Sprintf(remind, "true"), []string{"join-never-completes p2"}},
		{"join of a non-interrupting boundary event", "s>t t>p2 p2>e", fmt.Sprintf(remind, "false"), nil},
		{"fork behind an exclusive gateway", "s>p1 p1>x1 p1>c x1>a:v x1>b a>p2 b>p2 c>p2 p2>e", "", nil},
		{"conditional flow of a parallel gateway", "s>p1 p1>a:v p1>b", "", []string{"ignored-condition p1-a"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m, err := Parse("m.bpmn", graph(test.flows, test.more), Options{})
			require.NoError(t, err)
			var got []string
			for _, w := range Lint(m) {
				require.Equal(t, "m.bpmn", w.File)
				require.Positive(t, w.Line)
				got = append(got, w.Code+" "+w.Element)
			}
			require.Equal(t, test.want, got)
		})
	}
}

func TestLintConnectors(t *testing.T) {
	src := between(`<serviceTask id="e" implementation="slackConnector.SEND_MESSAGE" camunda:asyncBefore="true"><extensionElements><camunda:errorMapping/></extensionElements></serviceTask>`)
	ext := []byte(`{"properties": {"k": {"name": "text", "type": "string"}}}`)
	m, err := Parse("m.bpmn", src, Options{Extensions: ext})
	require.NoError(t, err)
	warnings := Lint(m)
	require.Equal(t, []string{"ignored-extension", "legacy-name", "no-mapping"}, codes(warnings))
	require.Equal(t, `m.bpmn: line 3: serviceTask "e": no mapping entry, and the mapping default is none: the connector gets nothing and writes nothing; all would have sent: text [no-mapping]`, warnings[2].String())

	m, err = Parse("m.bpmn", src, Options{Extensions: ext, MapDefault: MapAll})
	require.NoError(t, err)
	require.Contains(t, Lint(m)[2].Msg, "gets all variables (text) and may write them")
}

func TestLintVariables(t *testing.T) {
	src := model(`<startEvent id="s" activiti:initiator="who"/><sequenceFlow id="f1" sourceRef="s" targetRef="u"/>
<userTask id="u" activiti:assignee="${who}" activiti:candidateUsers="${boss}" name="${title}"/><sequenceFlow id="f2" sourceRef="u" targetRef="c"><conditionExpression>${ok &amp;&amp; made}</conditionExpression></sequenceFlow>
<scriptTask id="c" scriptFormat="js"><script>execution.setVariable('made', 1)</script></scriptTask><sequenceFlow id="f3" sourceRef="c" targetRef="t"/>
<serviceTask id="t" implementation="a.B"/>`)
	m, err := Parse("m.bpmn", src, Options{})
	require.NoError(t, err)
	require.NotContains(t, codes(Lint(m)), "unknown-variable", "who declares nothing gets everything from outside")

	m, err = Parse("m.bpmn", src, Options{Extensions: []byte(`{"properties": {"ok": {"type": "boolean"}}, "mappings": {"t": {
		"inputs": {"a": {"type": "variable", "value": "absent"}, "b": {"type": "value", "value": ["${deep}"]}}, "outputs": {"title": {"type": "variable", "value": "x"}, "ok": {"type": "value", "value": "${x}"}}}}}`)})
	require.NoError(t, err)
	var got []string
	for _, w := range Lint(m) {
		got = append(got, w.Code+" "+w.Element+" "+w.Msg)
	}
	require.Equal(t, []string{
		`unknown-variable u reads the variable "boss", which nothing declares or sets`,
		`undeclared-output t output to "title" is dropped unless the variable exists by then: declare it as a property`,
		`unknown-variable t reads the variable "absent", which nothing declares or sets`,
		`unknown-variable t reads the variable "deep", which nothing declares or sets`,
	}, got)
}

func TestLintNotices(t *testing.T) {
	m, err := Parse("m.bpmn", []byte(`<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"><process id="p" isExecutable="true"><startEvent id="s"/></process>
<process id="q"><startEvent id="t"/></process></definitions>`), Options{})
	require.NoError(t, err)
	require.Equal(t, []string{"ignored-process"}, codes(Lint(m)))
	m, err = Parse("m.bpmn", boundary(`<boundaryEvent id="e" attachedToRef="t"><timerEventDefinition><timeCycle>R3/PT1M</timeCycle></timerEventDefinition></boundaryEvent>`), Options{})
	require.NoError(t, err)
	require.Equal(t, []string{"cycle-once"}, codes(Lint(m)))
}
