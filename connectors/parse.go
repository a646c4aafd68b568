package connectors

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"github.com/waybill-io/waybill/connectors/jsonfile"
	"github.com/waybill-io/waybill/connectors/suggest"
)

// account is a URL that holds a password.
var account = regexp.MustCompile(`://[^/@\s:]*:[^/@\s]+@`)

// reference is a value that names where the worker finds the real one: ${EMAIL_PASSWORD}.
var reference = regexp.MustCompile(`^\$\{[A-Za-z_][A-Za-z0-9_.-]*\}$`)

// ParseDefinition reads a definition file strictly; name is the file's, for errors. The error joins all that is wrong,
// each with the JSON path and what would be right.
func ParseDefinition(name string, data []byte) (*Definition, error) {
	f, root, err := jsonfile.Parse(name, data)
	if err != nil {
		return nil, err
	}
	d := &Definition{
		ID:          root.String("id"),
		Name:        root.Required("name"),
		Description: root.String("description"),
		Template:    root.String("template"),
	}
	if d.Name != "" && !ValidName(d.Name) {
		root.Errorf("name", "%q is not a connector name: %s", d.Name, NameRule)
	}
	d.Actions = parseFeatures(root.Object("actions"))
	d.Events = parseFeatures(root.Object("events"))
	for _, o := range root.Objects("config") {
		d.Config = append(d.Config, parseConfig(o))
	}
	for _, o := range root.Objects("errors") {
		e := ErrorDefinition{Name: o.Required("name"), Description: o.String("description"), Code: o.String("code")}
		e.Code = cmp.Or(e.Code, e.Name)
		if d.Declares(e.Code) {
			o.Errorf("", "error %s is defined twice; keep one", e.Code)
		}
		o.Done()
		d.Errors = append(d.Errors, e)
	}
	root.Done()
	d.Mode = d.errorMode()
	given, wrong := d.policy()
	if wrong != nil {
		root.Errorf("config", "%v", wrong)
	}
	d.given, d.Policy = given, given.over(DefaultPolicy())
	if err := f.Err(); err != nil {
		return nil, err
	}
	return d, nil
}

// MustParseDefinition is ParseDefinition for the definition that a connector's package embeds; it panics.
func MustParseDefinition(name string, data []byte) *Definition {
	d, err := ParseDefinition(name, data)
	if err != nil {
		panic(err)
	}
	return d
}

// parseFeatures reads actions or events in the order of their keys, so that the result is the same every time.
func parseFeatures(o jsonfile.Object) []Feature {
	var features []Feature
	names := map[string]bool{}
	for _, key := range o.Keys() {
		child := o.Object(key)
		feature := Feature{
			Key:         key,
			ID:          child.Required("id"),
			Name:        child.Required("name"),
			Description: child.String("description"),
		}
		feature.Model, _ = child.Any("model")
		if strings.Contains(feature.Name, ".") {
			child.Errorf("name", "%q has a dot, which separates connector and action in a model; write an underscore", feature.Name)
		}
		if names[feature.Name] {
			child.Errorf("name", "%q is defined twice; a model finds actions and events by name", feature.Name)
		}
		names[feature.Name] = true
		feature.Inputs = parseParameters(child, "inputs")
		feature.Outputs = parseParameters(child, "outputs")
		child.Done()
		features = append(features, feature)
	}
	return features
}

// parseParameters accepts extra properties: tools keep theirs there.
func parseParameters(o jsonfile.Object, field string) []Parameter {
	var parameters []Parameter
	for _, child := range o.Objects(field) {
		p := Parameter{
			ID:          child.Required("id"),
			Name:        child.Required("name"),
			Description: child.String("description"),
			Type:        Type(child.Required("type")),
			Required:    child.Bool("required"),
		}
		p.Model, _ = child.Any("model")
		if p.Type != "" && !slices.Contains(types, p.Type) {
			child.Errorf("type", "unknown type %q%s", p.Type, suggest.Hint(string(p.Type), typeNames()))
		}
		if slices.ContainsFunc(parameters, func(other Parameter) bool { return other.Name == p.Name }) {
			child.Errorf("name", "%q is there twice; keep one", p.Name)
		}
		parameters = append(parameters, p)
	}
	return parameters
}

func parseConfig(o jsonfile.Object) Config {
	c := Config{
		Name:        o.Required("name"),
		Description: o.String("description"),
		Value:       o.String("value"),
		Required:    o.Bool("required"),
		Secure:      o.Bool("secure"),
	}
	o.Done()
	if account.MatchString(c.Value) {
		o.Errorf("value", "a URL must not hold a password; leave the account out and set it by the settings for it")
	} else if c.Value != "" && (c.Secure || SecretName(c.Name)) && !reference.MatchString(c.Value) {
		// The value itself stays out of the error.
		o.Errorf("value", "a secret must not be written into a definition; leave it out or write ${%s}, which the worker resolves", c.Name)
	}
	return c
}

func typeNames() []string {
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = string(t)
	}
	return names
}
