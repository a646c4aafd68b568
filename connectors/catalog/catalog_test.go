package catalog

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/connectors"
)

// deps are those of a worker with these variables.
func deps(variables map[string]string) Deps {
	return Deps{Variable: func(name string) (string, error) { return variables[name], nil }}
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestNamesAreUnique(t *testing.T) {
	all, err := BuiltIn(deps(nil))
	require.NoError(t, err)
	known := map[string]bool{}
	for i, d := range Definitions() {
		require.Equal(t, d, all[i].Definition())
		require.False(t, known[d.Name], d.Name)
		known[d.Name] = true
	}
}

func TestWithoutAServerACallSaysSo(t *testing.T) {
	all, err := BuiltIn(deps(nil))
	require.NoError(t, err)
	_, err = connectors.Do(t.Context(), all[0], connectors.Call{Action: "SEND", IdempotencyKey: "k", Inputs: map[string]any{"to": "a@example.com", "text": "x"}})
	require.ErrorContains(t, err, "no mail server is set up: set email.host (EMAIL_HOST) for the worker, then retry")
	require.Equal(t, connectors.Permanent, connectors.AsError(err).Kind)
}

func TestWrongSettingsAreNamed(t *testing.T) {
	_, err := BuiltIn(deps(map[string]string{"SLACK_BOT_MESSAGES": "maybe"}))
	require.ErrorContains(t, err, "connector slack: SLACK_")
	desk := write(t, "desk.json", `{"id":"d","name":"desk","template":"email"}`)
	for name, test := range map[string]struct {
		variables map[string]string
		want      string
	}{
		"host":    {map[string]string{"DESK__EMAIL_PORT": "25"}, "connector desk: DESK__EMAIL_HOST is required: SMTP server."},
		"bool":    {map[string]string{"DESK__EMAIL_HOST": "localhost", "DESK__EMAIL_SMTP_AUTH": "yes"}, `DESK__EMAIL_SMTP_AUTH "yes" is neither true nor false`},
		"account": {map[string]string{"DESK__EMAIL_HOST": "localhost", "DESK__EMAIL_SMTP_AUTH": "true"}, "EMAIL_SMTP_AUTH needs"},
	} {
		_, err := Instances([]string{desk}, deps(test.variables))
		require.ErrorContains(t, err, test.want, name)
	}
}

func TestInstancesStandSideBySide(t *testing.T) {
	billing := write(t, "billing.json", `{"id":"b","name":"email-billing","template":"email","config":[
		{"name":"EMAIL_HOST","value":"mail.example.com"},{"name":"EMAIL_PASSWORD","value":"${BILLING_PASSWORD}"},{"name":"CALL_ATTEMPTS","value":"3"}]}`)
	alerts := write(t, "alerts.json", `{"id":"a","name":"email-alerts","template":"email"}`)
	all, err := Instances([]string{billing, filepath.Dir(alerts)}, deps(map[string]string{
		"BILLING_PASSWORD": "hunter2", "EMAIL_ALERTS__EMAIL_HOST": "alerts.example.com",
	}))
	require.NoError(t, err)
	require.Len(t, all, 2)
	require.Equal(t, "email-billing", all[0].Definition().Name)
	require.Equal(t, 3, all[0].Definition().Policy.Retry.Attempts)
	require.Equal(t, Definitions()[0].Policy.Timeout, all[0].Definition().Policy.Timeout, "what the file does not say is the template's")
	require.Equal(t, "email-alerts", all[1].Definition().Name)
	require.Equal(t, Definitions()[0].Actions, all[1].Definition().Actions)

	_, err = Instances([]string{alerts}, deps(map[string]string{"EMAIL_ALERTS__EMAIL_PORT": "25", "EMAIL_HOST": "of another"}))
	require.ErrorContains(t, err, "connector email-alerts: EMAIL_ALERTS__EMAIL_HOST is required")
}

func TestFixedSettingsWin(t *testing.T) {
	d := deps(map[string]string{
		"EMAIL_HOST": "real.example.com", "EMAIL_SMTP_AUTH": "true", "EMAIL_FROM": "a@example.com", "DESK__EMAIL_HOST": "real.example.com", "DESK_HOST": "real.example.com", "EMAIL_RULES__REST_HOST": "rules.example.com",
	})
	d.Fixed = map[string]map[string]string{"email": {"EMAIL_HOST": "127.0.0.1", "EMAIL_SMTP_AUTH": ""}}
	value := func(definition *connectors.Definition, name string) string {
		s := definition.Settings(func(string) (string, error) { return "", nil })
		return s.Text(name)
	}
	desk := write(t, "desk.json", `{"id":"d","name":"desk","template":"email","config":[{"name":"EMAIL_HOST","value":"${DESK_HOST}"},{"name":"EMAIL_SMTP_AUTH","value":"true"}]}`)
	rules := write(t, "rules.json", `{"id":"r","name":"email-rules","template":"rest"}`)
	all, err := Instances([]string{desk, rules}, d)
	require.NoError(t, err, "with authentication an account would be missing")
	require.Empty(t, value(Definitions()[0], "EMAIL_HOST"), "the template is as it was")
	require.Equal(t, "127.0.0.1", value(all[0].Definition(), "EMAIL_HOST"))
	require.Empty(t, value(all[0].Definition(), "EMAIL_SMTP_AUTH"))
	require.Equal(t, "email-rules", all[1].Definition().Name)
}

func TestInstancesAreRefused(t *testing.T) {
	custom := `{"id":"c","name":"vat","actions":{"a":{"id":"a","name":"CHECK"}}}`
	for name, tc := range map[string]struct{ text, want string }{
		"no template":      {custom, `template: "" is not a built-in connector`},
		"unknown template": {`{"id":"c","name":"a","template":"fax"}`, `"fax" is not a built-in connector`},
		"name":             {`{"id":"c","name":"email","template":"email"}`, `connector "email" is built in`},
		"setting":          {`{"id":"c","name":"a","template":"email","config":[{"name":"HOST","value":"x"}]}`, `connector a has no setting "HOST"; it has EMAIL_HOST`},
		"action":           {`{"id":"c","name":"a","template":"email","actions":{"x":{"id":"x","name":"SENT"}}}`, `connector a has no action "SENT"; did you mean "SEND"?`},
		"policy":           {`{"id":"c","name":"a","template":"email","config":[{"name":"CALL_TIMEOUT","value":"soon"}]}`, `CALL_TIMEOUT: "soon"`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Instances([]string{write(t, "x.json", tc.text)}, deps(nil))
			require.ErrorContains(t, err, tc.want)
		})
	}
	all, err := Instances([]string{filepath.Dir(write(t, "x.json", custom))}, deps(nil))
	require.NoError(t, err, "a folder may hold other connectors, too")
	require.Empty(t, all)
	_, err = Instances([]string{"/no/such"}, deps(nil))
	require.EqualError(t, err, "/no/such: there is no such file or folder")
}
