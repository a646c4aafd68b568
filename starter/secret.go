package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/waybill-io/waybill/gateway/access/tokenfile"
	"github.com/waybill-io/waybill/mail"
)

const maxSecret = 64 << 10

func (a *app) secretCommand() *cobra.Command {
	key := &cobra.Command{
		Use:     "key",
		Short:   "Make a key for sealed secrets",
		Long:    "key prints a new key. Workers and gateways find it in the variable WAYBILL_SECRET_KEY; whoever has it reads all that is sealed with it.",
		Example: `  starter secret key`,
		Args:    need(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			key := mail.NewKey()
			return a.print(cmd, map[string]string{"key": key}, func(w io.Writer) { fmt.Fprintln(w, key) })
		},
	}
	seal := &cobra.Command{
		Use:   "seal",
		Short: "Seal a secret, for use wherever one is named",
		Long: "seal reads a secret from standard input, of which a line end at the end does not count, and prints a reference that carries it\n" +
			"encrypted with the key in WAYBILL_SECRET_KEY. Workers with the same key read it.",
		Example: `  starter mailbox add support --host imap.example.com --username support --password "$(starter secret seal < password.txt)"`,
		Args:    need(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			key, err := mail.ParseKey(os.Getenv("WAYBILL_SECRET_KEY"))
			if err != nil {
				return usage(fmt.Errorf("WAYBILL_SECRET_KEY: %w", err))
			}
			text, err := io.ReadAll(io.LimitReader(cmd.InOrStdin(), maxSecret+1))
			if err != nil {
				return fmt.Errorf("read the secret: %w", err)
			}
			secret := strings.TrimRight(string(text), "\r\n")
			if secret == "" || len(secret) > maxSecret {
				return usage(errors.New("a secret is expected on standard input"))
			}
			sealed := key.Seal(mail.Secret(secret))
			return a.print(cmd, map[string]string{"sealed": sealed}, func(w io.Writer) { fmt.Fprintln(w, sealed) })
		},
	}
	return group("secret", "Seal secrets, so that they can be kept anywhere", key, seal)
}

func (a *app) tokenCommand() *cobra.Command {
	var topics []string
	var tenant string
	var external bool
	make := &cobra.Command{
		Use:   "new NAME",
		Short: "Make a token for the HTTP gateway",
		Long: "new prints a token, and the line of it for the file that the gateways find in WAYBILL_GATEWAY_TOKENS. The file holds a hash:\n" +
			"the token is told here and nowhere else. NAME says whose it is.\n" +
			"With --external, --topic or --tenant it is for external tasks alone: for all, those of some topics, those of a tenant.",
		Example: `  starter token new crm
  starter token new billing --topic invoices --topic reminders --tenant acme`,
		Args: need("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if strings.ContainsFunc(args[0], func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) || r == '#' }) || args[0] == "" {
				return usage(fmt.Errorf("name %q: a word is expected", args[0]))
			}
			if slices.Contains(topics, "") {
				return usage(errors.New(`--topic "": the name of a topic is expected`))
			}
			e := tokenfile.Entry{Name: args[0], External: external || topics != nil, Topics: topics}
			if cmd.Flags().Changed("tenant") {
				e.External, e.Tenant = true, &tenant
			}
			token := e.New()
			return a.print(cmd, map[string]string{"token": token, "line": e.String()}, func(w io.Writer) { fields(w, "token", token, "line", e.String()) })
		},
	}
	f := make.Flags()
	f.BoolVar(&external, "external", false, "for external tasks alone, of all topics and tenants")
	f.StringArrayVar(&topics, "topic", nil, "for external tasks of this topic; may be given more than once")
	f.StringVar(&tenant, "tenant", "", "for external tasks of this tenant; \"\": of those that have none")
	return group("token", "Make tokens for the HTTP gateway", make)
}
