package configuration

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/mail/service"
	"github.com/waybill-io/waybill/mail/smtp"
)

// secrets resolves references of tests.
func secrets(reference string) (mail.Secret, error) {
	if name, ok := strings.CutPrefix(reference, "env:"); ok && name != "NONE" {
		return mail.Secret("of " + name), nil
	}
	if name, ok := strings.CutPrefix(reference, "file:"); ok {
		text, err := os.ReadFile(name)
		return mail.Secret(strings.TrimSpace(string(text))), err
	}
	return "", errors.New("there is no such secret")
}

func environment(variables map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		text, ok := variables[name]
		return text, ok
	}
}

// file writes a file of settings and returns its path.
func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestOldFileWorksAsItIs(t *testing.T) {
	s, err := Read(Options{File: "testdata/activiti-app.properties"})
	require.NoError(t, err)
	c, err := s.Email()
	require.NoError(t, err)
	require.Equal(t, service.Config{Servers: map[string]service.Server{"": {
		Host: "smtp.example.com", Port: 587, TLS: smtp.TLSStartTLS, Username: "process@example.com", Password: `p=äss\word`,
		Identity: service.Identity{
			From: mail.Address{Name: "Prozesse Müller", Address: "no-reply@example.com"}, Feedback: "feedback@example.com", BaseURL: "https://process.example.com/activiti-app",
		},
	}}}, c)
	require.Empty(t, c.Warnings())
	require.Equal(t, "es1.example.com,es2.example.com", s.Text("elastic-search.rest-client.address"))

	notes := s.Notes()
	require.Len(t, notes, 1)
	require.Contains(t, notes[0], "settings that have no meaning here are ignored (20): activiti.process-definitions.cache.max, admin.email, ")
	require.Contains(t, notes[0], "datasource.password, ")
	require.Contains(t, notes[0], "elastic-search.discovery.hosts, ")
	table := s.Table()
	require.Regexp(t, `(?m)^email\.host +smtp\.example\.com +testdata/activiti-app\.properties:23$`, table)
	require.Regexp(t, `(?m)^email\.password +\*{8} +testdata/activiti-app\.properties:27$`, table)
	require.Regexp(t, `(?m)^event\.processing\.blocksize +100 +testdata`, table)
	for _, secret := range []string{"word", "esadmin", "changeit"} {
		require.NotContains(t, strings.ReplaceAll(table, "password", ""), secret)
	}
}

func TestChartOfTheListener(t *testing.T) {
	s, err := Read(Options{File: "testdata/listener.yaml"})
	require.NoError(t, err)
	require.True(t, s.Unmarked())
	require.Equal(t, []string{"settings that have no meaning here are ignored (11): ApiUrl, RabbitMQ.Host, Redis.Host, WorkerReplicaCount, ingress.enabled, ingress.hosts, ingress.path, log.level, replicaCount, service.nodePort, service.type"}, s.Notes())
}

func TestUnmarked(t *testing.T) {
	for _, name := range []string{"FEATURES_MARK_EMAILS_AS_SYNCHRONIZED", "FeaturesMarkEmailsAsSynchronized"} {
		for text, want := range map[string]bool{"": false, "true": false, "false": true, "False": true, "0": true} {
			s, err := Read(Options{Environment: environment(map[string]string{name: text})})
			require.NoError(t, err)
			require.Equal(t, want, s.Unmarked(), text)
		}
		_, err := Read(Options{Environment: environment(map[string]string{name: "no"})})
		require.EqualError(t, err, name+`: FeaturesMarkEmailsAsSynchronized: "no" is neither true nor false`)
	}
}

func TestVariables(t *testing.T) {
	want := map[string][]string{
		"email.host":                         {"EMAIL_HOST"},
		"email.oauth.token-url":              {"EMAIL_OAUTH_TOKEN_URL"},
		"elastic-search.rest-client.address": {"ELASTIC_SEARCH_REST_CLIENT_ADDRESS"},
		"email.useCredentials":               {"EMAIL_USECREDENTIALS", "EMAIL_USE_CREDENTIALS", "EMAIL_SMTP_AUTH"},
		"email.from.default":                 {"EMAIL_FROM_DEFAULT", "EMAIL_FROM"},
		"event.processing.cronExpression":    {"EVENT_PROCESSING_CRONEXPRESSION", "EVENT_PROCESSING_CRON_EXPRESSION"},
	}
	seen := map[string]string{}
	for _, k := range Keys() {
		if list, ok := want[k.Name]; ok {
			require.Equal(t, list, k.Variables())
			delete(want, k.Name)
		}
		for _, v := range k.Variables() {
			require.Empty(t, seen[v], "%s is of two settings", v)
			seen[v] = k.Name
		}
		if k.Default != "" {
			require.NoError(t, k.check(k.Default), k.Name)
		}
	}
	require.Empty(t, want)
}

