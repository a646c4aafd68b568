package e2e_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/connectors/catalog"
	"github.com/waybill-io/waybill/events"
	"github.com/waybill-io/waybill/project"
)

// manyTenants have definitions of their own.
const manyTenants = 10

// manyModel is a process with names of its own for all that it has.
func manyModel(n int) (key, model string) {
	key = fmt.Sprintf("process-%03d", n)
	return key, fmt.Sprintf(`<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" targetNamespace="https://waybill.io/e2e">
  <process id="%s" name="Process %[2]d" isExecutable="true">
    <startEvent id="start-%[2]d"/>
    <scriptTask id="compute-%[2]d" name="Compute %[2]d" scriptFormat="javascript">
      <script>execution.setVariable("result-%[2]d", {"of": {"step-%[2]d": %[2]d}}); execution.setVariable("when-%[2]d", "2026-11-0" + (1 + %[2]d %% 9))</script>
    </scriptTask>
    <manualTask id="archive-%[2]d"/>
    <endEvent id="end-%[2]d"/>
    <sequenceFlow id="a-%[2]d" sourceRef="start-%[2]d" targetRef="compute-%[2]d"/>
    <sequenceFlow id="b-%[2]d" sourceRef="compute-%[2]d" targetRef="archive-%[2]d"/>
    <sequenceFlow id="c-%[2]d" sourceRef="archive-%[2]d" targetRef="end-%[2]d"/>
  </process>
</definitions>
`, key, n)
}

// indexTenants has many tenants run many processes: each tenant has the same four indexes behind its aliases, whose mapping does not grow.
func (f *faulty) indexTenants() {
	t := f.t
	begun := time.Now()
	definitions := howMany(t, "WAYBILL_INDEX_DEFINITIONS", 4*manyTenants)
	var tenants []string
	for n := range manyTenants {
		tenants = append(tenants, fmt.Sprintf("Tenant_%d", n))
	}
	var running errgroup.Group
	running.SetLimit(8)
	deploy := func(n int) {
		dir := t.TempDir()
		key, model := manyModel(n)
		require.NoError(t, os.WriteFile(filepath.Join(dir, key+".bpmn"), []byte(model), 0o600))
		p, err := project.Load([]string{dir}, project.Options{BuiltIn: catalog.Definitions(), Tenant: tenants[n%manyTenants]})
		require.NoError(t, err)
		running.Go(func() error {
			if _, err := f.client.Deploy(t.Context(), p.Definitions[0]); err != nil {
				return err
			}
			id, _, err := f.client.Start(t.Context(), client.StartOptions{Key: key, ID: "many/" + key, Variables: map[string]any{
				// Of one name, a type of its own in each process; and a name of its own.
				"amount": []any{n, float64(n) / 7, fmt.Sprint("EUR ", n), n%2 == 0, map[string]any{fmt.Sprint("field-", n): n}, nil}[n%6], fmt.Sprint("only-", n): n,
			}})
			if err != nil {
				return err
			}
			r, err := f.client.Wait(t.Context(), id)
			if err == nil && r.State != contract.StateCompleted {
				err = fmt.Errorf("%s is %s: %+v", id, r.State, r.Incidents)
			}
			return err
		})
	}
	f.auditor.tenants = tenants
	for n := range manyTenants {
		deploy(n)
	}
	require.NoError(t, running.Wait())
	f.auditor.agree()
	first := f.mappings()
	require.Len(t, first, len(f.auditor.tenants)*len(events.Indexes()))

	for n := manyTenants; n < definitions; n++ {
		deploy(n)
	}
	require.NoError(t, running.Wait())
	t.Logf("%d processes of %d tenants are deployed and have run within %s", definitions, manyTenants, time.Since(begun).Round(100*time.Millisecond))
	all := f.auditor.agree()
	require.Equal(t, first, f.mappings(), "nothing has grown")
	for name, mapping := range first {
		for _, other := range first {
			require.JSONEq(t, mapping, other, name)
		}
	}
	t.Logf("all %d documents are what the histories tell; %d indexes have one mapping of %d bytes", len(all.documents), len(first), len(slices.Collect(maps.Values(first))[0]))
}

// mappings are those of the indexes of all tenants, by alias, each of which must be that of the first generation alone.
func (f *faulty) mappings() map[string]string {
	f.t.Helper()
	c := f.elastic.Client()
	answer, err := c.Indices.Get([]string{"activiti*"})
	require.NoError(f.t, err)
	defer func() { _ = answer.Body.Close() }()
	var indexes map[string]struct {
		Aliases  map[string]any
		Mappings json.RawMessage
	}
	require.NoError(f.t, json.NewDecoder(answer.Body).Decode(&indexes))
	all := map[string]string{}
	for name, index := range indexes {
		require.Len(f.t, index.Aliases, 1, name)
		for alias := range index.Aliases {
			if alias == "activiti-dead-letters" {
				continue
			}
			require.Equal(f.t, alias+"-000001", name)
			all[alias] = string(index.Mappings)
		}
	}
	for _, tenant := range f.auditor.tenants {
		for _, index := range events.Indexes() {
			require.Contains(f.t, all, f.store.Alias(tenant, index))
		}
	}
	require.False(f.t, slices.ContainsFunc(slices.Collect(maps.Values(all)), func(mapping string) bool { return strings.Contains(mapping, "only-") }))
	return all
}
