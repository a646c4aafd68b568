package tokenfile

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const hash = " sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

func TestLines(t *testing.T) {
	acme, none := "acme", ""
	for _, e := range []Entry{
		{Name: "crm"},
		{Name: "all", External: true},
		{Name: "some", External: true, Topics: []string{"orders", "Über uns/50 %", "a=b", "#x"}, Tenant: &acme},
		{Name: "none", External: true, Tenant: &none},
	} {
		token := e.New()
		require.Len(t, token, 3+2*26)
		require.NotContains(t, e.String(), token)
		read, err := Read(strings.NewReader("# those\n\n  " + e.String() + "\r\n"))
		require.NoError(t, err, e.String())
		require.Equal(t, []Entry{e}, read)
	}
	list, err := Read(strings.NewReader("crm  " + hash + "\nerp" + hash + " tenant=acme"))
	require.NoError(t, err)
	require.Len(t, list, 2)
	require.False(t, list[0].External, "a file of before")
	require.True(t, list[1].External, "a limit is one to external tasks")
}

func TestLinesThatAreRefused(t *testing.T) {
	for line, want := range map[string]string{
		"crm":                              "line 2: NAME sha256:HEX is expected",
		"crm sha256:":                      "line 2: NAME sha256:HEX is expected",
		"crm sha256:abcd":                  "line 2: NAME sha256:HEX is expected",
		"crm md5:00":                       "line 2: NAME sha256:HEX is expected",
		"wb_secret":                        "line 2: NAME sha256:HEX is expected",
		"crm" + hash + " wb_secret":        "line 2: word 3: external, topic=TOPIC or, once, tenant=TENANT is expected",
		"crm" + hash + " external topic=":  "line 2: word 4: external",
		"crm" + hash + " topic":            "line 2: word 3: external",
		"crm" + hash + " tenant":           "line 2: word 3: external",
		"crm" + hash + " external=yes":     "line 2: word 3: external",
		"crm" + hash + " tenant=a tenant=": "line 2: word 4: external",
		"crm" + hash + " topic=%zz":        "line 2: word 3: what follows = is not written as in a URL",
		strings.Repeat("x", 70_000):        "line 2: bufio.Scanner: token too long",
	} {
		_, err := Read(strings.NewReader("# first\n" + line + "\n"))
		require.ErrorContains(t, err, want, line)
		require.NotContains(t, err.Error(), "wb_secret")
	}
}