func TestWeight(t *testing.T) {
	path := file(t, "a.properties", "email.host=file\nemail.port=1\nemail.username=file\nemail.from.default=\n")
	s, err := Read(Options{
		File: path, Set: []string{"email.host=flag"},
		Environment: environment(map[string]string{"EMAIL_HOST": "environment", "EMAIL_PORT": "2", "EMAIL_USERNAME": ""}),
	})
	require.NoError(t, err)
	for name, want := range map[string][2]string{
		"email.host": {"flag", "--set"}, "email.port": {"2", "EMAIL_PORT"}, "email.username": {"file", path + ":3"}, "email.from.default": {"", "default"},
		"email.ssl": {"false", "default"},
	} {
		require.Equal(t, want, [2]string{s.Text(name), s.From(name)}, name)
	}
	s, err = Read(Options{File: path, Set: []string{"email.host="}})
	require.NoError(t, err)
	require.False(t, s.Given("email.host"), "an empty value takes away")
}

func TestVariable(t *testing.T) {
	key := file(t, "key", "of a file\n")
	s, err := Read(Options{
		File:        file(t, "a.yaml", "email: {host: h, password: 'env:P', useCredentials: true}"),
		Environment: environment(map[string]string{"EMAIL_USERNAME_FILE": key, "EMAIL_DKIM_KEY_FILE": key}), Secret: secrets,
	})
	require.NoError(t, err)
	for name, want := range map[string]string{
		"EMAIL_HOST": "h", "EMAIL_PASSWORD": "of P", "EMAIL_SMTP_AUTH": "true", "EMAIL_USERNAME": "of a file", "EMAIL_DKIM_KEY": "of a file",
	} {
		text, known, err := s.Variable(name)
		require.NoError(t, err)
		require.True(t, known, name)
		require.Equal(t, want, text)
	}
	for _, name := range []string{"EMAIL_PORT", "SLACK_TOKEN"} {
		_, known, err := s.Variable(name)
		require.NoError(t, err)
		require.False(t, known, name)
	}
}

