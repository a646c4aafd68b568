package activities

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/mail/service"
	"github.com/waybill-io/waybill/mail/smtp"
	"github.com/waybill-io/waybill/mail/template"
)

// noticeWriter writes the mails of a notice.
type noticeWriter struct {
	client  *client.Client
	notice  contract.Notice
	account service.Account
	known   map[string]*writings // by locale
}

// writings are the templates that may make a mail, the first that can does: that of the model, the deployed one, the bundled
// one, the bundled one to fall back on.
type writings struct {
	templates []*template.Parsed
	problems  []string // of those that cannot be read
}

// write makes the mail to a recipient. The problems are of templates that could not be used: a mail that tells of a failure, or of a task,
// must not be lost over a mistake in its text. With none left, the error is final.
func (w *noticeWriter) write(ctx context.Context, r recipient) (smtp.Mail, []string, error) {
	all, err := w.templates(ctx, r.locale)
	if err != nil {
		return smtp.Mail{}, nil, err
	}
	data, problems := w.data(r), all.problems
	var made *template.Mail
	for _, t := range all.templates {
		next, err := t.Render(data)
		switch {
		case err != nil:
			problems = append(problems[:len(problems):len(problems)], err.Error())
			continue
		case made == nil:
			made = &next
		case made.Subject == "":
			made.Subject = next.Subject
		}
		if made.Subject != "" || w.notice.Subject != "" {
			break
		}
	}
	if made == nil {
		return smtp.Mail{}, nil, final(fmt.Errorf("mail %q: %w", w.notice.Key, errors.Join(texts(problems)...)))
	}
	if w.notice.Subject != "" {
		made.Subject = template.OneLine(w.notice.Subject)
	}
	m := smtp.Mail{
		From: w.account.From, Subject: made.Subject, Text: made.Text, HTML: made.HTML, AutoSubmitted: "auto-generated",
		To: toAddresses(r.to), Cc: toAddresses(r.cc), Bcc: toAddresses(r.bcc),
	}
	if made.From.Address != "" {
		m.From = made.From
	}
	if !r.own {
		m.To = []mail.Address{{Name: template.OneLine(r.name), Address: r.address}}
	}
	m.MessageID = noticeID(w.notice.Key, r.address, m.From.Address)
	return m, problems, nil
}

func texts(problems []string) []error {
	var errs []error
	for _, p := range problems {
		errs = append(errs, errors.New(p))
	}
	return errs
}

// data is what the template shows. That of the notice wins but for where links lead: among it are variables of processes, and what
// comes in with them must not turn the links of a mail of a sender whom people trust.
func (w *noticeWriter) data(r recipient) map[string]any {
	data := map[string]any{"recipientName": r.name}
	if r.group != "" {
		data["groupName"] = r.group
	}
	maps.Copy(data, w.notice.Data)
	data["homeUrl"], data["feedback"], data["taskDirectUrl"] = w.account.BaseURL, w.account.Feedback, taskURL(w.account.BaseURL, w.notice.Task)
	return data
}

func (w *noticeWriter) templates(ctx context.Context, locale string) (*writings, error) {
	if known := w.known[locale]; known != nil {
		return known, nil
	}
	all := &writings{}
	add := func(t *template.Parsed, err error) {
		if err != nil {
			all.problems = append(all.problems, err.Error())
		} else {
			all.templates = append(all.templates, t)
		}
	}
	if c := w.notice.Custom; c != nil && (c.Text != "" || c.Variable != "") {
		add(w.custom(c))
	}
	found, err := w.client.Template(ctx, w.notice.Tenant, w.notice.Template, locale)
	switch {
	case errors.Is(err, client.ErrNotFound):
		add(nil, fmt.Errorf("mail template %q is neither deployed nor bundled: deploy it with starter email template put", w.notice.Template))
	case err != nil:
		return nil, err
	default:
		add(found.Template.Parse(found.Key.String()))
	}
	for i, name := range []string{w.notice.Template, w.notice.Fallback} {
		if name == "" || i == 0 && found.Bundled || i > 0 && name == w.notice.Template {
			continue
		}
		if standard, err := client.BundledTemplate(name, locale); err == nil {
			add(standard.Template.Parse(standard.Key.String()))
		}
	}
	w.known[locale] = all
	return all, nil
}

// custom reads the template of a model. A variable holds it as text, or as a file with a name and its text.
func (w *noticeWriter) custom(c *contract.MailTemplate) (*template.Parsed, error) {
	own := template.Custom{From: c.From, Subject: c.Subject, File: c.File, Text: c.Text}
	name := "the template of the model"
	if c.Variable != "" {
		name = "the template in the variable " + c.Variable
		own.File, own.Text = "", ""
		switch v := w.notice.Data[c.Variable].(type) {
		case string:
			own.Text = v
		case map[string]any:
			own.File, _ = v["name"].(string)
			own.Text, _ = v["text"].(string)
		}
		if own.Text == "" {
			return nil, fmt.Errorf("%s: it is not there, or holds no text", name)
		}
	}
	return own.Parse(name)
}
