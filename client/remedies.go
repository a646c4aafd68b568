package client

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/waybill-io/waybill/activities/contract"
)

// remedies judge what was found of a mailbox, and say what to do in the words of whoever asks.
type remedies struct {
	name     string
	listener string // the id by which an application asks; "": an operator asks
}

// either is what an operator or what an application does.
func (r remedies) either(operator, application string) string {
	if r.listener != "" {
		return application
	}
	return operator
}

func (r remedies) resume() string {
	return r.either("`starter mailbox resume "+r.name+"`", fmt.Sprintf("`POST /api/listeners/resume` with [%q]", r.listener))
}

func (r remedies) watched(err error) Finding {
	if r.listener != "" && errors.Is(err, ErrNotFound) {
		err = fmt.Errorf("no mailbox with the Id %q is watched", r.listener)
	}
	return finding("watched", err, r.either("add it with `starter mailbox add "+r.name+"`", "`POST /api/listeners` with its credentials"))
}

func (r remedies) connection(m Mailbox) Finding {
	f := Finding{Check: "connection", OK: m.Connection == "connected", Cause: m.Connection}
	switch {
	case m.Connection == "stopped" && m.Stopped != nil: // what to do is said by the cure
		f.Cause += ": " + words(m.Stopped)
	case m.Cause != "":
		f.Cause += ": " + m.Cause
	}
	switch m.Connection {
	case "stopped":
		f.Cure = "mend what the cause says, then " + r.resume()
	case "paused":
		f.Cure = r.resume()
	case "connected":
	case "connecting", "stale":
		f.Cure = "see the other checks; if they are OK, no worker has room: start one more with the role mailbox, or with a higher --mailbox-groups"
	default:
		f.Cure = "see the other checks; it is tried again all the time"
	}
	return f
}

// words are those of errors that stopped a mailbox.
func words(e *contract.MailboxError) string {
	return fmt.Sprintf("errors in a row: %d: %s", e.Count, e.Message)
}

func (r remedies) logIn(m Mailbox, result contract.CheckResult, err error) Finding {
	if err == nil && !result.OK {
		err = errors.New(result.Message)
	}
	cure := r.either("mend the secret "+reference(m.Config.Password)+", the user or the server, as the cause says",
		"`PUT /api/listeners` with its credentials, of which one is to be mended, as the cause says: Password or AccessToken, UserName, or ServiceUrl")
	if name, ok := strings.CutPrefix(m.Config.Password, contract.CredentialPrefix); ok {
		cure = "see `starter credential show " + name + "`; and is " + m.Config.Username + " whom it was authorized for, with the scopes that the mail server wants?"
	}
	if len(result.Folders) > 0 { // it has logged in
		cure = r.either(fmt.Sprintf("`starter mailbox add %s` with the flags that it has, and --folder for each of its folders", m.Name),
			"`PUT /api/listeners` with its credentials, and with folders") + "; the account has " + some(result.Folders)
	}
	return finding("log-in from a worker", err, cure)
}

// soon is how long a token must still be good.
const soon = 5 * time.Minute

// token says when the token ends that a mailbox is logged in to with; nothing of a mailbox without one.
func (r remedies) token(m Mailbox, result contract.CheckResult, err error, now time.Time) []Finding {
	if !m.Config.OAuth() {
		return nil
	}
	f := Finding{Check: "token expiry"}
	switch {
	case err != nil:
		f.Cause, f.Cure = "cannot be made, because no worker has read the token", "see the check log-in from a worker"
	case result.Token == nil:
		f.Cause, f.Cure = "the token cannot be read: "+result.Message, r.renews(m.Config.Password)
	case result.Token.Expires.IsZero():
		f.OK, f.Cause = true, "the token does not say when it ends"
	default:
		at := result.Token.Expires
		left := at.Sub(now)
		f.OK = left > soon
		tense, when := "expires", "in "+about(left)
		if left <= 0 {
			tense, when = "expired", about(-left)+" ago"
		}
		f.Cause = fmt.Sprintf("the token %s at %s (%s)", tense, at.UTC().Format(time.RFC3339), when)
		if !f.OK {
			f.Cure = r.renews(m.Config.Password)
		}
	}
	return []Finding{f}
}

