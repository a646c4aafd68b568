package project

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/waybill-io/waybill/activities/binding"
	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/bpmn"
	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/connectors/suggest"
)

// checkConnectors checks the implementations of a process and what its mappings name.
func (l *loader) checkConnectors(model, extensions string, p *bpmn.Process) {
	for _, n := range p.Nodes {
		if n.Implementation == "" || n.Java { // what the model asks of Java, lint lists
			continue
		}
		at := func(format string, args ...any) error {
			return &bpmn.Error{File: model, Line: n.Line, Kind: n.Kind.String(), Element: n.ID, Msg: fmt.Errorf(format, args...).Error()}
		}
		connector, action := connectors.SplitImplementation(n.Implementation)
		d, known := l.known[connector]
		switch {
		case connector == "" && l.known[action] != nil:
			l.fail(at("implementation %q names no action%s", action, suggest.Hint("", actions(l.known[action]))))
			continue
		case connector == "":
			l.warn("%v", at("implementation %q has no definition: a worker of yours must answer activity type %q on task queue %q",
				action, action, contract.CustomConnectorQueue(action)))
			continue
		case !known && l.options.AnyConnector:
			continue
		case !known && !connectors.ValidName(connector) && suggest.Nearest(connector, l.connectorNames()) == "":
			l.warn("%v", at("implementation %q has a name of old, for which there can be no definition: a worker of yours must answer activity type %q on task queue %q%s",
				n.Implementation, n.Implementation, contract.CustomConnectorQueue(connector), l.successor(connector, action)))
			continue
		case !known && reserved[connector] != "":
			l.fail(at("implementation %q is %s", n.Implementation, reserved[connector]))
			continue
		case !known:
			l.fail(at("unknown connector %q%s (a connector that is not built in is deployed together with its definition file)",
				connector, suggest.Hint(connector, l.connectorNames())))
			continue
		}
		feature, err := d.Action(action)
		if err != nil && reserved[connector] != "" {
			err = fmt.Errorf("implementation %q is %s", n.Implementation, reserved[connector])
		}
		if err != nil {
			l.fail(at("%w", err))
			continue
		}
		c := &callChecker{loader: l, model: model, process: p, node: n, definition: d, action: feature, at: at}
		if n.Mapping != nil {
			c.mapping(fmt.Sprintf("%s: process %q", extensions, p.ID))
		} else {
			c.unmapped()
		}
		c.errors()
	}
}

// successor tells which built-in connector does what one with a name of old did: email for emailConnector.
func (l *loader) successor(connector, action string) string {
	name := strings.TrimSuffix(strings.ToLower(connector), "connector")
	d, ok := l.builtIn(name)
	if !ok {
		return ""
	}
	if _, err := d.Action(action); err != nil {
		return ""
	}
	return fmt.Sprintf("; the connector that is built in does the same as %q", name+"."+action)
}

// bindings says how the actions of a process are called.
func (l *loader) bindings(p *bpmn.Process) map[string]contract.Binding {
	all := map[string]contract.Binding{}
	for _, n := range p.Nodes {
		if n.Implementation == "" {
			continue
		}
		if n.Java {
			all[n.Implementation] = binding.Of(contract.JavaQueue, connectors.DefaultPolicy())
			continue
		}
		connector, action := connectors.SplitImplementation(n.Implementation)
		all[n.Implementation] = l.binding(cmp.Or(connector, action))
	}
	if len(all) == 0 {
		return nil
	}
	return all
}

// binding says how the actions of a connector are called. One that is not known is a name without a dot, or any when the options say so,
// or of a trigger.
func (l *loader) binding(connector string) contract.Binding {
	policy, shared := connectors.DefaultPolicy(), false
	if d := l.known[connector]; d != nil {
		_, custom := l.custom[connector]
		policy, shared = d.Policy, !custom
	}
	return binding.Of(binding.Queue(connector, shared), policy)
}

func names(parameters []connectors.Parameter) []string {
	var all []string
	for _, p := range parameters {
		all = append(all, p.Name)
	}
	return all
}

func actions(d *connectors.Definition) []string {
	var all []string
	for _, f := range d.Actions {
		all = append(all, d.Name+"."+f.Name)
	}
	return all
}
