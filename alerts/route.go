package alerts

import "github.com/waybill-io/waybill/activities/contract"

// Routed are the rules that take an alert.
type Routed struct {
	Rules   []*Rule
	Ignored string // the rule that has it ignored: then no other takes it
}

// Route finds the rules that take an alert, in the order of rules. One that ignores wins.
func Route(rules []*Rule, a contract.Alert) (r Routed) {
	for _, rule := range rules {
		if rule.Match(a) != "" {
			continue
		}
		if rule.Ignore {
			return Routed{Ignored: rule.Name}
		}
		r.Rules = append(r.Rules, rule)
	}
	return r
}

// Explain says what each rule makes of an alert.
func Explain(rules []*Rule, a contract.Alert) []contract.AlertVerdict {
	var all []contract.AlertVerdict
	for _, r := range rules {
		v := contract.AlertVerdict{Rule: r.Name, Why: r.Match(a)}
		if v.Matches = v.Why == ""; v.Matches {
			v.Group = r.Group(a)
			if r.Ignore {
				v.Why = "it ignores the alert, which no other rule takes then"
			}
		}
		all = append(all, v)
	}
	return all
}
