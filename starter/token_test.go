package main

import (
	"crypto/sha256"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/gateway/access/tokenfile"
)

// The line is one that gateways read.
func TestTokenNew(t *testing.T) {
	acme, none := "acme", ""
	for args, want := range map[string]tokenfile.Entry{
		"crm":            {Name: "crm"},
		"all --external": {Name: "all", External: true},
		"b --topic invoices --topic a%b --tenant acme": {Name: "b", External: true, Topics: []string{"invoices", "a%b"}, Tenant: &acme},
		"n --tenant=": {Name: "n", External: true, Tenant: &none},
	} {
		s := newShell(nil)
		require.Equal(t, exitOK, s.run(t.Context(), append([]string{"--output", "json", "token", "new"}, strings.Fields(args)...)...), s.err.String())
		var said struct{ Token, Line string }
		require.NoError(t, json.Unmarshal(s.out.Bytes(), &said))
		list, err := tokenfile.Read(strings.NewReader(said.Line))
		require.NoError(t, err)
		want.Hash = sha256.Sum256([]byte(said.Token))
		require.Equal(t, []tokenfile.Entry{want}, list)
	}
	for _, args := range [][]string{{}, {"a b"}, {"#a"}, {""}, {"a", "--topic="}} {
		require.Equal(t, exitUsage, newShell(nil).run(t.Context(), append([]string{"token", "new"}, args...)...), args)
	}
}