// renews says who renews a token.
func (r remedies) renews(secret string) string {
	kind, name, _ := strings.Cut(secret, ":")
	switch {
	case kind == "credential":
		return "see `starter credential show " + name + "`, which says why it has no newer one"
	case kind == "file":
		return "is that running which writes a new token to " + name + " on the workers' machines? It is read at each log-in"
	case kind == "env":
		return "a variable stays the same while a worker runs: set " + name + " and restart the workers, or name a file that something renews (file:/path)"
	}
	return r.either("`starter mailbox add "+r.name+"` with the flags that it has, and a new token; better name a file that something renews (file:/path)",
		"the application renews it: `PUT /api/listeners` with its credentials and a new AccessToken")
}

// about is a time for people.
func about(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d m", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}

// webhook has two findings: of the settings, and of a call.
func (r remedies) webhook(name string, check contract.WebhookCheck, err error) []Finding {
	call := "webhook " + name + ": call"
	if err != nil {
		return []Finding{finding(call, err, "start a worker with the role process")}
	}
	settings := Finding{Check: "webhook " + name + ": settings", OK: check.Settings.OK, Cause: check.Settings.Cause, Cure: check.Settings.Cure}
	if !settings.OK {
		settings.Cure += r.either(": `starter webhook add "+name+" --mailbox "+r.name+"` with the flags that it has", ": `PUT /api/listeners` with its credentials (BpmEndpoint, secrets)")
	}
	if check.Call == nil {
		return []Finding{settings, {Check: call, Cause: "cannot be made, because the settings are not good", Cure: "mend the settings"}}
	}
	return []Finding{settings, {Check: call, OK: check.Call.OK, Cause: check.Call.Cause, Cure: check.Call.Cure}}
}

func (r remedies) pending(m Mailbox) Finding {
	const check = "webhooks accept"
	if len(m.Pending) == 0 {
		return Finding{Check: check, OK: true}
	}
	p, waiting := m.Pending[0], 0
	for _, p := range m.Pending {
		waiting += p.Count()
	}
	return Finding{
		Check: check, Cause: fmt.Sprintf("%d deliveries wait, the first for %s since %s", waiting, p.Webhook, p.Since.UTC().Format(time.RFC3339)),
		Cure: "see the call of the webhook: it is tried again all the time",
	}
}

func (r remedies) testMessage(result contract.TestedMailbox, wait time.Duration) Finding {
	f := Finding{Check: "test message", OK: result.Handled}
	because := ""
	if result.Problem != "" {
		because = ": " + result.Problem
	}
	switch {
	case result.How == "":
		f.Cause = "cannot be made, because nothing was sent" + because
		f.Cure = r.either("see that the account may send; of a mailbox whose server of outgoing mail is not known, send a mail by hand, and look at `starter mailbox status "+r.name+"`",
			"see that the account may send; `PUT /api/listeners` with its credentials and smtpUrl names the server that sends its mail")
	case result.Handled:
		f.Cause = fmt.Sprintf("%s; it came into %s after %s and was handled after %s", result.How, result.Folder, seconds(result.Arrived), seconds(result.After))
	case result.Folder != "":
		f.Cause = fmt.Sprintf("%s; it came into %s after %s, and was not handled within %s%s", result.How, result.Folder, seconds(result.Arrived), wait, because)
		f.Cure = "see the other checks: who gets its mail, and whether the connection is proved to be alive"
	default:
		f.Cause = fmt.Sprintf("%s; within %s it did not come into a folder that is watched%s", result.How, wait, because)
		f.Cure = "does the mail server deliver " + result.MessageID + " to this mailbox? See its log, its filters and rules"
	}
	return f
}

func seconds(d time.Duration) time.Duration { return d.Round(time.Millisecond) }

func (r remedies) dead(m Mailbox) []Finding {
	if len(m.DeadLetters) == 0 {
		return nil
	}
	commands := "`starter deadletter list " + r.name + "`; mend the cause, then `starter deadletter retry " + r.name + " --all`"
	return []Finding{{
		Check: "dead letters", Cause: fmt.Sprintf("%d, the last: %s", len(m.DeadLetters), m.DeadLetters[len(m.DeadLetters)-1].Reason),
		Cure: r.either("see "+commands, "no call of the API does that: an operator sees them with "+commands),
	}}
}

// some lists the first of many.
func some(names []string) string {
	const limit = 20
	if len(names) > limit {
		return fmt.Sprintf("%s and %d others", strings.Join(names[:limit], ", "), len(names)-limit)
	}
	return strings.Join(names, ", ")
}

// reference names a secret, as far as it is a name.
func reference(secret string) string {
	if strings.HasPrefix(secret, "sealed:") {
		return "(sealed)"
	}
	return secret
}
