package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/workflow/v1"

	"github.com/waybill-io/waybill/activities/contract"
)

func TestCredentialAddRefuses(t *testing.T) {
	t.Setenv("WAYBILL_GATEWAY_URL", "")
	ours := "--authorization-url https://l/a --token-url https://l/t --client-id i "
	for args, want := range map[string]string{
		"Ours " + ours: `credential name "Ours": 1 to 26 lower-case letters`,
		"c --client-id i --token-url http://l/t --grant authorization-code --device-url https://l/d": "token URL: https is expected",
		"c " + ours + "--client-secret hunter2":                                                      "client secret: env:NAME, file:/path or sealed:... is expected, and not the secret itself",
		"c " + ours + "--provider yahoo":                                                             "--provider yahoo: microsoft, google or generic is expected",
		"c " + ours + "--tenant contoso.com":                                                         "--tenant: only Microsoft has tenants",
		"c " + ours + "--client-auth jwt":                                                            `client authentication "jwt": basic or post is expected`,
		"c " + ours + "--parameter state=hunter":                                                     `parameter "state" is set by Waybill`,
		"c " + ours + "--grant password":                                                             `grant "password": authorization-code or client-credentials is expected`,
		"c " + ours + "--refresh-token-days -1":                                                      "-1 days of a refresh token",
		"c " + ours + "--notify admin":                                                               `"admin" is no address to warn: it is written as in ops@example.com`,
		"c " + ours + "--revocation-url ldap://l":                                                    "revocation URL: https is expected",
		"c --token-url https://l/t --client-id i":                                                    "a client secret is expected: it alone proves who the client is",
		"c --provider google --client-secret env:S":                                                  "a client id is expected",
		"c --provider google --client-id i --client-secret env:S --revoke-old":                       "--revoke-old: google takes back the new consent, too",
		"c --provider google --client-id i --client-secret env:S --grant client-credentials":         "Google gives such clients no tokens for mail",
		"c --provider microsoft --client-id i --client-secret env:S --grant client-credentials":      "--tenant is required",
	} {
		server := &fakeTemporal{}
		s := newShell(server)
		code := s.run(t.Context(), append([]string{"credential", "add"}, strings.Fields(args)...)...)
		require.Equal(t, exitUsage, code, args)
		require.Contains(t, s.err.String(), want, args)
		require.NotContains(t, s.err.String(), "hunter", "what might be a secret must not be shown")
		require.Empty(t, server.told)
	}
}

func TestCredentialAddKnowsProviders(t *testing.T) {
	t.Setenv("WAYBILL_GATEWAY_URL", "https://waybill.example.com/")
	add := func(args string) (c contract.CredentialConfig) {
		t.Helper()
		server := &fakeTemporal{answers: map[string]any{"credential/c configure": nil}}
		s := newShell(server)
		require.Equal(t, exitOK, s.run(t.Context(), strings.Fields("credential add c --client-id i --client-secret env:S --output json "+args)...), s.err.String())
		require.NoError(t, json.Unmarshal(s.out.Bytes(), &c))
		require.Equal(t, []string{"credential/c configure " + strings.TrimSpace(s.out.String())}, server.told)
		require.Equal(t, "https://waybill.example.com", c.Gateway)
		return c
	}
	c := add("--provider microsoft --tenant contoso.com")
	require.Equal(t, "https://login.microsoftonline.com/contoso.com/oauth2/v2.0/token", c.TokenURL)
	require.Contains(t, c.Scopes, "offline_access")
	require.Equal(t, []any{"post", 90, false, false}, []any{c.ClientAuth, c.RefreshDays, c.Slides, c.RevokeOld})
	require.False(t, c.Own())

	c = add("--provider microsoft --tenant contoso.com --grant client-credentials")
	require.Equal(t, []string{"https://outlook.office365.com/.default"}, c.Scopes)
	require.Empty(t, c.AuthorizationURL+c.DeviceURL)
	require.True(t, c.Own())

	c = add("--provider google --parameter hd=example.com")
	require.Equal(t, map[string]string{"access_type": "offline", "prompt": "consent", "hd": "example.com"}, c.Extra)
	require.Equal(t, []any{180, true, false}, []any{c.RefreshDays, c.Slides, c.RevokeOld})

	c = add(`--authorization-url https://l/a --token-url https://l/t --scope mail --scope offline_access`)
	require.Equal(t, []any{"", "basic", 90}, []any{c.Provider, c.ClientAuth, c.RefreshDays})
	require.Equal(t, []string{"mail", "offline_access"}, c.Scopes)
}

