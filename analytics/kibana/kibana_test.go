package kibana

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write deploy/kibana/waybill.ndjson")

func TestFile(t *testing.T) {
	made, err := NDJSON("activiti")
	require.NoError(t, err)
	const file = "../../deploy/kibana/waybill.ndjson"
	if *update {
		require.NoError(t, os.WriteFile(file, made, 0o644))
	}
	there, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(there), string(made), "run with -update")
}

// TestTenant: what docs/analytics.md says of other prefixes makes the dashboard of a tenant.
func TestTenant(t *testing.T) {
	file, err := os.ReadFile("../../deploy/kibana/waybill.ndjson")
	require.NoError(t, err)
	made, err := NDJSON("activiti-tenant-acme")
	require.NoError(t, err)
	require.Equal(t, string(made), regexp.MustCompile(`\bactiviti\b`).ReplaceAllString(string(file), "activiti-tenant-acme"))
}

func read(t *testing.T, prefix string) []saved {
	t.Helper()
	made, err := NDJSON(prefix)
	require.NoError(t, err)
	var all []saved
	for line := range bytes.Lines(made) {
		var o saved
		require.NoError(t, json.Unmarshal(line, &o))
		all = append(all, o)
	}
	return all
}

// attributes are what Kibana 8.9 takes for each type: it refuses a dashboard with others (schema/v1 of the dashboard's saved object).
var attributes = map[string][]string{
	"dashboard": {
		"title", "description", "kibanaSavedObjectMeta", "timeRestore", "timeFrom", "timeTo", "refreshInterval", "controlGroupInput", "panelsJSON", "optionsJSON", "hits", "version",
	},
	"index-pattern": {
		"title", "name", "type", "timeFieldName", "sourceFilters", "fields", "typeMeta", "fieldFormatMap", "fieldAttrs", "runtimeFieldMap", "allowNoIndex", "allowHidden",
	},
	"lens": {"title", "description", "visualizationType", "state"},
}

// TestObjects: every object is of a known shape, and refers to objects that come before it.
func TestObjects(t *testing.T) {
	before := map[string]string{}
	for _, o := range read(t, "activiti") {
		require.NotContains(t, before, o.ID)
		require.Contains(t, attributes, o.Type)
		for key := range o.Attributes {
			require.Contains(t, attributes[o.Type], key, o.ID)
		}
		require.NotEmpty(t, o.Attributes["title"])
		require.NotNil(t, o.References)
		for _, r := range o.References {
			require.Equal(t, r.Type, before[r.ID], "%s refers to %s", o.ID, r.ID)
		}
		for key, v := range o.Attributes { // JSON in strings
			if text, ok := v.(string); ok && (strings.HasSuffix(key, "JSON") || strings.HasSuffix(key, "Map") || key == "fields") {
				require.True(t, json.Valid([]byte(text)), "%s of %s", key, o.ID)
			}
		}
		before[o.ID] = o.Type
	}
	require.Len(t, before, 4+len(panels())+1)
	for id := range before {
		require.True(t, strings.HasPrefix(id, "activiti-"), id)
	}
}

// TestLens: what is drawn are columns of the layer, groups before numbers.
func TestLens(t *testing.T) {
	for _, p := range panels() {
		groups, numbers := 0, 0
		for _, c := range p.columns {
			if c.grouped() {
				require.Zero(t, numbers, p.key)
				groups++
			} else {
				numbers++
			}
		}
		require.Positive(t, numbers, p.key)
		want := map[shape][2]int{metric: {0, 1}, donut: {1, 1}}[p.shape]
		switch p.shape {
		case metric, donut:
			require.Equal(t, want, [2]int{groups, numbers}, p.key)
		case table:
			require.Positive(t, groups, p.key)
		default:
			require.True(t, groups == 1 || groups == 2 && numbers == 1, p.key)
		}
		o := p.lens("x")
		require.Equal(t, "indexpattern-datasource-layer-"+layer, o.References[0].Name)
		data, err := json.Marshal(o.Attributes["state"].(object)["visualization"])
		require.NoError(t, err)
		for i := range p.columns {
			require.Contains(t, string(data), `"`+name(i)+`"`, p.key)
		}
	}
}

// TestDashboard: panels lie in the grid, none over another, and each is bound to its visualization.
func TestDashboard(t *testing.T) {
	all := read(t, "activiti")
	board := all[len(all)-1]
	var list []struct {
		PanelIndex, PanelRefName, Type string
		GridData                       struct {
			X, Y, W, H int
			I          string
		}
	}
	require.NoError(t, json.Unmarshal([]byte(board.Attributes["panelsJSON"].(string)), &list))
	taken := map[[2]int]string{}
	for _, p := range list {
		require.Equal(t, p.PanelIndex, p.GridData.I)
		require.True(t, slices.ContainsFunc(board.References, func(r reference) bool { return r.Name == p.PanelIndex+":"+p.PanelRefName }), p.PanelIndex)
		require.LessOrEqual(t, p.GridData.X+p.GridData.W, 48)
		for x := p.GridData.X; x < p.GridData.X+p.GridData.W; x++ {
			for y := p.GridData.Y; y < p.GridData.Y+p.GridData.H; y++ {
				require.Empty(t, taken[[2]int{x, y}], p.PanelIndex)
				taken[[2]int{x, y}] = p.PanelIndex
			}
		}
	}
	require.Len(t, list, len(board.References))
}