func TestMistakes(t *testing.T) {
	for name, test := range map[string]struct {
		properties  string
		environment map[string]string
		set         []string
		want        []string // "F" stands for the file
	}{
		"unknown":       {"a=b\nemail.hots=x\nemail.zzz=y", nil, nil, []string{"F:2: email.hots is not a setting; did you mean email.host?", "F:3: email.zzz is not a setting"}},
		"case":          {"email.usecredentials=true", nil, nil, []string{"F:1: email.usecredentials is not a setting; did you mean email.useCredentials?"}},
		"index":         {"elastic-search.rest-client.adress=x", nil, nil, []string{"did you mean elastic-search.rest-client.address?"}},
		"tenant":        {"email.tenants=acme\nemail.tenant.acne.host=x", nil, nil, []string{`F:2: email.tenant.acne.host: email.tenants does not list "acne"; did you mean "acme"?`}},
		"tenant's key":  {"email.tenants=acme\nemail.tenant.acme.hots=x", nil, nil, []string{"F:2: email.tenant.acme.hots is not a setting; did you mean email.tenant.acme.host?"}},
		"tenant's name": {"email.tenants=acme, a b", nil, nil, []string{`F:1: email.tenants: tenant "a b": 1 to 63 letters`}},
		"same variable": {"", map[string]string{"EMAIL_TENANTS": "a-b,a_b"}, nil, []string{"EMAIL_TENANTS: email.tenants: email.tenant.a-b.enabled and email.tenant.a_b.enabled have the same variable, EMAIL_TENANT_A_B_ENABLED; name one of the tenants otherwise"}},
		"parted":        {"", map[string]string{"EMAIL_TENANTS": "acmeCorp,acme-corp"}, nil, []string{"email.tenant.acmeCorp.enabled and email.tenant.acme-corp.enabled have the same variable, EMAIL_TENANT_ACME_CORP_ENABLED"}},
		"twice":         {"", map[string]string{"EMAIL_TENANTS": "a, b,a"}, nil, []string{`EMAIL_TENANTS: email.tenants: tenant "a" stands there twice`}},
		"tenants":       {"", map[string]string{"EMAIL_TENANTS": "a", "EMAIL_TENANTS_FILE": "b"}, nil, []string{"EMAIL_TENANTS is set, and EMAIL_TENANTS_FILE is, too; keep one"}},
		"types": {
			"email.port=0\nemail.ssl=yes\nemail.rate=-1\nemail.base.url=ftp://x\nemail.from.default=desk\nemail.ca=/none\n" +
				"event.processing.cronExpression=* * * * *\nevent.processing.processed.events.action=keep\nevent.processing.max.locktime=1h",
			nil, nil,
			[]string{
				`F:1: email.port: "0" is not a number from 1 to 65535`, `F:2: email.ssl: "yes" is neither true nor false`, `F:3: email.rate: "-1" is not a number above 0`,
				`F:4: email.base.url: "ftp://x" is not a URL`, `F:5: email.from.default: "desk" is not an address`, "F:6: email.ca: open /none",
				`F:7: event.processing.cronExpression: "* * * * *" has 5 fields; Quartz has six or seven`, `"keep" is not one of move, delete`, `"1h" is not a number from 1 to`,
			},
		},
		"hosts": {
			"email.host=smtp.example.com:587\nelastic-search.rest-client.address=es1.example.com, https://es2/\nemail.base.url=u:hunter2@h\nemail.port=hunter2@h", nil,
			[]string{"email.tenants=t", "email.tenant.t.host=a b"},
			[]string{
				`F:1: email.host: "smtp.example.com:587" is not a host name or IP address alone; a port is of email.port`,
				`F:2: elastic-search.rest-client.address: "es1.example.com, https://es2/" is not a host name or IP address alone; a port is of elastic-search.rest-client.port`,
				"F:3: email.base.url: the value, which is not shown because a secret may stand before its @, is not a URL",
				"F:4: email.port: the value, which is not shown because",
				`--set: email.tenant.t.host: "a b" is not a host name or IP address alone; a port is of email.tenant.t.port`,
			},
		},
		"placeholder": {"email.host=${MAIL_HOST}", nil, nil, []string{`F:1: email.host: "${MAIL_HOST}": placeholders are not expanded; write the value, or set the variable EMAIL_HOST`}},
		"line end":    {`email.host=a\nb`, nil, nil, []string{"F:1: email.host: it has a line end"}},
		"encrypted":   {"email.password=ENC(aGVsbG8=)", nil, nil, []string{"F:1: email.password: it is encrypted with a key of the old product"}},
		"two names":   {"", map[string]string{"EMAIL_FROM": "a@b.c", "EMAIL_FROM_DEFAULT": "d@e.f"}, nil, []string{"EMAIL_FROM_DEFAULT is set, and EMAIL_FROM is, too, to something else; keep one"}},
		"and a file":  {"", map[string]string{"EMAIL_PASSWORD": "x", "EMAIL_PASSWORD_FILE": "y"}, nil, []string{"EMAIL_PASSWORD is set, and EMAIL_PASSWORD_FILE is, too; keep one"}},
		"flags":       {"", nil, []string{"email.hots=x", "email.port=x"}, []string{"--set: email.hots is not a setting; did you mean email.host?", `--set: email.port: "x" is not a number`}},
		"flag":        {"", nil, []string{"email.host"}, []string{`--set "email.host": KEY=VALUE is expected`}},
		"malformed":   {"a=b\nc=\\u00", nil, nil, []string{`F:2: \u is followed by`}},
	} {
		t.Run(name, func(t *testing.T) {
			path := file(t, "a.properties", test.properties)
			_, err := Read(Options{File: path, Environment: environment(test.environment), Set: test.set, Secret: secrets})
			for _, want := range test.want {
				require.ErrorContains(t, err, strings.Replace(want, "F:", path+":", 1))
			}
			require.Equal(t, len(test.want), strings.Count(err.Error(), "\n")+1, err)
			require.NotContains(t, err.Error(), "hunter2")
		})
	}
	_, err := Read(Options{File: file(t, "a.toml", "")})
	require.ErrorContains(t, err, "a.toml: a name that ends in .properties, .yaml or .yml is expected")
	_, err = Read(Options{File: "none.yaml"})
	require.ErrorContains(t, err, "none.yaml")
	_, err = Read(Options{File: file(t, "a.yaml", strings.Repeat("#", maxFile+1))})
	require.ErrorContains(t, err, "at most 262144 bytes are read")
	for _, text := range []string{"email:\n  host: [a, [b]]", "email:\n  password: [{a: b}]", "email:\n  tenants: [{a: b}]"} {
		_, err = Read(Options{File: file(t, "a.yaml", text)})
		require.ErrorContains(t, err, "a list of lists or maps is no value of a setting", text)
	}
}

