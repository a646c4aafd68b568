package activities

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/alerts"
	"github.com/waybill-io/waybill/client"
)

const (
	// askedAtOnce is how many instances are asked at a time whether their incidents are open.
	askedAtOnce = 5
	// askTimeout bounds a question. Whoever does not answer is taken to be in trouble still.
	askTimeout = 5 * time.Second
)

// standing is a group without what has been mended of what it names; false when nothing of it still is so. Where it names too few of its alerts,
// any suspended instance of the process will do. With all, it is about all of its alerts, and not the new ones.
func (a *Alerter) standing(ctx context.Context, g contract.AlertGroup, all bool) (contract.AlertGroup, bool) {
	var group errgroup.Group
	group.SetLimit(askedAtOnce)
	answers := make([]bool, len(g.Samples))
	for i, s := range g.Samples {
		group.Go(func() error {
			ctx, cancel := context.WithTimeout(ctx, askTimeout)
			defer cancel()
			answers[i] = a.client.Stands(ctx, s)
			return nil
		})
	}
	_ = group.Wait() // none returns an error
	count := g.New
	if all {
		count = g.Count
	}
	if !slices.Contains(answers, true) && (int64(len(g.Samples)) >= count || g.Alert.Source != contract.AlertProcess || !a.suspended(ctx, g)) {
		return g, false
	}
	left := without(g, answers)
	if i := slices.IndexFunc(left.Samples, func(s contract.AlertSample) bool { return s.ID == g.Alert.ID }); i < 0 && len(left.Samples) < len(g.Samples) {
		left.Alert = a.head(ctx, left)
	}
	return left, true
}

// suspended tells whether an instance of the process of a group is; of any when the group is of many.
func (a *Alerter) suspended(ctx context.Context, g contract.AlertGroup) bool {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	key := g.Alert.ProcessKey
	if g.Others {
		key = ""
	}
	found, err := a.client.List(ctx, client.Filter{Key: key, State: contract.StateSuspended, Limit: 1})
	return err != nil || len(found) > 0
}

// without is a group less those of its samples that do not stand. What it does not name is counted as it came. A message about several groups
// counts as it did, since it is not known which of them a sample is of.
func without(g contract.AlertGroup, stands []bool) contract.AlertGroup {
	samples := []contract.AlertSample{}
	open, mended := map[string]bool{}, map[string]bool{}
	for i, s := range g.Samples {
		if stands[i] {
			samples = append(samples, s)
			open[s.ProcessID] = true
		} else {
			mended[s.ProcessID] = true
		}
	}
	gone := int64(len(g.Samples) - len(samples))
	g.Samples = samples
	if gone == 0 || g.Others {
		return g
	}
	for id := range mended {
		if !open[id] {
			g.Instances--
		}
	}
	least := max(int64(len(samples)), 1)
	g.New, g.Count, g.Instances = max(g.New-gone, least), max(g.Count-gone, least), max(g.Instances, int64(len(open)), 1)
	if len(samples) > 0 {
		g.Since = samples[0].At
	}
	return g
}

// head is the alert that a message begins with when the one that it began with has been mended: the first that stands, as far as its instance tells
// of it. Without one that is known, it names no instance.
func (a *Alerter) head(ctx context.Context, g contract.AlertGroup) contract.Alert {
	alert := g.Alert
	var s contract.AlertSample
	if len(g.Samples) > 0 {
		s = g.Samples[0]
		alert.ID, alert.At, alert.Source = s.ID, s.At, s.Source
	}
	alert.ProcessID, alert.RunID, alert.Incident, alert.BusinessKey, alert.Initiator = s.ProcessID, s.RunID, s.Incident, "", ""
	if s.Starter != "" {
		alert.Initiator = contract.AlertInitiator(s.Starter)
	}
	alert.FaultDetails.Reason, alert.FaultDetails.Details = "", ""
	switch s.Source {
	case contract.AlertMailbox:
		alert.ProcessName = "mailbox " + strings.TrimPrefix(s.ProcessID, contract.MailboxID(""))
	case contract.AlertCredential:
		alert.ProcessName = strings.TrimPrefix(s.ProcessID, contract.CredentialID(""))
	case contract.AlertProcess:
		ctx, cancel := context.WithTimeout(ctx, askTimeout)
		defer cancel()
		if r, err := a.client.Get(ctx, s.ProcessID); err == nil {
			describe(&alert, r)
		}
	}
	return alerts.Bounded(alert)
}

// describe fills in what an instance tells of an incident.
func describe(alert *contract.Alert, r contract.ProcessResult) {
	if alert.ProcessKey != r.Definition.Key {
		alert.ProcessKey, alert.ProcessName, alert.ProcessNamespace = r.Definition.Key, r.Definition.Key, ""
	}
	alert.ProcessVersion, alert.BusinessKey = r.Definition.Version, r.BusinessKey
	i := slices.IndexFunc(r.Incidents, func(i contract.Incident) bool { return i.ID == alert.Incident })
	if i < 0 {
		return
	}
	incident := r.Incidents[i]
	if path := strings.Split(alert.LocationPath, "/"); path[len(path)-1] != incident.Element {
		alert.LocationPath = incident.Element
	}
	alert.FaultName = cmp.Or(incident.Code, alert.FaultName)
	alert.FaultDetails.Code, alert.FaultDetails.Reason = cmp.Or(incident.Code, alert.FaultDetails.Code), incident.Message
}
