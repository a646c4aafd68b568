package connectortest

import "github.com/waybill-io/waybill/connectors"

// Settings are settings of a definition with these values.
func Settings(d *connectors.Definition, values map[string]string) *connectors.Settings {
	return connectors.NewSettings(d, func(name string) (string, error) { return values[name], nil })
}