func TestHosts(t *testing.T) {
	for text, ok := range map[string]bool{
		"localhost": true, "smtp.example.com": true, "smtp.example.com.": true, "mail_server": true, "192.0.2.1": true, "2001:db8::1": true, "xn--bcher-kva.example": true,
		"smtp.example.com:587": false, "http://smtp.example.com/": false, "[::1]": false, "a..b": false, "-a": false, "bücher.example": false, "u:hunter2@host": false,
	} {
		err := Key{Name: "email.host", Type: Host}.check(text)
		require.Equal(t, ok, err == nil, text)
		if err != nil {
			require.NotContains(t, err.Error(), "hunter2")
		}
	}
}

func TestByteOrderMark(t *testing.T) {
	for name, text := range map[string]string{"a.yaml": "email: {host: h, from.default.name: ä}", "a.properties": "email.host=h\nemail.from.default.name=ä", "latin1.properties": "email.host=h\nemail.from.default.name=\xe4"} {
		s, err := Read(Options{File: file(t, name, "\ufeff"+text)})
		require.NoError(t, err)
		require.Equal(t, "h", s.Text("email.host"), name)
		require.Equal(t, "ä", s.Text("email.from.default.name"), name)
		require.Empty(t, s.Notes(), name)
	}
	for _, text := range []string{"\xff\xfee\x00", "\xfe\xff\x00e", "e\x00m\x00"} {
		for _, name := range []string{"a.yaml", "a.properties"} {
			_, err := Read(Options{File: file(t, name, text)})
			require.ErrorContains(t, err, "save it as UTF-8")
		}
	}
}

// What tenants take over is not what they would have without.
func TestTable(t *testing.T) {
	path := file(t, "a.yaml", `email:
  host: h
  tls: true
  useCredentials: true
  username: u
  password: hunter2
  from.default: a@h
  base.url: https://hunter2@h
  tenants: [globex, acme]
  tenant:
    globex: {from.default: b@h}
    acme: {host: i}
`)
	s, err := Read(Options{File: path})
	require.NoError(t, err)
	var rows []string
	for line := range strings.SplitSeq(s.Table(), "\n") {
		if strings.HasPrefix(line, "email.") {
			rows = append(rows, strings.Join(strings.Fields(strings.ReplaceAll(line, path, "F")), " "))
		}
	}
	require.Equal(t, []string{
		"email.host h F:2", "email.port 587 default", "email.useCredentials true F:4", "email.username u F:5", "email.password ******** F:6",
		"email.ssl false default", "email.tls true F:3", "email.from.default a@h F:7", "email.base.url https://xxxxx@h F:8", "email.tenants globex,acme F:9",

		"email.tenant.globex.host h email.host", "email.tenant.globex.port 587 email.port", "email.tenant.globex.useCredentials true email.useCredentials",
		"email.tenant.globex.username u email.username", "email.tenant.globex.password ******** email.password",
		"email.tenant.globex.ssl false email.ssl", "email.tenant.globex.tls true email.tls", "email.tenant.globex.from.default b@h F:11",
		"email.tenant.globex.base.url https://xxxxx@h email.base.url",

		"email.tenant.acme.host i F:12", "email.tenant.acme.port 25 default", "email.tenant.acme.useCredentials false default",
		"email.tenant.acme.ssl false default", "email.tenant.acme.tls false default", "email.tenant.acme.base.url https://xxxxx@h email.base.url",
	}, rows)
}

