package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/mail/smtp"
	"github.com/waybill-io/waybill/mail/template"
)

// previewed is the result of a preview.
type previewed struct {
	Template string `json:"template"`
	Bundled  bool   `json:"bundled"`
	Subject  string `json:"subject"`
	Mail     string `json:"mail"` // the file
	Picture  string `json:"picture,omitempty"`
	Cut      bool   `json:"cut,omitempty"` // the mail is longer than the picture
}

func (a *app) emailPreviewCommand() *cobra.Command {
	var (
		f        templateFlags
		vars     variableFlags
		out      string
		from, to string
		chromium string
		noPNG    bool
	)
	cmd := &cobra.Command{
		Use:   "preview TEMPLATE|FILE",
		Short: "Write the mail of a template as a file (.eml) and as a picture (.png)",
		Long: "preview makes a mail of a template: of a file (*.mail.html, *.mail.ftl), or the one of a name that counts for a tenant and a language. What\n" +
			"was deployed is asked of the server; without one, the bundled template is shown. Data are those of --var, over samples for the names\n" +
			"of bundled templates. Nothing is sent.\n\n" +
			"The picture is made by Chromium, without network and scripts. Where none is on the PATH, only the .eml is written and the\n" +
			"command fails; --no-png asks for the .eml alone.",
		Example: `  starter email preview task-assigned --locale de --var taskName='Check the invoice' --out previews
  starter email preview templates/alert.mail.html --no-png`,
		Args: need("TEMPLATE|FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			values, err := vars.read(cmd)
			if err != nil {
				return err
			}
			t, err := a.previewTemplate(cmd, args[0], &f)
			if err != nil {
				return err
			}
			data := template.Sample(t.Name)
			maps.Copy(data, values)
			m, err := preview(t, data, from, to)
			if err != nil {
				return err
			}
			result, err := writePreview(cmd.Context(), t, m, out, chromium, noPNG)
			if result.Mail == "" {
				return err
			}
			if result.Cut {
				fmt.Fprintln(cmd.ErrOrStderr(), "warning:", errCut)
			}
			return errors.Join(a.print(cmd, result, func(w io.Writer) {
				fields(w, "template", result.Template, "subject", result.Subject, "mail", result.Mail, "picture", result.Picture)
			}), err)
		},
	}
	f.add(cmd)
	f.addBundled(cmd)
	vars.add(cmd)
	cmd.Flags().StringVar(&out, "out", ".", "the folder that the files are written to")
	cmd.Flags().StringVar(&from, "from", "Waybill <waybill@localhost>", "the sender, unless the template has one")
	cmd.Flags().StringVar(&to, "to", "somebody@example.com", "the recipient")
	cmd.Flags().StringVar(&chromium, "chromium", "", "the program that makes the picture (default chromium, chromium-browser or google-chrome on the PATH)")
	cmd.Flags().BoolVar(&noPNG, "no-png", false, "write no picture")
	return cmd
}

// previewTemplate is a file, or the template of a name.
func (a *app) previewTemplate(cmd *cobra.Command, name string, f *templateFlags) (t client.MailTemplate, err error) {
	if template.IsFile(name) {
		if t.Key, t.Template, err = readTemplate(name); err != nil {
			return t, usage(err)
		}
		return t, nil
	}
	key, err := f.key(name)
	if err != nil {
		return t, err
	}
	if f.bundled {
		return client.BundledTemplate(key.Name, key.Locale)
	}
	err = a.with(cmd, func(ctx context.Context, c *client.Client) (err error) {
		t, err = c.Template(ctx, key.Tenant, key.Name, key.Locale)
		return err
	})
	if exitCode(err) == exitUnreachable {
		if bundled, missing := client.BundledTemplate(key.Name, key.Locale); missing == nil {
			fmt.Fprintln(cmd.ErrOrStderr(), "warning: no server answers, so this is the bundled template (--bundled does not ask)")
			return bundled, nil
		}
	}
	return t, err
}

// preview makes the mail.
func preview(t client.MailTemplate, data map[string]any, from, to string) (smtp.Mail, error) {
	parsed, err := t.Template.Parse(t.Name)
	if err != nil {
		return smtp.Mail{}, usage(err)
	}
	made, err := parsed.Render(data)
	if err != nil {
		return smtp.Mail{}, usage(fmt.Errorf("%w (give it with --var)", err))
	}
	m := smtp.Mail{Subject: made.Subject, Text: made.Text, HTML: made.HTML, Date: time.Now(), AutoSubmitted: "auto-generated"}
	if m.From, err = address("--from", from); err != nil {
		return m, err
	}
	if made.From.Address != "" {
		m.From = made.From
	}
	recipient, err := address("--to", to)
	m.To = []mail.Address{recipient}
	return m, err
}

func address(flag, text string) (mail.Address, error) {
	a, err := mail.ParseAddress(text)
	if err != nil {
		return mail.Address{}, usage(fmt.Errorf("%s %q: an address such as ada@example.com is expected", flag, text))
	}
	return a, nil
}

// writePreview writes the files. The mail stays when the picture fails.
func writePreview(ctx context.Context, t client.MailTemplate, m smtp.Mail, out, chromium string, noPNG bool) (previewed, error) {
	result := previewed{Template: t.Key.String(), Bundled: t.Bundled, Subject: m.Subject}
	raw, err := m.Raw()
	if err != nil {
		return result, fmt.Errorf("write the mail: %w", err)
	}
	base := filepath.Join(out, t.Base())
	if err := os.MkdirAll(out, 0o755); err != nil {
		return result, err
	}
	if err := os.WriteFile(base+".eml", raw, 0o644); err != nil {
		return result, err
	}
	result.Mail = base + ".eml"
	if noPNG {
		return result, nil
	}
	err = picture(ctx, chromium, m, base+".png")
	if err == nil || errors.Is(err, errCut) {
		result.Picture = base + ".png"
	}
	result.Cut = errors.Is(err, errCut)
	if result.Cut {
		err = nil
	}
	return result, err
}
