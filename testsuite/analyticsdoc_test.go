package testsuite_test

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/events"
)

// TestAnalyticsDocumentHasAllFields: docs/analytics.md names every field of a document, and both documents every property and no other.
func TestAnalyticsDocumentHasAllFields(t *testing.T) {
	text, err := os.ReadFile("../docs/analytics.md")
	require.NoError(t, err)
	var walk func(reflect.Type)
	walk = func(s reflect.Type) {
		for i := range s.NumField() {
			f := s.Field(i)
			if f.Anonymous {
				walk(f.Type)
				continue
			}
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			require.Contains(t, string(text), "`"+name+"`", "docs/analytics.md does not tell of the field")
		}
	}
	walk(reflect.TypeFor[events.Document]())
	for _, index := range events.Indexes() {
		require.Contains(t, string(text), "`activiti-"+index+"`")
	}
}

// TestMigrationDocumentHasAllProperties: docs/migrating-from-aps.md tells what becomes of every property that a configuration of the old product had.
func TestMigrationDocumentHasAllProperties(t *testing.T) {
	text, err := os.ReadFile("../docs/migrating-from-aps.md")
	require.NoError(t, err)
	old, err := os.ReadFile("../configuration/testdata/activiti-app.properties")
	require.NoError(t, err)
	found := 0
	for line := range strings.Lines(string(old)) {
		name, _, ok := strings.Cut(strings.TrimLeft(line, "# "), "=")
		if !ok || !strings.HasPrefix(name, "elastic-search.") && !strings.HasPrefix(name, "event.") {
			continue
		}
		found++
		require.Conditionf(t, func() bool { return told(string(text), name) }, "docs/migrating-from-aps.md does not tell of %s", name)
	}
	require.Positive(t, found)
}

// told: a table names a property whole, or its end after one that begins likewise, `.port`, or all that begin with something, `.discovery.*`.
func told(text, name string) bool {
	for from := 0; from < len(name); from++ {
		if from > 0 && name[from] != '.' {
			continue
		}
		part := name[from:]
		if strings.Contains(text, "`"+part+"`") {
			return true
		}
		for to := range part {
			if part[to] == '.' && to > 0 && strings.Contains(text, "`"+part[:to]+".*`") || strings.Contains(text, "`"+part[:to]+"*`") {
				return true
			}
		}
	}
	return false
}
