package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
)

func TestPeopleCommands(t *testing.T) {
	known := []contract.RegistryEntry{
		{ID: "group/desk", Value: json.RawMessage(`{"members":["bert"]}`)},
		{ID: "user/ada", Value: json.RawMessage(`{"name":"Ada","address":"ada@example.com","locale":"de","groups":["desk"]}`)},
	}
	f := &fakeTemporal{answers: map[string]any{"people list": known, "people get": known[1:], "people put": nil, "people remove": nil}}
	s := newShell(f)
	require.Equal(t, exitOK, s.run(t.Context(), "people", "list"), s.err.String())
	require.Regexp(t, `user +ada +Ada +ada@example.com +de +desk +yes`, s.out.String())
	require.Regexp(t, `group +desk +- +- +- +ada, bert`, s.out.String())
	require.Equal(t, exitOK, s.run(t.Context(), "people", "show", "desk"), s.err.String())
	require.Contains(t, s.out.String(), "members: ada, bert")
	require.Equal(t, exitNotFound, s.run(t.Context(), "people", "show", "nobody"))

	// What the flags do not say stays.
	require.Equal(t, exitOK, s.run(t.Context(), "people", "put", "ada", "--task-mails=false"), s.err.String())
	require.Equal(t, `people put {"id":"user/ada","value":{"name":"Ada","address":"ada@example.com","locale":"de","groups":["desk"],"mails":{"tasks":false}}}`, f.told[0])
	require.Equal(t, exitOK, s.run(t.Context(), "people", "put-group", "sales", "--address", "sales@example.com", "--locale", "de_at"), s.err.String())
	require.Equal(t, `people put {"id":"group/sales","value":{"address":"sales@example.com","locale":"de-AT"}}`, f.told[1])
	require.Equal(t, exitOK, s.run(t.Context(), "people", "remove", "ada"), s.err.String())
	require.Equal(t, "people remove user/ada", f.told[2])
	for _, args := range [][]string{
		{"people", "put", "carl", "--address", "nowhere"}, {"people", "put", "ada", "--locale", "german"}, {"people", "put-group", "x", "--address", "a b@c"},
	} {
		require.Equal(t, exitRefused, s.run(t.Context(), args...), args)
	}
	require.Len(t, f.told, 3)
}

func TestPeopleImport(t *testing.T) {
	file := filepath.Join(t.TempDir(), "people.csv")
	write := func(text string) { require.NoError(t, os.WriteFile(file, []byte(text), 0o600)) }
	f := &fakeTemporal{answers: map[string]any{"people put-many": nil}}
	s := newShell(f)
	write("\ufeffuser,name,address,groups,task-mails\nada,Ada,ada@example.com,desk; sales,\nbert@example.com,,,,false\n")
	require.Equal(t, exitOK, s.run(t.Context(), "people", "import", file), s.err.String())
	require.Equal(t, []string{
		`people put-many [{"id":"user/ada","value":{"name":"Ada","address":"ada@example.com","groups":["desk","sales"]}},` +
			`{"id":"user/bert@example.com","value":{"mails":{"tasks":false}}}]`,
	}, f.told)
	for text, want := range map[string]string{
		"name\nAda\n":                    "line 1: a column user is expected",
		"user,adress\nada,a@b.example\n": `column "adress" is unknown; did you mean "address"?`,
		"user,name,Name\nada,a,b\n":      "line 1: column name is there twice",
		"user,address\nada,a@b.example\nbert,x\nada,a@b.example\n": "line 3: address \"x\"",
		"user,address\nada,a@b.example\nada,a@b.example\n":         `line 3: user "ada" is there twice`,
		"user\n":                            "nobody is in it",
		"user,task-mails\na@b.example,no\n": `task-mails "no": true or false`,
		"user,name,address\na,A,a@b.example\nb,\"J\xf6rg\",b@b.example\n": "line 3: this is not UTF-8: save the table as",
		"user,name\na@b.example,\"Ada\nBcc: x\"\n":                        "line 2: name \"Ada\\nBcc: x\": one line",
	} {
		write(text)
		require.Equal(t, exitUsage, s.run(t.Context(), "people", "import", file), text)
		require.Contains(t, s.err.String(), want)
	}
	require.Len(t, f.told, 1)
	require.Equal(t, exitRefused, s.run(t.Context(), "people", "put", "a@b.example", "--name", "Ada\nBcc: x"))
}

// What a table has no column for stays, and so does the wish for no mails where its cell is empty.
func TestPeopleImportLeavesTheRest(t *testing.T) {
	file := filepath.Join(t.TempDir(), "people.csv")
	known := []contract.RegistryEntry{
		{ID: "user/ada", Value: json.RawMessage(`{"name":"Ada","address":"ada@example.com","locale":"de","groups":["desk"],"mails":{"tasks":false}}`)},
		{ID: "user/carl", Value: json.RawMessage(`{"address":"carl@example.com","mails":{"tasks":false}}`)},
	}
	f := &fakeTemporal{answers: map[string]any{"people list": known, "people put-many": nil}}
	s := newShell(f)
	for text, want := range map[string]string{
		"User;Name\nada;Ada L.\n": `[{"id":"user/ada","value":{"name":"Ada L.","address":"ada@example.com","locale":"de","groups":["desk"],"mails":{"tasks":false}}}]`,
		"user\tgroups\tTask-Mails\nada\t\t\ncarl\t\tTRUE\n": `[{"id":"user/ada","value":{"name":"Ada","address":"ada@example.com","locale":"de","mails":{"tasks":false}}},` +
			`{"id":"user/carl","value":{"address":"carl@example.com","mails":{"tasks":true}}}]`,
	} {
		f.told = nil
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		require.Equal(t, exitOK, s.run(t.Context(), "people", "import", file), s.err.String())
		require.Equal(t, []string{"people put-many " + want}, f.told)
	}
}

// A table that does not fit is refused before its first line is noted; one that fits takes few updates.
func TestPeopleImportOfManyUsers(t *testing.T) {
	file := filepath.Join(t.TempDir(), "people.csv")
	write := func(n int) {
		var b strings.Builder
		b.WriteString("user,name,address,groups\n")
		for i := range n {
			fmt.Fprintf(&b, "user%d,Somebody Number %d,user%d@example.com,desk\n", i, i, i)
		}
		require.NoError(t, os.WriteFile(file, []byte(b.String()), 0o600))
	}
	f := &fakeTemporal{answers: map[string]any{"people put-many": nil}}
	s := newShell(f)
	write(8000)
	require.Equal(t, exitOK, s.run(t.Context(), "people", "import", file), s.err.String())
	require.Len(t, f.told, 40)
	write(20_000)
	require.Equal(t, exitRefused, s.run(t.Context(), "people", "import", file))
	require.Contains(t, s.err.String(), "and there is room for 1500000")
	require.Len(t, f.told, 40)
}
