package main

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

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
	make := &cobra.Command{
		Use:   "new NAME",
		Short: "Make a token for the HTTP gateway",
		Long: "new prints a token, and the line of it for the file that the gateways find in WAYBILL_GATEWAY_TOKENS. The file holds a hash:\n" +
			"the token is told here and nowhere else. NAME says whose it is.",
		Example: `  starter token new crm`,
		Args:    need("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if strings.ContainsAny(args[0], " \t\r\n#") || args[0] == "" {
				return usage(fmt.Errorf("name %q: a word is expected", args[0]))
			}
			token := "wb_" + rand.Text() + rand.Text()
			sum := sha256.Sum256([]byte(token))
			line := args[0] + " sha256:" + hex.EncodeToString(sum[:])
			return a.print(cmd, map[string]string{"token": token, "line": line}, func(w io.Writer) { fields(w, "token", token, "line", line) })
		},
	}
	return group("token", "Make tokens for the HTTP gateway", make)
}