func TestCredentialAuthorizeWaits(t *testing.T) {
	until := time.Now().Add(time.Hour).UTC()
	server := &fakeTemporal{answers: map[string]any{
		"credential/c device": contract.DeviceCode{ID: "the id", UserCode: "ABCD-EFGH", URL: "https://login.example.com/device", Expires: until},
		"credential/c status": contract.CredentialStatus{Consent: &contract.ConsentOutcome{ID: "the id", OK: true, Message: "authorized", User: "ann@example.com"}},
	}}
	s := newShell(server)
	code := s.run(t.Context(), "credential", "authorize", "c", "--device")
	require.Equal(t, exitOK, code, s.err.String())
	require.Contains(t, s.out.String(), "open https://login.example.com/device and enter the code ABCD-EFGH")
	require.Contains(t, s.out.String(), "credential c is authorized for ann@example.com")

	server.answers["credential/c status"] = contract.CredentialStatus{Consent: &contract.ConsentOutcome{ID: "the id", Message: "the user declined to consent"}}
	s = newShell(server)
	require.Equal(t, exitRefused, s.run(t.Context(), "credential", "authorize", "c", "--device"))
	require.Contains(t, s.err.String(), "the user declined to consent")

	server.answers["credential/c status"] = contract.CredentialStatus{}
	s = newShell(server)
	require.Equal(t, exitNotDone, s.run(t.Context(), "credential", "authorize", "c", "--device", "--wait", "1ms"))

	server.answers["credential/c invite"] = nil
	s = newShell(server)
	require.Equal(t, exitOK, s.run(t.Context(), "credential", "authorize", "c", "--wait", "0", "--gateway-url", "https://waybill.example.com/"), s.err.String())
	require.Contains(t, s.out.String(), "https://waybill.example.com/oauth/c/authorize?invitation=")
	for _, gateway := range []string{"javascript:x", "http://waybill.example.com"} {
		refused := newShell(server)
		require.Equal(t, exitUsage, refused.run(t.Context(), "credential", "authorize", "c", "--wait", "0", "--gateway-url", gateway))
		require.Contains(t, refused.err.String(), "gateway URL "+gateway)
		require.NotContains(t, refused.out.String(), "invitation")
	}
	invitation := strings.TrimSpace(s.out.String()[strings.LastIndex(s.out.String(), "=")+1:])
	require.NotContains(t, strings.Join(server.told, "\n"), invitation, "its hash alone is told")
}

// The list is some moments behind: a credential that was removed just now is still in it, and fails nothing.
func TestCredentialListWithoutRemoved(t *testing.T) {
	server := &fakeTemporal{answers: map[string]any{"credential/there status": contract.CredentialStatus{}}}
	for _, name := range []string{"gone", "there"} {
		server.list = append(server.list, &workflow.WorkflowExecutionInfo{Execution: &common.WorkflowExecution{WorkflowId: contract.CredentialID(name)}})
	}
	s := newShell(server)
	require.Equal(t, exitOK, s.run(t.Context(), "credential", "list"), s.err.String())
	require.Contains(t, s.out.String(), "there")
	require.NotContains(t, s.out.String(), "gone")
}

func TestMailboxListWithoutRemoved(t *testing.T) {
	there := mailbox()
	there.Config.Host = "there.example.com"
	server := &fakeTemporal{answers: map[string]any{"mailbox/there status": there}}
	for _, name := range []string{"gone", "there"} {
		server.list = append(server.list, executions(t, contract.MailboxID(name), contract.MailboxWorkflow, "")...)
	}
	s := newShell(server)
	require.Equal(t, exitOK, s.run(t.Context(), "mailbox", "list"), s.err.String())
	require.Contains(t, s.out.String(), "there.example.com")
	require.NotContains(t, s.out.String(), "gone")
}

func TestCredentialThatIsMissedOrUsed(t *testing.T) {
	state := mailbox()
	state.Config.Password = "credential:ours"
	server := &fakeTemporal{
		list:    executions(t, "mailbox/support", contract.MailboxWorkflow, ""),
		answers: map[string]any{"mailbox/support configure": nil, "mailbox/support status": state, "credential/ours remove": nil, "credential/other remove": nil},
	}
	s := newShell(server)
	require.Equal(t, exitOK, s.run(t.Context(), strings.Fields("mailbox add support --host h --username u --credential nosuch")...), s.err.String())
	require.Contains(t, s.err.String(), "warning: there is no credential nosuch")
	s = newShell(server)
	require.Equal(t, exitRefused, s.run(t.Context(), "credential", "remove", "ours"))
	require.Contains(t, s.err.String(), "mailboxes log in with it (support); --force")
	for _, args := range []string{"credential remove other", "credential remove ours --force"} {
		s = newShell(server)
		require.Equal(t, exitOK, s.run(t.Context(), strings.Fields(args)...), s.err.String())
	}
}

func TestMailboxWithCredential(t *testing.T) {
	for args, want := range map[string][]string{
		"--host h --username u --credential ours":                         {"credential:ours", "xoauth2"},
		"--host h --username u --credential ours --auth oauthbearer":      {"credential:ours", "oauthbearer"},
		"--source ews --host h --username u --credential ours":            {"credential:ours", "oauth"},
		"--host h --username u --password credential:ours --auth xoauth2": {"credential:ours", "xoauth2"},
		"--host h --username u --password credential:ours":                nil,
		"--host h --username u --credential ours --password env:P":        nil,
		"--host h --username u --credential Ours":                         nil,
	} {
		server := &fakeTemporal{answers: map[string]any{"mailbox/s configure": nil}}
		s := newShell(server)
		code := s.run(t.Context(), append([]string{"mailbox", "add", "s", "--output", "json"}, strings.Fields(args)...)...)
		if want == nil {
			require.Equal(t, exitUsage, code, args)
			continue
		}
		require.Equal(t, exitOK, code, s.err.String())
		var config contract.MailboxConfig
		require.NoError(t, json.Unmarshal(s.out.Bytes(), &config))
		require.Equal(t, want, []string{config.Password, config.Auth}, args)
	}
}
