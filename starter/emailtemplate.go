package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/mail/template"
)

func (a *app) emailTemplateCommand() *cobra.Command {
	return group("template", "Look after the templates of mails",
		a.emailTemplateListCommand(), a.emailTemplateShowCommand(), a.emailTemplatePutCommand(), a.emailTemplateRemoveCommand())
}

// templateFlags say which template is meant.
type templateFlags struct {
	tenant, locale string
	bundled        bool
}

func (f *templateFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.tenant, "tenant", "", "the tenant (default the one of all)")
	cmd.Flags().StringVar(&f.locale, "locale", "", "the language, such as de or de-AT")
}

func (f *templateFlags) addBundled(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.bundled, "bundled", false, "only those that come with the program; needs no server")
}

// key is the template of a name that the flags mean.
func (f *templateFlags) key(name string) (template.Key, error) {
	k := template.Key{Tenant: f.tenant, Name: name, Locale: f.locale}
	if locale := template.Locale(f.locale); locale != "" {
		k.Locale = locale
	}
	if err := k.Validate(); err != nil {
		return k, usage(err)
	}
	return k, nil
}

func (a *app) emailTemplateListCommand() *cobra.Command {
	var f templateFlags
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the templates of mails, those that were deployed and those that are bundled",
		Example: `  starter email template list
  starter email template list --bundled`,
		Args: need(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.bundled {
				return a.printTemplates(cmd, nil)
			}
			return a.with(cmd, func(ctx context.Context, c *client.Client) error {
				deployed, err := c.Templates(ctx)
				if err != nil {
					return err
				}
				return a.printTemplates(cmd, deployed)
			})
		},
	}
	f.addBundled(cmd)
	return cmd
}

func (a *app) printTemplates(cmd *cobra.Command, all []client.MailTemplate) error {
	for _, key := range template.BundledKeys() {
		t, err := client.BundledTemplate(key.Name, key.Locale)
		if err != nil {
			return err
		}
		all = append(all, t)
	}
	return a.print(cmd, all, func(w io.Writer) {
		var rows [][]string
		for _, t := range all {
			from := "deployed"
			if t.Bundled {
				from = "bundled"
			}
			rows = append(rows, []string{t.Name, t.Locale, t.Tenant, from, shortened(t.Subject)})
		}
		table(w, "", []string{"NAME", "LOCALE", "TENANT", "FROM", "SUBJECT"}, rows)
	})
}

// shortened keeps a line of a list readable.
func shortened(text string) string {
	const most = 60
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}

func (a *app) emailTemplateShowCommand() *cobra.Command {
	var f templateFlags
	cmd := &cobra.Command{
		Use:   "show NAME",
		Short: "Show the template that counts for a tenant and a language, as a file to be changed and put",
		Example: `  starter email template show task-assigned --locale de > task-assigned_de.mail.html
  starter email template show alert --bundled`,
		Args: need("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			key, err := f.key(args[0])
			if err != nil {
				return err
			}
			if f.bundled {
				return a.printTemplate(cmd)(client.BundledTemplate(key.Name, key.Locale))
			}
			return a.with(cmd, func(ctx context.Context, c *client.Client) error {
				return a.printTemplate(cmd)(c.Template(ctx, key.Tenant, key.Name, key.Locale))
			})
		},
	}
	f.add(cmd)
	f.addBundled(cmd)
	return cmd
}

func (a *app) printTemplate(cmd *cobra.Command) func(client.MailTemplate, error) error {
	return func(t client.MailTemplate, err error) error {
		if err != nil {
			return err
		}
		return a.print(cmd, t, func(w io.Writer) {
			_, content := template.Format(t.Key, t.Template)
			_, _ = w.Write(content)
		})
	}
}

func (a *app) emailTemplatePutCommand() *cobra.Command {
	var tenant string
	var replace bool
	cmd := &cobra.Command{
		Use:   "put FILE...",
		Short: "Deploy templates of mails",
		Long: "put reads files NAME.mail.html, or NAME.mail.ftl in FreeMarker, with _LOCALE behind the name for one language, and deploys them when\n" +
			"all can be read. A template of the name of a bundled one takes its place. One that was deployed before is kept, unless --replace is given.",
		Example: `  starter email template put task-assigned_de.mail.html
  starter email template put templates/*.mail.html --tenant acme --replace`,
		Args: need("FILE..."),
		RunE: func(cmd *cobra.Command, args []string) error {
			put, err := readTemplates(args, tenant)
			if err != nil {
				return err
			}
			return a.with(cmd, func(ctx context.Context, c *client.Client) error {
				if err := taken(ctx, c, put, replace); err != nil {
					return err
				}
				for _, t := range put {
					if err := c.PutTemplate(ctx, t.Key, t.Template); err != nil {
						return err
					}
				}
				return a.print(cmd, put, func(w io.Writer) {
					for _, t := range put {
						fmt.Fprintf(w, "deployed mail template %s\n", t.Key)
					}
				})
			})
		},
	}
	cmd.Flags().StringVar(&tenant, "tenant", "", "the tenant (default that of the file, or the one of all)")
	cmd.Flags().BoolVar(&replace, "replace", false, "replace templates of the same name, language and tenant")
	return cmd
}

// maxTemplateFile bounds a file before it is read: its parts are bounded themselves.
const maxTemplateFile = 4 * template.MaxSource

func readTemplates(files []string, tenant string) (all []client.MailTemplate, err error) {
	var errs []error
	for _, file := range files {
		key, t, err := readTemplate(file)
		if tenant != "" && err == nil {
			key.Tenant = tenant
			err = key.Validate()
		}
		if err != nil {
			errs = append(errs, usage(err))
		}
		all = append(all, client.MailTemplate{Key: key, Template: t})
	}
	return all, errors.Join(errs...)
}

func readTemplate(file string) (template.Key, template.Template, error) {
	f, err := os.Open(file)
	if err != nil {
		return template.Key{}, template.Template{}, err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxTemplateFile+1))
	if err != nil {
		return template.Key{}, template.Template{}, fmt.Errorf("read %s: %w", file, err)
	}
	if len(content) > maxTemplateFile {
		return template.Key{}, template.Template{}, fmt.Errorf("%s: larger than %d KiB", file, maxTemplateFile>>10)
	}
	return template.ReadFile(file, content)
}

// taken refuses to replace what nobody asked to replace.
func taken(ctx context.Context, c *client.Client, put []client.MailTemplate, replace bool) error {
	if replace {
		return nil
	}
	deployed, err := c.Templates(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, t := range put {
		for _, other := range deployed {
			if other.Key == t.Key {
				errs = append(errs, fmt.Errorf("mail template %s: the name is already taken; --replace replaces it", t.Key))
			}
		}
	}
	return errors.Join(errs...)
}

func (a *app) emailTemplateRemoveCommand() *cobra.Command {
	var f templateFlags
	cmd := &cobra.Command{
		Use:     "remove NAME",
		Short:   "Remove a template that was deployed; the bundled one of its name counts again",
		Example: `  starter email template remove task-assigned --locale de --tenant acme`,
		Args:    need("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			key, err := f.key(args[0])
			if err != nil {
				return err
			}
			return a.with(cmd, func(ctx context.Context, c *client.Client) error {
				if err := c.RemoveTemplate(ctx, key); err != nil {
					return err
				}
				return a.print(cmd, map[string]string{"removed": key.String()}, func(w io.Writer) { fmt.Fprintf(w, "removed mail template %s\n", key) })
			})
		},
	}
	f.add(cmd)
	return cmd
}
