package bpmn

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// drawn is a model with a diagram around what is given.
func drawn(elements, shapes string) []byte {
	return []byte(`<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI"
 xmlns:dc="http://www.omg.org/spec/DD/20100524/DC" xmlns:di="http://www.omg.org/spec/DD/20100524/DI">
<process id="p">` + elements + `</process>
<bpmndi:BPMNDiagram name="Main"><bpmndi:BPMNPlane bpmnElement="p">` + shapes + `</bpmndi:BPMNPlane></bpmndi:BPMNDiagram></definitions>`)
}

func at(id, attributes string, x int) string {
	return fmt.Sprintf(`<bpmndi:BPMNShape bpmnElement="%s" %s><dc:Bounds x="%d" y="10.5" width="100" height="80"/></bpmndi:BPMNShape>`, id, attributes, x)
}

func TestReadDiagrams(t *testing.T) {
	diagrams, err := ReadDiagrams(drawn(`
<startEvent id="start" name="Begin"><timerEventDefinition/></startEvent>
<userTask id="task" name="Do it"><multiInstanceLoopCharacteristics isSequential="true"/></userTask>
<exclusiveGateway id="choice" default="no"/>
<subProcess id="open"><serviceTask id="within"/></subProcess>
<subProcess id="shut" triggeredByEvent="true"><serviceTask id="hidden"/></subProcess>
<boundaryEvent id="late" attachedToRef="task" cancelActivity="false"><messageEventDefinition/><timerEventDefinition/></boundaryEvent>
<textAnnotation id="note"><text>Mind this</text></textAnnotation>
<sequenceFlow id="no" name="otherwise" sourceRef="choice" targetRef="task"/>
<sequenceFlow id="if" sourceRef="task" targetRef="choice"><conditionExpression>${a}</conditionExpression></sequenceFlow>`,
		at("start", "", 0)+at("task", "", 100)+at("choice", `isMarkerVisible="false"`, 200)+at("open", "", 300)+at("within", "", 310)+at("shut", "", 400)+
			at("late", "", 500)+at("x:note", "", 600)+at("missing", "", 700)+
			`<bpmndi:BPMNEdge bpmnElement="no"><di:waypoint x="1" y="2"/><di:waypoint x="-3" y="4.5"/><bpmndi:BPMNLabel><dc:Bounds x="1" y="2" width="3" height="4"/></bpmndi:BPMNLabel></bpmndi:BPMNEdge>
<bpmndi:BPMNEdge bpmnElement="if"><di:waypoint x="1" y="2"/><di:waypoint x="3" y="4"/></bpmndi:BPMNEdge>
<bpmndi:BPMNEdge bpmnElement="if"><di:waypoint x="1" y="2"/></bpmndi:BPMNEdge>`), Limits{})
	require.NoError(t, err)
	require.Len(t, diagrams, 1)
	require.Equal(t, "Main", diagrams[0].Name)
	box := func(x float64) Bounds { return Bounds{x, 10.5, 100, 80} }
	require.Equal(t, []Shape{
		{Element: "start", Kind: "startEvent", Name: "Begin", Bounds: box(0), Event: "timer"},
		{Element: "task", Kind: "userTask", Name: "Do it", Bounds: box(100), Loop: "sequential"},
		{Element: "choice", Kind: "exclusiveGateway", Bounds: box(200), MarkerHidden: true},
		{Element: "open", Kind: "subProcess", Bounds: box(300)},
		{Element: "within", Kind: "serviceTask", Bounds: box(310)},
		{Element: "shut", Kind: "subProcess", Bounds: box(400), Collapsed: true, Triggered: true},
		{Element: "late", Kind: "boundaryEvent", Bounds: box(500), Event: "multiple", NonInterrupting: true},
		{Element: "note", Kind: "textAnnotation", Name: "Mind this", Bounds: box(600)},
	}, diagrams[0].Shapes)
	require.Equal(t, []Edge{
		{Element: "no", Kind: "sequenceFlow", Name: "otherwise", Source: "choice", Target: "task", Waypoints: []Point{{1, 2}, {-3, 4.5}}, Label: &Bounds{1, 2, 3, 4}, Default: true},
		{Element: "if", Kind: "sequenceFlow", Source: "task", Target: "choice", Waypoints: []Point{{1, 2}, {3, 4}}, Conditional: true},
	}, diagrams[0].Edges)
}

func TestReadDiagramsRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		src  []byte
		want string
	}{
		"a DTD":           {[]byte(`<!DOCTYPE x [<!ENTITY a "b">]><definitions/>`), "document type declaration is refused"},
		"no BPMN":         {[]byte(`<html/>`), "not definitions of BPMN"},
		"not closed":      {[]byte(`<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL">`), "not well-formed"},
		"no number":       {drawn(`<task id="t"/>`, strings.Replace(at("t", "", 1), "10.5", "NaN", 1)), `y of Bounds is "NaN"`},
		"far away":        {drawn(`<task id="t"/>`, strings.Replace(at("t", "", 1), "10.5", "1e300", 1)), "want a number up to 1000000"},
		"too many shapes": {drawn(`<task id="t"/>`, strings.Repeat(at("t", "", 1), maxDrawn+1)), "more than 5000 shapes"},
	} {
		_, err := ReadDiagrams(c.src, Limits{})
		require.ErrorContains(t, err, c.want, name)
	}
	_, err := ReadDiagrams(drawn(`<task id="t"/>`, ""), Limits{})
	require.ErrorIs(t, err, ErrNoDiagram)
	_, err = ReadDiagrams(drawn(`<task id="t"/>`, at("t", "", 1)), Limits{Bytes: 100})
	require.ErrorContains(t, err, "the limit is 100")
}

// FuzzReadDiagrams: no panic, and what is drawn is bounded.
func FuzzReadDiagrams(f *testing.F) {
	seed(f, "testdata/models/*.bpmn")
	f.Add(drawn(`<task id="t"/>`, at("t", "", 1)))
	f.Fuzz(func(t *testing.T, src []byte) {
		diagrams, err := ReadDiagrams(src, Limits{})
		if err == nil && len(diagrams) == 0 {
			t.Fatal("neither diagrams nor an error")
		}
		for _, d := range diagrams {
			for _, s := range d.Shapes {
				if s.Bounds.Width < 0 || s.Bounds.Height < 0 || s.Bounds.X > farthest {
					t.Fatalf("bounds %v", s.Bounds)
				}
			}
		}
	})
}
