package workflows

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/bpmn"
	"github.com/waybill-io/waybill/engine"
)

func TestNextRunGetsNoCopiesOfTasks(t *testing.T) {
	m, err := bpmn.Parse("m.bpmn", []byte(`<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"><process id="p">
		<startEvent id="s"/><sequenceFlow id="f" sourceRef="s" targetRef="u"/><sequenceFlow id="g" sourceRef="s" targetRef="v"/>
		<userTask id="u"/><userTask id="v"/></process></definitions>`), bpmn.Options{})
	require.NoError(t, err)
	s := engine.New(engine.Options{})
	_, err = engine.Step(m.Processes[0], s, engine.Started{Variables: map[string]any{"text": strings.Repeat("x", 700_000)}}, time.Time{})
	require.NoError(t, err)
	back, err := restored(carried(s))
	require.NoError(t, err)
	text, err := json.Marshal(back)
	require.NoError(t, err)
	require.Less(t, len(text), 800_000)
	require.Len(t, back.Open(), 2)
}