func TestListOfTenants(t *testing.T) {
	path := file(t, "a.yaml", "email: {tenants: [acme]}")
	list := file(t, "list", "globex, initech\n")
	for name, test := range map[string]struct {
		variables map[string]string
		set       []string
		want      []string
	}{
		"file":        {want: []string{"acme"}},
		"environment": {map[string]string{"EMAIL_TENANTS": "globex"}, nil, []string{"globex"}},
		"named file":  {map[string]string{"EMAIL_TENANTS_FILE": list}, nil, []string{"globex", "initech"}},
		"flag":        {map[string]string{"EMAIL_TENANTS_FILE": list}, []string{"email.tenants=hooli"}, []string{"hooli"}},
		"empty flag":  {map[string]string{"EMAIL_TENANTS": "globex"}, []string{"email.tenants="}, nil},
	} {
		s, err := Read(Options{File: path, Set: test.set, Environment: environment(test.variables), Secret: secrets})
		require.NoError(t, err, name)
		require.Equal(t, test.want, s.tenants, name)
		require.Empty(t, s.Warnings(), name)
	}
}

// A pipe has no size.
func TestFileIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe.yaml")
	require.NoError(t, syscall.Mkfifo(path, 0o600))
	go func() {
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err == nil {
			_, _ = f.WriteString(strings.Repeat("#", 2*maxFile)) // is cut off
			_ = f.Close()
		}
	}()
	_, err := Read(Options{File: path})
	require.ErrorContains(t, err, "at most 262144 bytes are read")
}

func TestWarnings(t *testing.T) {
	path := file(t, "a.properties", "emial.host=x\nemail.port=1\nemail.port=2")
	s, err := Read(Options{File: path})
	require.NoError(t, err)
	require.Equal(t, []string{
		path + ":1: emial.host has no meaning here; did you mean email.host?", path + ":3: email.port stands in " + path + ":2, too; the last one counts",
	}, s.Warnings())
	require.Equal(t, []string{"settings that have no meaning here are ignored (1): emial.host"}, s.Notes())
	require.Equal(t, 2, s.Int("email.port"))

	variables := map[string]string{
		"EMAIL_TENANTS": "acme", "EMAIL_TENANT_ACME_HOST": "h", "EMAIL_TENANT_ACME_FROM_DEFAULT_FILE": file(t, "from", "a@b.c"),
		"EMAIL_TENANT_ACME_HOTS": "x", "EMAIL_TENANT_ACNE_PORT": "1", "EMAIL_TENANT_ACME_PORT": "", "EMAIL_TENANT_ACME_SMTP_AUTH": "false", "EMAIL_TENANTLESS": "x",
	}
	s, err = Read(Options{Environment: environment(variables), Variables: slices.Sorted(maps.Keys(variables)), Secret: secrets})
	require.NoError(t, err)
	require.Equal(t, []string{
		"EMAIL_TENANT_ACME_HOTS is the variable of no setting; did you mean EMAIL_TENANT_ACME_HOST?", "EMAIL_TENANT_ACNE_PORT is the variable of no setting; did you mean EMAIL_TENANT_ACME_PORT?",
	}, s.Warnings())

	variables = map[string]string{"EMAIL_TENANTS": "acmeCorp", "EMAIL_TENANT_ACMECORP_FROM": "a@b.c", "EMAIL_TENANT_ACME_CORP_SMTP_AUTH": "true"}
	s, err = Read(Options{Environment: environment(variables), Variables: slices.Sorted(maps.Keys(variables))})
	require.NoError(t, err)
	require.Empty(t, s.Warnings())
	require.Equal(t, "a@b.c", s.Text("email.tenant.acmeCorp.from.default"))
	require.True(t, s.Bool("email.tenant.acmeCorp.useCredentials"))
	s, err = Read(Options{Environment: environment(map[string]string{"EMAIL_TENANT_ACME_HOST": "h"}), Variables: []string{"EMAIL_TENANT_ACME_HOST"}})
	require.NoError(t, err)
	require.Len(t, s.Warnings(), 1)

	s, err = Read(Options{File: file(t, "b.properties", "Redis.Connection=x\nRedis.Password=x\nmail.host=x")})
	require.NoError(t, err)
	require.Len(t, s.Warnings(), 1)
	require.Contains(t, s.Warnings()[0], "mail.host has no meaning here; did you mean email.host?")
}

func TestAllSettingsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../docs/configuration.md")
	require.NoError(t, err)
	for _, k := range Keys() {
		require.Contains(t, string(text), "`"+k.Name+"`")
	}
}
