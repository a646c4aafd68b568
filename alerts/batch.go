package alerts

import (
	"github.com/waybill-io/waybill/activities/contract"
)

// Policy is what the workflow of the rule must know of it.
func (r *Rule) Policy() contract.AlertPolicy {
	p := contract.AlertPolicy{WindowMS: r.Window.Milliseconds(), MaxGroups: r.MaxGroups, Silent: r.Name == Unrouted}
	for _, s := range r.Steps {
		p.EscalateMS = append(p.EscalateMS, s.After.Milliseconds())
	}
	return p
}

// Batch puts alerts that a rule takes into its groups. A test is in a group of its own.
func Batch(r *Rule, all []contract.Alert) contract.AlertBatch {
	b := contract.AlertBatch{Rule: r.Name, Policy: r.Policy()}
	index := map[string]int{}
	for _, a := range all {
		if r.Severity != "" {
			a.Severity = r.Severity
		}
		group := r.Group(a)
		if a.Test != nil {
			group = TestGroup(a.ID)
		}
		i, ok := index[group]
		if !ok {
			i = len(b.Parts)
			index[group] = i
			b.Parts = append(b.Parts, contract.AlertPart{Group: group, Alert: a, Last: a.At})
		}
		part := &b.Parts[i]
		id, instance := contract.AlertDigest(a.ID), contract.AlertDigest(a.ProcessID)
		part.IDs, part.Instances = append(part.IDs, id[:]...), append(part.Instances, instance[:]...)
		if a.At.After(part.Last) {
			part.Last = a.At
		}
		if len(part.Samples) < contract.AlertSamples {
			part.Samples = append(part.Samples, Sample(a))
		}
	}
	return b
}

// Sample is an alert as its group keeps it.
func Sample(a contract.Alert) contract.AlertSample {
	return contract.AlertSample{
		ID: a.ID, Source: a.Source, ProcessID: a.ProcessID, RunID: a.RunID, Incident: a.Incident, At: a.At, Starter: contract.AlertStarter(a.Initiator),
	}
}

// TestGroup is the group of a test.
func TestGroup(id string) string { return "test " + id }
