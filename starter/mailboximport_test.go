package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func importTable(t *testing.T, server *fakeTemporal, table string) (*shell, int) {
	file := filepath.Join(t.TempDir(), "mailboxes.csv")
	require.NoError(t, os.WriteFile(file, []byte(table), 0o600))
	s := newShell(server)
	return s, s.run(t.Context(), "mailbox", "import", file, "--output", "json")
}

func TestMailboxImport(t *testing.T) {
	server := &fakeTemporal{answers: map[string]any{"mailbox/ann configure": nil, "mailbox/orders configure": nil}}
	s, code := importTable(t, server, "name,username,password,host,folder,mark-seen,max-size\n"+
		"ann,ann@gmail.com,env:ANN,,,,\n"+"orders,orders,file:/run/p,imap.example.com,INBOX;Archiv/2026,true,10MB\n")
	require.Equal(t, exitOK, code, s.err.String())
	var result imported
	require.NoError(t, json.Unmarshal(s.out.Bytes(), &result))
	require.Equal(t, imported{Watched: 2, Failed: []string{}}, result)
	require.Len(t, server.told, 2)
	for _, want := range []string{`"name":"ann","source":"imap","host":"imap.gmail.com","port":993`, `"folder":"INBOX","folders":["Archiv/2026"],`} {
		require.Contains(t, server.told[0]+server.told[1], want)
	}
}

// Tables as Excel writes them: with a byte-order mark, and with semicolons where the comma is for fractions.
func TestMailboxImportOfExcel(t *testing.T) {
	for _, table := range []string{
		"\ufeffname,username,password,folder\r\nann,ann@gmail.com,env:ANN,INBOX;Orders\r\n",
		"name;username;password;folder\r\nann;ann@gmail.com;env:ANN;\"INBOX;Orders\"\r\n",
		"\ufeffname;username;password;folder\r\nann;ann@gmail.com;env:ANN;\"INBOX;Orders\"\r\n",
		"\ufeff\"name\";username;password;folder\r\nann;ann@gmail.com;env:ANN;\"INBOX;Orders\"",
	} {
		server := &fakeTemporal{answers: map[string]any{"mailbox/ann configure": nil}}
		s, code := importTable(t, server, table)
		require.Equal(t, exitOK, code, s.err.String())
		require.Contains(t, server.told[0], `"folder":"INBOX","folders":["Orders"],`)
	}
}

func TestMailboxImportRefuses(t *testing.T) {
	head := "name,username,password,host\n"
	for table, want := range map[string]string{
		"":                                  "a first line with the names of the columns is expected",
		"user,password\nann,env:A\n":        "line 1: a column name is expected",
		head:                                "no mailbox is in it",
		head + "ann,ann,env:A\n":            "wrong number of fields",
		head + "ann,ann,hunter2,h\n":        "line 2: --password: a literal password is refused",
		"name,colour\nann,red\n":            `line 1: column "colour" is unknown`,
		"name,user name\nann,red\n":         `line 1: column "user name" is unknown; did you mean "username"?`,
		head + "a,u,env:A,h\na,u,env:A,h\n": `line 3: mailbox "a" is in line 2, too`,
		head + "ann,ann@example.com,env:A,": "line 2: --host is required",
	} {
		server := &fakeTemporal{}
		s, code := importTable(t, server, table)
		require.Equal(t, exitUsage, code, table)
		require.Contains(t, s.err.String(), want)
		require.NotContains(t, s.err.String(), "hunter")
		require.Empty(t, server.told, "nothing is added before everything is checked")
	}
}
