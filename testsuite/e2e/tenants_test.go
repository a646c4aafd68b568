package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/testsuite/mailserver"
)

// TestTenantsHaveServersOfTheirOwn: mail of a process goes over the server of its tenant, and comes from its sender, as a file of settings says.
// A process that it calls has its own tenant, here none.
func TestTenantsHaveServersOfTheirOwn(t *testing.T) {
	t.Parallel()
	i := installTemporal(t, options{})
	i.startOutgoing("")
	acme, err := mailserver.Start(mailserver.Options{Users: map[string]string{"desk@acme.example": "hunter2"}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, acme.Close(context.Background())) })
	host, port, err := net.SplitHostPort(acme.SMTPAddr())
	require.NoError(t, err)
	config := filepath.Join(i.dir, "activiti-app.properties")
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, `datasource.url=jdbc:h2:mem:activiti
email.enabled=true
email.host=nobody.invalid
email.from.default=no-reply@example.com
email.tenants=acme
email.tenant.acme.host=%s
email.tenant.acme.port=%s
email.tenant.acme.useCredentials=true
email.tenant.acme.username=desk@acme.example
email.tenant.acme.password=env:ACME_PASSWORD
email.tenant.acme.from.default=desk@acme.example
email.tenant.acme.from.default.name=Acme
`, host, port), 0o600))
	i.environment = []string{"ACME_PASSWORD=hunter2"}
	w := i.startWorker("--config", config, "--log-level", "info")

	var deployed struct {
		Definitions []struct{ Key, Tenant string }
	}
	i.starter(&deployed, "deploy", "testdata/tenants/inner.bpmn")
	i.starter(&deployed, "deploy", "testdata/tenants/outer.bpmn", "--tenant", "acme")
	require.Equal(t, "acme", deployed.Definitions[0].Tenant)
	id, _, err := i.client.Start(t.Context(), client.StartOptions{Key: "outer", ID: "outer/1"})
	require.NoError(t, err)

	senders := func(s *mailserver.Server) (all []string) {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		mails, err := s.WaitFor(ctx, "ann@example.com", 1)
		require.NoError(t, err)
		for _, m := range mails {
			for line := range strings.SplitSeq(string(m.Raw), "\r\n") {
				if from, ok := strings.CutPrefix(line, "From: "); ok {
					all = append(all, from)
				}
			}
		}
		return all
	}
	require.Equal(t, []string{`"Acme" <desk@acme.example>`}, senders(acme))
	require.Equal(t, []string{"<no-reply@example.com>"}, senders(i.outgoing), "EMAIL_HOST weighs more than the file")

	var got contract.ProcessResult
	i.starter(&got, "get", id)
	require.Equal(t, "acme", got.Definition.Tenant)
	i.eventually(func() string { return "the list does not show the tenant" }, func() bool {
		var list []client.Instance
		i.starter(&list, "list", "--key", "outer")
		return len(list) == 1 && list[0].Tenant == "acme"
	})

	var report contract.EmailReport
	i.starter(&report, "email", "test", "--tenant", "acme", "--to", "bob@example.com")
	require.True(t, report.OK)
	require.Equal(t, "acme", report.Tenant)
	_, err = acme.WaitFor(t.Context(), "bob@example.com", 1)
	require.NoError(t, err)

	// A server that is away fails its test and its health, and nothing else.
	require.NoError(t, i.outgoing.Close(context.Background()))
	dir, err := programs()
	require.NoError(t, err)
	output, err := exec.Command(filepath.Join(dir, "starter"), "email", "test", "--temporal-address", i.temporal.Address).CombinedOutput()
	failed, ok := errors.AsType[*exec.ExitError](err)
	require.True(t, ok, "%v: %s", err, output)
	require.Equal(t, 1, failed.ExitCode(), "%s", output)
	require.Regexp(t, `connect +FAILED .* nothing listens there`, string(output))
	require.Contains(t, string(output), "error: the stage connect failed: see email.port")
	require.NotContains(t, w.output.String(), "hunter2")
	_, _, err = i.client.Start(t.Context(), client.StartOptions{Key: "inner", ID: "inner/1"})
	require.NoError(t, err)
	i.eventually(func() string { return "the server that is away is no failure" }, func() bool {
		health, err := i.client.EmailHealth(t.Context())
		return err == nil && health.Status == contract.EmailFailing && health.Servers[0].Status == contract.EmailFailing && health.Servers[1].Status == contract.EmailOK
	})
	code, body := w.ask("/api/health/mail")
	require.Equal(t, http.StatusServiceUnavailable, code)
	require.Contains(t, body, `"status":"failing"`)
	code, _ = w.ask("/readyz")
	require.Equal(t, http.StatusOK, code, "it does not take the gateway out")
	_, metrics := w.ask("/metrics")
	require.Contains(t, metrics, `waybill_emails_total{outcome="sent",stage="",tenant="acme"} 1`)
	require.Contains(t, metrics, `waybill_emails_total{outcome="sent",stage="",tenant=""} 1`)
	require.Contains(t, metrics, `waybill_emails_total{outcome="failed",stage="dial",tenant=""}`)
	require.Contains(t, metrics, `waybill_email_last_failure_timestamp_seconds{tenant=""}`)
}

// TestWorkerRefusesSettings: what is wrong is told before anything has happened.
func TestWorkerRefusesSettings(t *testing.T) {
	t.Parallel()
	dir, err := programs()
	require.NoError(t, err)
	config := filepath.Join(t.TempDir(), "waybill.yaml")
	require.NoError(t, os.WriteFile(config, []byte("email:\n  hots: mail.example.com\n  port: none\n  password: hunter2\n"), 0o600))
	for _, flags := range [][]string{{"--check"}, nil} {
		output, err := exec.Command(filepath.Join(dir, "worker"), append(flags, "--config", config)...).CombinedOutput()
		failed, ok := errors.AsType[*exec.ExitError](err)
		require.True(t, ok, "%v: %s", err, output)
		require.Equal(t, 2, failed.ExitCode())
		require.Equal(t, "error: "+config+":2: email.hots is not a setting; did you mean email.host?\n"+config+`:3: email.port: "none" is not a number from 1 to 65535`+"\n", string(output))
	}
	require.NoError(t, os.WriteFile(config, []byte("email:\n  host: mail.example.com\n  useCredentials: true\n  username: desk\n  password: hunter2\n"), 0o600))
	output, err := exec.Command(filepath.Join(dir, "worker"), "--config", config, "--check").CombinedOutput()
	require.NoError(t, err, "%s", output)
	require.Regexp(t, `(?m)^email\.host +mail\.example\.com +`+config+`:2$`, string(output))
	require.NotContains(t, string(output), "hunter2")
}

var gatewayURL = regexp.MustCompile(`gateway=(http://\S+)`)

// ask asks the gateway of a worker, which has told where it is: it logs at level info.
func (w *worker) ask(path string) (int, string) {
	w.t.Helper()
	gateway := gatewayURL.FindStringSubmatch(w.output.String())
	require.NotNil(w.t, gateway, "%s", &w.output)
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, gateway[1]+path, nil)
	require.NoError(w.t, err)
	answer, err := http.DefaultClient.Do(r)
	require.NoError(w.t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	require.NoError(w.t, err)
	return answer.StatusCode, string(body)
}
