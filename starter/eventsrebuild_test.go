package main

import (
	"bytes"
	"context"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
)

// fieldsOf are the names in JSON of the fields of a struct, and of those in it.
func fieldsOf(value any) (names []string) {
	var visit func(t reflect.Type)
	visit = func(t reflect.Type) {
		for i := range t.NumField() {
			f := t.Field(i)
			if f.Anonymous {
				visit(f.Type)
				continue
			}
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			names = append(names, name)
		}
	}
	visit(reflect.TypeOf(value))
	return names
}

func TestVerifiedIsToldWithItsDifferences(t *testing.T) {
	p := contract.GatherProgress{
		Archived: 5, Executions: 2,
		Counts: []contract.IndexCounted{{Index: "tasks", Expected: 10, Sum: 1, Held: 10, HeldSum: 1}},
	}
	var out bytes.Buffer
	require.NoError(t, printVerified(&out, p))
	require.Contains(t, out.String(), "tasks  10        10       0000000000000001  yes")
	p.Counts[0].Missing, p.Counts[0].HeldSum = 30, 2
	p.Differences = []contract.IndexDifference{{Kind: "missing", Index: "tasks", ID: "order/1.7"}}
	p.Archive = &contract.ArchiveCheck{Wrong: 1, Errors: []string{"events/_/2026-01-01/x is damaged"}}
	out.Reset()
	err := printVerified(&out, p)
	require.ErrorContains(t, err, "30 documents of the index")
	require.ErrorContains(t, err, "1 files of the archive")
	for _, text := range []string{"no", "missing in tasks: order/1.7", "and 29 more", "x is damaged"} {
		require.Contains(t, out.String(), text)
	}
}

// That all is well with a tenant which does not exist would be no answer.
func TestVerifyKnowsNoSuchTenant(t *testing.T) {
	unknown := func() contract.GatherProgress {
		p := contract.GatherProgress{Tenant: "nosuch", Executions: 7, Counts: []contract.IndexCounted{{Index: "tasks"}}, Archive: &contract.ArchiveCheck{}}
		p.NoIndex = true
		return p
	}
	var out bytes.Buffer
	err := printVerified(&out, unknown())
	require.EqualError(t, err, "nothing is known of tenant nosuch: it has no index, and 7 histories and the archive tell nothing of it; check its name")
	require.Equal(t, exitNotFound, exitCode(err))
	require.Empty(t, out.String())
	for name, known := range map[string]func(p *contract.GatherProgress){
		"default":  func(p *contract.GatherProgress) { p.Tenant = "" },
		"index":    func(p *contract.GatherProgress) { p.NoIndex = false },
		"archive":  func(p *contract.GatherProgress) { p.Archive.Days = 1 },
		"late":     func(p *contract.GatherProgress) { p.Counts[0].Late = 1 },
		"instance": func(p *contract.GatherProgress) { p.Archive, p.NoIndex = nil, false },
	} {
		p := unknown()
		known(&p)
		require.NoError(t, printVerified(&out, p), name)
	}
	p := unknown()
	p.Counts[0] = contract.IndexCounted{Index: "tasks", Expected: 1, Missing: 1}
	require.Equal(t, exitRefused, exitCode(printVerified(&out, p)), "its histories are not in the index")
}

func TestProgressOf(t *testing.T) {
	now := time.Now()
	p := contract.GatherProgress{Stage: contract.GatherArchive, Archived: 250, StageBegan: now.Add(-10 * time.Second)}
	p.ArchiveTotal = 1000
	require.Equal(t, "250 of 1000 documents, 25%, 25 a second, 30s left", progressOf(p, now))
	p.Stage = contract.GatherHistories
	require.Equal(t, "0 of 0 histories", progressOf(p, now))
	p.Stage = contract.GatherSwap
	require.Empty(t, progressOf(p, now))
}

func TestMoment(t *testing.T) {
	at, err := moment("--since", "2026-11-01")
	require.NoError(t, err)
	require.Equal(t, time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), at)
	at, err = moment("--since", "2026-11-01T08:00:00+01:00")
	require.NoError(t, err)
	require.Equal(t, 7, at.Hour())
	_, err = moment("--since", "yesterday")
	require.ErrorContains(t, err, "--since")
	require.Equal(t, exitUsage, exitCode(err))
}

func TestRebuildCommands(t *testing.T) {
	f := &fakeTemporal{answers: map[string]any{}}
	code, _, errOut := runWith(t, f, "events", "rebuild", "--since", "x")
	require.Equal(t, exitUsage, code)
	require.Contains(t, errOut, "a day such as")
	code, _, errOut = runWith(t, f, "events", "rebuild", "--follow", "--cancel")
	require.Equal(t, exitUsage, code, errOut)
	code, _, errOut = runWith(t, f, "events", "export", "--format", "csv")
	require.Equal(t, exitUsage, code)
	require.Contains(t, errOut, "--kind or --index")
}

func runWith(t *testing.T, f *fakeTemporal, args ...string) (code int, out, errOut string) {
	t.Helper()
	a := newApp()
	a.dial, a.poll, a.answerIn = f.dial, time.Millisecond, 5*time.Second
	var stdout, stderr bytes.Buffer
	code = run(t.Context(), a, args, nil, &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

// A call that fails again and again is shown with its reason, also where standard error is no terminal.
func TestFollowTellsWhyItWaits(t *testing.T) {
	shown := make(chan struct{})
	f := &fakeTemporal{
		answers: map[string]any{"rebuild/ progress": contract.GatherProgress{Stage: "begin"}},
		pending: indexerFails(),
		result:  func(ctx context.Context) (any, error) { <-shown; return contract.GatherProgress{}, nil },
	}
	a := newApp()
	a.dial, a.poll, a.answerIn = f.dial, time.Millisecond, 5*time.Second
	var stdout bytes.Buffer
	stderr := &noticing{what: "is tried again", then: shown}
	require.Zero(t, run(t.Context(), a, []string{"events", "rebuild", "--follow"}, nil, &stdout, stderr))
	require.Contains(t, stderr.String(), "begin is tried again: ")
}

// noticing is a writer that tells, once, when something has been written.
type noticing struct {
	bytes.Buffer
	what string
	then chan struct{}
}

func (n *noticing) Write(p []byte) (int, error) {
	before := strings.Contains(n.String(), n.what)
	k, err := n.Buffer.Write(p)
	if !before && strings.Contains(n.String(), n.what) {
		close(n.then)
	}
	return k, err
}
