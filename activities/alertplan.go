package activities

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"strings"
	"time"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/alerts"
)

// Plan says what is to be told of a group now: nothing within quiet hours, or when all has been mended meanwhile.
func (a *Alerter) Plan(ctx context.Context, in contract.AlertPlanInput) (contract.AlertPlan, error) {
	rule, err := a.rule(ctx, in.Rule)
	switch {
	case err != nil:
		return contract.AlertPlan{}, err
	case rule == nil:
		return contract.AlertPlan{Gone: true}, nil
	}
	g := in.Group
	var plan contract.AlertPlan
	if !g.Test && !in.Again {
		if until := rule.QuietUntil(time.Now(), alerts.Severity(g.Alert)); !until.IsZero() {
			return contract.AlertPlan{Until: until}, nil
		}
		left, stands := a.standing(ctx, g, in.Step > 0)
		if !stands {
			return contract.AlertPlan{Recovered: true}, nil
		}
		if len(left.Samples) < len(g.Samples) {
			g, plan.Group = left, &left
		}
	}
	mails := rule.Mails
	plan.Acts = len(rule.Triggers)
	if in.Step > 0 {
		if in.Step > len(rule.Steps) {
			return contract.AlertPlan{Recovered: true}, nil // the rule has changed meanwhile
		}
		mails, plan.Acts = []alerts.Mail{rule.Steps[in.Step-1].Mail}, 0
	} else if g.Messages > 0 {
		plan.Acts = 0 // processes are started when a group is told of for the first time
	}
	outputs := a.outputs(rule, g, in.Step > 0)
	for i, m := range mails {
		n, err := notice(m, outputs, g)
		if err != nil {
			plan.Failed = fmt.Sprintf("mail %d: %v", i+1, err)
		}
		n.Key = fmt.Sprintf("%s/%d", in.Key, i)
		plan.Notices = append(plan.Notices, n)
	}
	return plan, nil
}

// notice is a mail of a rule about a group. With a subject that cannot be evaluated it has that of its template.
func notice(m alerts.Mail, outputs map[string]any, g contract.AlertGroup) (contract.Notice, error) {
	subject, err := m.Subject(outputs)
	if g.Others && subject == "" {
		subject = fmt.Sprintf("[%s] %d alerts of more processes and faults", alerts.Severity(g.Alert), g.New)
	}
	if g.Test {
		subject = "[test] " + subject
		if subject == "[test] " {
			subject += fmt.Sprintf("alert: %s: %s", g.Alert.ProcessName, g.Alert.FaultName)
		}
	}
	return contract.Notice{
		Tenant: g.Alert.Tenant, Template: m.Template, Fallback: contract.TemplateAlert, Subject: subject, To: m.To, Cc: m.Cc, Bcc: m.Bcc, Users: m.Users, Groups: m.Groups, Data: outputs,
	}, err
}

// outputs are a group as expressions and templates see it.
func (a *Alerter) outputs(r *alerts.Rule, g contract.AlertGroup, escalation bool) contract.Variables {
	alert := g.Alert
	if r.Severity != "" {
		alert.Severity = r.Severity
	}
	if g.Test {
		alert.FaultDetails.Reason = "This is a test: nothing has happened. " + alert.FaultDetails.Reason
	}
	out := alerts.Outputs(alert)
	samples := make([]any, len(g.Samples))
	for i, s := range g.Samples {
		if g.Test {
			s.ProcessID = ""
		}
		samples[i] = map[string]any{"id": s.ID, "processId": s.ProcessID, "incident": int64(s.Incident), "at": s.At.UTC().Format(time.RFC3339), "links": a.links(s)}
	}
	count, since := g.New, g.Since
	if escalation {
		count, since = g.Count, g.ToldAt
	}
	about := alerts.Sample(alert)
	if g.Test {
		about = contract.AlertSample{} // there is nothing to look at
	}
	own := maps.Clone(out)
	maps.Copy(out, map[string]any{
		"rule": r.Name, "count": count, "instances": g.Instances, "since": since.UTC().Format(time.RFC3339), "until": g.Until.UTC().Format(time.RFC3339),
		"first": g.Messages == 0 && !escalation, "summary": g.Messages > 0 && !escalation, "escalation": escalation, "samples": samples,
		"links": a.links(about), "group": g.Key, "groups": otherGroups(g), "test": g.Test, "alert": own,
	})
	return out
}

// otherGroups are those of a message about several.
func otherGroups(g contract.AlertGroup) []any {
	all := []any{}
	for _, o := range g.Parts {
		all = append(all, map[string]any{"group": o.Group, "count": o.Count})
	}
	if g.More > 0 {
		all = append(all, map[string]any{"group": "more groups", "count": g.More})
	}
	return all
}

// links lead to what an alert is about.
func (a *Alerter) links(s contract.AlertSample) map[string]any {
	links := map[string]any{"run": "", "incident": "", "command": ""}
	if a.settings.UIURL != "" && s.ProcessID != "" {
		links["run"] = fmt.Sprintf("%s/namespaces/%s/workflows/%s", a.settings.UIURL, url.PathEscape(a.settings.Namespace), url.PathEscape(s.ProcessID))
		if s.RunID != "" {
			links["run"] = fmt.Sprintf("%s/%s/history", links["run"], url.PathEscape(s.RunID))
		}
	}
	switch {
	case s.Source == contract.AlertProcess && s.Incident > 0:
		links["command"] = fmt.Sprintf("starter incident retry %s --incident %d", s.ProcessID, s.Incident)
		if a.settings.BaseURL != "" {
			links["incident"] = fmt.Sprintf("%s/incidents/%s/%d", a.settings.BaseURL, url.PathEscape(s.ProcessID), s.Incident)
		}
	case s.Source == contract.AlertMailbox:
		links["command"] = "starter mailbox resume " + strings.TrimPrefix(s.ProcessID, contract.MailboxID(""))
	}
	return links
}
