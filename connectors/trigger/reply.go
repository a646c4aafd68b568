package trigger

import (
	"fmt"
	"strings"
)

// Answer is what the caller of a webhook is answered.
type Answer struct {
	Status int // 0: as the connector says
	Body   any // nil: as the connector says
}

// Answer is the answer that a trigger gives to an event that has matched with these groups; ok is false when it gives none.
func (t *Trigger) Answer(event, groups map[string]any) (a Answer, ok bool, err error) {
	if t.status == 0 && t.body == nil {
		return a, false, nil
	}
	a.Status = int(t.status)
	if t.body != nil {
		if a.Body, err = t.body(environment(event, groups)); err != nil {
			return a, false, fmt.Errorf("trigger %s: body: %w", t.Name, err)
		}
	}
	return a, true, nil
}

// MailAnswerer is the connector that answers mail.
const MailAnswerer = "email"

// Answerer is the connector that answers the sender when the trigger has an echo; "" when it has none.
func (t *Trigger) Answerer() string {
	switch {
	case t.echo == nil && t.echoError == nil:
		return ""
	case t.kind == ofMail:
		return MailAnswerer
	}
	return strings.Split(t.Source, ".")[1]
}

// Echo is the text that the sender of an event is answered once the trigger has fired, or has failed; "" for none.
func (t *Trigger) Echo(event, groups map[string]any, failed bool) (string, error) {
	echo, name := t.echo, "echo"
	if failed {
		echo, name = t.echoError, "echoError"
	}
	if echo == nil {
		return "", nil
	}
	env := environment(event, groups)
	for group, text := range groups {
		env[group] = text
	}
	text, err := echo(env)
	if err != nil {
		return "", fmt.Errorf("trigger %s: %s: %w", t.Name, name, err)
	}
	if text == nil {
		return "", nil
	}
	return fmt.Sprint(text), nil
}
