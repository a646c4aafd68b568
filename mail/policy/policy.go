// Package policy says after which errors a mailbox is watched no more. A policy is a list of rules, and the first that fits an error
// counts: a mailbox stops when more errors in a row fell under a rule than it allows. What no rule fits never stops a mailbox.
package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/waybill-io/waybill/mail"
)

// Never is the RetryCount of errors that stop no mailbox.
const Never = -1

// Rule says what errors of a sort lead to.
type Rule struct {
	Class      string `json:"class,omitempty"`   // a mail.Kind, or the end of its Class; "": any error
	Message    string `json:"message,omitempty"` // text that the error contains, in upper or lower case; "": any
	RetryCount int    `json:"retryCount"`        // how often it is tried again before the mailbox stops, or Never
}

// Rules are a policy.
type Rules []Rule

// Default is the policy of mailboxes that have none of their own. Log-ins with a wrong password lock accounts, so they end after some
// minutes, before the ten tries that many servers allow. A token that is refused locks nothing, and whoever renews it may be late.
func Default(token bool) Rules {
	if token {
		return nil
	}
	return Rules{{Class: string(mail.KindAuth), RetryCount: 8}}
}

// maxRules bounds a policy.
const maxRules = 50

// example is what a policy looks like.
const example = `[{"class":"auth","message":"","retryCount":8,"stop":true}]`

// document is a rule as it is written.
type document struct {
	Class      string `json:"class"`
	Message    string `json:"message"`
	RetryCount *int   `json:"retryCount"`
	Stop       *bool  `json:"stop"`
}

func read(data []byte) (r document, err error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	err = d.Decode(&r)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		expected, known := map[string]string{"class": "text", "message": "text", "retryCount": "a whole number", "stop": "true or false"}[wrong.Field]
		if !known {
			return r, fmt.Errorf("an object such as that in %s is expected, not %s", example, wrong.Value)
		}
		return r, fmt.Errorf("%s: %s is expected, not %s", wrong.Field, expected, wrong.Value)
	}
	if err != nil {
		return r, errors.New(strings.TrimPrefix(err.Error(), "json: "))
	}
	return r, nil
}

// Parse reads a policy strictly. Its error tells everything that is wrong.
func Parse(data []byte) (Rules, error) {
	var raw []json.RawMessage
	d := json.NewDecoder(bytes.NewReader(data))
	err := d.Decode(&raw)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		err = fmt.Errorf("this is not one but %s", wrong.Value)
	}
	if err != nil {
		return nil, fmt.Errorf("a list such as %s is expected: %w", example, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("one list is expected, and nothing behind it")
	}
	if raw == nil || len(raw) > maxRules {
		return nil, fmt.Errorf("a list of at most %d rules is expected; an empty one never stops a mailbox", maxRules)
	}
	rules := make(Rules, len(raw))
	var errs []error
	for i, data := range raw {
		wrong := func(format string, args ...any) {
			errs = append(errs, fmt.Errorf("rule %d: "+format, append([]any{i + 1}, args...)...))
		}
		r, err := read(data)
		if err != nil {
			wrong("%w", err)
			continue
		}
		rule, stops := Rule{Class: r.Class, Message: r.Message, RetryCount: Never}, r.Stop == nil || *r.Stop
		if r.RetryCount != nil && (stops || *r.RetryCount < Never) {
			rule.RetryCount = *r.RetryCount
		}
		if rule.Class != "" && !slices.ContainsFunc(mail.Kinds(), rule.is) {
			wrong("class %q is unknown; one of %s, or the end of one of %s is expected, or \"\" for any error", rule.Class, kinds(func(k mail.Kind) string { return string(k) }), kinds(mail.Kind.Class))
		}
		switch {
		case r.RetryCount == nil && stops:
			wrong("retryCount is required: how often it is tried again before the mailbox stops; -1: it never stops")
		case rule.RetryCount < Never:
			wrong("retryCount %d: 0 or more is expected, or -1 for errors that never stop the mailbox", rule.RetryCount)
		case rule.RetryCount == Never && r.Stop != nil && stops:
			wrong("retryCount -1 never stops, and stop is true: one of them is expected")
		}
		rules[i] = rule
	}
	return rules, errors.Join(errs...)
}

// Document checks a policy and returns it as it is kept: the same rules are the same text.
func Document(data []byte) (json.RawMessage, error) {
	rules, err := Parse(data)
	if err != nil {
		return nil, err
	}
	return json.Marshal(rules)
}

// kinds lists a name of every kind.
func kinds(name func(mail.Kind) string) string {
	var all []string
	for _, k := range mail.Kinds() {
		all = append(all, name(k))
	}
	return strings.Join(all, ", ")
}

// is tells whether the rule is of a kind of errors.
func (r Rule) is(k mail.Kind) bool {
	return r.Class == "" || r.Class == string(k) || strings.HasSuffix(k.Class(), r.Class)
}

// For is the first rule that fits an error, with its place in the policy. Where none does it is behind the last, and never stops.
func (r Rules) For(kind mail.Kind, message string) (int, Rule) {
	message = strings.ToLower(message)
	for i, rule := range r {
		if rule.is(kind) && strings.Contains(message, strings.ToLower(rule.Message)) {
			return i, rule
		}
	}
	return len(r), Rule{RetryCount: Never}
}

// Ends tells whether so many errors in a row under the rule stop the mailbox.
func (r Rule) Ends(errors int) bool { return r.RetryCount != Never && errors > r.RetryCount }
