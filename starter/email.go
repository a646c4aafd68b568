package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
)

func (a *app) emailCommand() *cobra.Command {
	return group("email", "Try the email service out, and look after the templates of mails", a.emailTestCommand(), a.emailTemplateCommand(), a.emailPreviewCommand())
}

func (a *app) emailTestCommand() *cobra.Command {
	var in contract.TestEmail
	cmd := &cobra.Command{
		Use:   "test",
		Short: "Try the mail server of the workers, stage by stage, and send a mail",
		Long: "test has a worker look the mail server up, connect, encrypt, log in and send a mail, with the worker's own settings, and tells of each\n" +
			"stage what was found; where one fails, which setting to change. Without --to no mail is sent. It exits with 1 when a stage failed.",
		Example: `  starter email test --to ann@example.com
  starter email test --tenant acme --output json`,
		Args: need(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if in.Tenant != "" && !contract.ValidTenant(in.Tenant) {
				return usage(fmt.Errorf("--tenant %q: %s is expected", in.Tenant, contract.TenantRule))
			}
			return a.connected(cmd, func(ctx context.Context, c *client.Client) error {
				fmt.Fprintln(cmd.ErrOrStderr(), "waiting for a worker to try its mail server out, for a minute at most")
				report, err := c.TestEmail(ctx, in)
				if err != nil {
					return err
				}
				report.Stages = list(report.Stages)
				if err := a.print(cmd, report, func(w io.Writer) { printEmailReport(w, report) }); err != nil {
					return err
				}
				return failedStage(report)
			})
		},
	}
	cmd.Flags().StringVar(&in.To, "to", "", "who gets the mail; without it none is sent")
	cmd.Flags().StringVar(&in.Tenant, "tenant", "", "whose settings are tried (default those of all tenants without their own)")
	return cmd
}

// failedStage is the error of a report in which a stage failed.
func failedStage(r contract.EmailReport) error {
	i := slices.IndexFunc(r.Stages, func(s contract.EmailStage) bool { return s.State == contract.EmailStageFailed })
	if i < 0 {
		return nil
	}
	s := r.Stages[i]
	text := fmt.Sprintf("the stage %s failed", s.Stage)
	if s.Setting != "" {
		text += ": see " + s.Setting
	}
	return errors.New(text)
}

func printEmailReport(w io.Writer, r contract.EmailReport) {
	fields(w, "server", r.Server, "sender", r.From, "settings of", r.Tenant, "message id", r.MessageID)
	var rows [][]string
	for _, s := range r.Stages {
		took := ""
		if s.State != contract.EmailStageSkipped {
			took = fmt.Sprintf("%d ms", s.Millis)
		}
		state := s.State
		if state == contract.EmailStageFailed {
			state = strings.ToUpper(state)
		}
		rows = append(rows, []string{s.Stage, state, took, s.Found})
	}
	table(w, "", []string{"STAGE", "STATE", "TOOK", "FOUND"}, rows)
	for _, s := range r.Stages {
		if s.State == contract.EmailStageFailed {
			fields(w, "what to change", s.Setting, "what to do", s.Advice)
		}
	}
}
