package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/mail/template"
)

// MailTemplate is a template of a mail: one that was deployed, or one that is bundled.
type MailTemplate struct {
	template.Key
	template.Template
	Bundled bool `json:"bundled,omitempty"`
}

// PutTemplate deploys a template of a mail, in place of the one of its key. It is refused when it cannot be read.
func (c *Client) PutTemplate(ctx context.Context, key template.Key, t template.Template) error {
	_, err := t.Parse(key.Name)
	if err = errors.Join(key.Validate(), err); err != nil {
		return fmt.Errorf("deploy mail template: %w", err)
	}
	value, err := json.Marshal(t)
	if err == nil {
		err = c.Put(ctx, contract.TemplatesID, key.ID(), value)
	}
	if err != nil {
		return fmt.Errorf("deploy mail template %s: %w", key, err)
	}
	return nil
}

// RemoveTemplate removes a template that was deployed.
func (c *Client) RemoveTemplate(ctx context.Context, key template.Key) error {
	if err := c.removeKnown(ctx, contract.TemplatesID, key.ID()); err != nil {
		return fmt.Errorf("remove mail template %s: %w", key, err)
	}
	return nil
}

// Templates are all mail templates that were deployed, by tenant, name and locale.
func (c *Client) Templates(ctx context.Context) ([]MailTemplate, error) {
	entries, err := c.Entries(ctx, contract.TemplatesID)
	if err != nil {
		return nil, fmt.Errorf("read the mail templates: %w", err)
	}
	return templates(entries)
}

// Template is the mail template of a name that counts for a tenant and a locale; package template has the order.
func (c *Client) Template(ctx context.Context, tenant, name, locale string) (MailTemplate, error) {
	var ids []string
	keys := template.Candidates(tenant, name, locale)
	for _, key := range keys {
		ids = append(ids, key.ID())
	}
	entries, err := c.some(ctx, contract.TemplatesID, ids...)
	if err != nil {
		return MailTemplate{}, fmt.Errorf("read mail template %q: %w", name, err)
	}
	found, err := templates(entries)
	if err != nil {
		return MailTemplate{}, err
	}
	for _, key := range keys {
		for _, t := range found {
			if t.Key == key {
				return t, nil
			}
		}
	}
	return BundledTemplate(name, locale)
}

// BundledTemplate is the mail template of a name that comes with the program.
func BundledTemplate(name, locale string) (MailTemplate, error) {
	key, t, ok := template.Bundled(name, locale)
	if !ok {
		return MailTemplate{}, fmt.Errorf("mail template %q: %w", name, ErrNotFound)
	}
	return MailTemplate{Key: key, Template: t, Bundled: true}, nil
}

func templates(entries []contract.RegistryEntry) ([]MailTemplate, error) {
	var all []MailTemplate
	for _, e := range entries {
		var t MailTemplate
		err := json.Unmarshal(e.Value, &t.Template)
		if err == nil {
			t.Key, err = template.ParseID(e.ID)
		}
		if err != nil {
			return nil, fmt.Errorf("read mail template %q: %w", e.ID, err)
		}
		all = append(all, t)
	}
	return all, nil
}
