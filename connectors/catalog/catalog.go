// Package catalog lists the connectors that are built in. A new connector is one line in each of the two lists.
package catalog

import (
	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/connectors/email"
	"github.com/waybill-io/waybill/mail/smtp"
)

// Deps is what the connectors need from the worker.
type Deps struct {
	Email email.Config
	Files connectors.Files
}

// Definitions are the definitions alone, for deployment and lint, which call nothing.
func Definitions() []*connectors.Definition {
	return []*connectors.Definition{
		email.Definition(),
	}
}

// All makes every connector. The error names the settings that are wrong.
func All(d Deps) ([]connectors.Connector, error) {
	mail, err := newEmail(d)
	if err != nil {
		return nil, err
	}
	return []connectors.Connector{mail}, nil
}

func newEmail(d Deps) (*email.Connector, error) {
	if d.Email.Host == "" {
		return email.New(d.Email, nil, d.Files)
	}
	if err := d.Email.Validate(); err != nil {
		return nil, err
	}
	transport, err := smtp.New(d.Email.Transport())
	if err != nil {
		return nil, err
	}
	return email.New(d.Email, transport, d.Files)
}
