package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/waybill-io/waybill/mail/autodiscover"
)

func (a *app) mailboxDiscoverCommand() *cobra.Command {
	var ispdb string
	cmd := &cobra.Command{
		Use:   "discover ADDRESS",
		Short: "Find the mail servers of an address",
		Long: "discover asks what is known of large providers, the DNS of the address's domain (RFC 6186) and the domain's autoconfig files, over\n" +
			"HTTPS. It connects to no mail server and changes nothing. It exits with 1 when nothing is found.",
		Example: `  starter mailbox discover ann@example.com`,
		Args:    need("ADDRESS"),
		RunE: func(cmd *cobra.Command, args []string) error {
			finder := autodiscover.Finder{ISPDB: ispdb}
			report, err := finder.Find(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			err = a.print(cmd, report, func(w io.Writer) {
				var rows [][]string
				for _, s := range report.Servers {
					note := s.Source
					if s.Unproven {
						note += " (unproven: ask before a password goes there)"
					}
					rows = append(rows, []string{s.Protocol, fmt.Sprintf("%s:%d", s.Host, s.Port), s.TLS, strings.Join(s.Auth, ", "), note})
				}
				table(w, "no servers were found", []string{"PROTOCOL", "SERVER", "TLS", "LOG-IN", "SOURCE"}, rows)
				for _, hint := range report.Hints {
					fmt.Fprintln(w, hint)
				}
			})
			if err != nil || len(report.Servers) > 0 {
				return err
			}
			var asked []string
			for _, attempt := range report.Attempts {
				asked = append(asked, attempt.Source+": "+attempt.Reason)
			}
			return fmt.Errorf("no mail servers are known for %s; name one with `starter mailbox add --host`\n%s", args[0], strings.Join(asked, "\n"))
		},
	}
	cmd.Flags().StringVar(&ispdb, "ispdb", "", "address of a database of providers in Mozilla's form to ask as well, such as https://autoconfig.thunderbird.net/v1.1/")
	return cmd
}
