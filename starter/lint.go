package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/waybill-io/waybill/connectors/jsonfile"
)

// findings are the result of lint.
type findings struct {
	Errors   []string `json:"errors"`
	Warnings []string `json:"warnings"`
}

func (a *app) lintCommand() *cobra.Command {
	var mapDefault string
	cmd := &cobra.Command{
		Use:   "lint FILE...|FOLDER...|ARCHIVE...",
		Short: "Check models, connectors and triggers without deploying them",
		Long: "lint tells what deploy would refuse (exit code 2) and what runs but perhaps not as it was meant (exit code 0).\n" +
			"It needs no server.",
		Example: `  starter lint examples/support-desk
  starter lint order.bpmn --output json`,
		Args: need("FILE..."),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := load(args, loading{mapDefault: mapDefault, advice: true})
			if p == nil {
				return err
			}
			f := findings{Errors: []string{}, Warnings: list(p.Warnings)}
			if err != nil {
				for _, e := range jsonfile.Parts(err) {
					f.Errors = append(f.Errors, strings.TrimPrefix(e.Error(), "deploy "))
				}
			}
			printed := a.print(cmd, f, func(w io.Writer) {
				for _, e := range f.Errors {
					fmt.Fprintln(w, "error:", e)
				}
				for _, warning := range f.Warnings {
					fmt.Fprintln(w, "warning:", warning)
				}
				if len(f.Errors)+len(f.Warnings) == 0 {
					fmt.Fprintln(w, "no findings")
				}
			})
			if printed == nil && len(f.Errors) > 0 {
				return usage(errors.New("the files have errors"))
			}
			return printed
		},
	}
	mapDefaultFlag(cmd, &mapDefault)
	return cmd
}
