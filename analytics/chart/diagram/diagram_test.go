package diagram

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/bpmn"
)

// TestCorpus draws models of many editors. BPMN_CORPUS names a folder with more of them.
func TestCorpus(t *testing.T) {
	root := "../../.."
	folders := []string{"bpmn/testdata", "examples", "testsuite"}
	for i, f := range folders {
		folders[i] = filepath.Join(root, f)
	}
	if more := os.Getenv("BPMN_CORPUS"); more != "" {
		folders = append(folders, more)
	}
	files, drawn, bare := 0, 0, 0
	for _, folder := range folders {
		require.NoError(t, filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(path) != ".bpmn" {
				return err
			}
			src, err := os.ReadFile(path)
			require.NoError(t, err)
			files++
			diagrams, err := bpmn.ReadDiagrams(src, bpmn.Limits{})
			if errors.Is(err, bpmn.ErrNoDiagram) {
				bare++
				return nil
			}
			if err != nil {
				t.Log(path, err)
				return nil
			}
			drawn++
			for _, g := range diagrams {
				marks := map[string]Mark{}
				for _, s := range g.Shapes {
					marks[s.Element] = Mark{Fill: "#ffeda0", Badge: "17", Title: "<" + s.Name + ">"}
				}
				check(t, path, g, marks)
			}
			return nil
		}))
	}
	t.Logf("%d files: %d are drawn, %d have no diagram", files, drawn, bare)
	require.Greater(t, drawn, 20)
}

// check draws twice: the same bytes, well-formed, and every shape within the sheet.
func check(t *testing.T, path string, g bpmn.Diagram, marks map[string]Mark) {
	t.Helper()
	s := Draw(g, marks)
	require.Equal(t, string(s.Body), string(Draw(g, marks).Body), path)
	require.False(t, math.IsInf(s.Width, 0) || s.Width < 2*margin || s.Height < 2*margin, "%s: %v by %v", path, s.Width, s.Height)
	require.Equal(t, len(g.Shapes), count(t, path, s.Body)["g data-element"], path)
}

func count(t *testing.T, path string, body []byte) map[string]int {
	t.Helper()
	found := map[string]int{}
	d := xml.NewDecoder(bytes.NewReader(body))
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			return found
		}
		require.NoError(t, err, path)
		if e, ok := tok.(xml.StartElement); ok {
			found[e.Name.Local]++
			for _, a := range e.Attr {
				found[e.Name.Local+" "+a.Name.Local]++
			}
		}
	}
}

func TestMarks(t *testing.T) {
	g := bpmn.Diagram{Shapes: []bpmn.Shape{
		{Element: "a", Kind: "userTask", Name: "A & B", Bounds: bpmn.Bounds{X: 10, Y: 10, Width: 100, Height: 80}},
		{Element: "b", Kind: "task", Name: "Other", Bounds: bpmn.Bounds{X: 210, Y: 10, Width: 100, Height: 80}},
	}}
	body := string(Draw(g, map[string]Mark{"a": {Fill: "#ffeda0", Badge: "1,204", Title: "A: 1,204 times"}}).Body)
	require.Contains(t, body, `style="fill:#ffeda0"`)
	require.Contains(t, body, `>1,204</text>`)
	require.Contains(t, body, `<title>A: 1,204 times</title>`)
	require.Contains(t, body, `>A &amp; B</text>`)
	require.Contains(t, body, `<title>Other</title>`)
	require.Equal(t, 1, bytes.Count([]byte(body), []byte("wb-badge")))
}

// TestTrim: lines that editors drew from middle to middle end at the border, and others are left alone.
func TestTrim(t *testing.T) {
	square := func(id, kind string, x float64) bpmn.Shape {
		return bpmn.Shape{Element: id, Kind: kind, Bounds: bpmn.Bounds{X: x, Y: 0, Width: 100, Height: 100}}
	}
	for _, c := range []struct {
		source, target string
		points         []bpmn.Point
		from, to       bpmn.Point
	}{
		{"task", "task", []bpmn.Point{{X: 50, Y: 50}, {X: 350, Y: 50}}, bpmn.Point{X: 100, Y: 50}, bpmn.Point{X: 300, Y: 50}},
		{"startEvent", "exclusiveGateway", []bpmn.Point{{X: 50, Y: 50}, {X: 350, Y: 50}}, bpmn.Point{X: 100, Y: 50}, bpmn.Point{X: 300, Y: 50}},
		{"task", "task", []bpmn.Point{{X: 100, Y: 20}, {X: 300, Y: 80}}, bpmn.Point{X: 100, Y: 20}, bpmn.Point{X: 300, Y: 80}},
		{"task", "exclusiveGateway", []bpmn.Point{{X: 50, Y: 50}, {X: 350, Y: 25}}, bpmn.Point{X: 100, Y: 45.8}, bpmn.Point{X: 323, Y: 27.2}},
	} {
		d := canvas{shapes: map[string]bpmn.Shape{"a": square("a", c.source, 0), "b": square("b", c.target, 300)}}
		got := d.trim(bpmn.Edge{Source: "a", Target: "b", Waypoints: c.points})
		for i, want := range []bpmn.Point{c.from, c.to} {
			p := got[i*(len(got)-1)]
			require.InDelta(t, want.X, p.X, 1.6, "%v", got)
			require.InDelta(t, want.Y, p.Y, 1.6, "%v", got)
		}
	}
}

func TestNothing(t *testing.T) {
	s := Draw(bpmn.Diagram{}, nil)
	require.InDelta(t, 2*margin, s.Width, 0.001)
}
