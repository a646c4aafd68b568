package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/waybill-io/waybill/connectors/catalog"
	"github.com/waybill-io/waybill/connectors/elementtemplate"
	"github.com/waybill-io/waybill/connectors/jsonfile"
	"github.com/waybill-io/waybill/connectors/skeleton"
	"github.com/waybill-io/waybill/project"
)

// validated is a definition file in which nothing is wrong.
type validated struct {
	File string `json:"file"`
	Name string `json:"name"`
}

func (a *app) connectorValidateCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "validate FILE...|FOLDER...",
		Short: "Check definition files of connectors",
		Long: "validate tells everything that is wrong with definition files (exit code 2), each with the field and what would be right.\n" +
			"It needs no server.",
		Example: `  starter connector validate connectors/orders.json
  starter connector validate connectors --output json`,
		Args: need("FILE..."),
		RunE: func(cmd *cobra.Command, args []string) error {
			all, err := project.Connectors(args, catalog.Definitions())
			result := struct {
				Connectors []validated `json:"connectors"`
				Errors     []string    `json:"errors"`
			}{[]validated{}, []string{}}
			for _, c := range all {
				if c.File != "" {
					result.Connectors = append(result.Connectors, validated{c.File, c.Name})
				}
			}
			if err != nil {
				for _, e := range jsonfile.Parts(err) {
					result.Errors = append(result.Errors, e.Error())
				}
			}
			printed := a.print(cmd, result, func(w io.Writer) {
				for _, e := range result.Errors {
					fmt.Fprintln(w, "error:", e)
				}
				for _, c := range result.Connectors {
					fmt.Fprintf(w, "valid: %s (connector %s)\n", c.File, c.Name)
				}
			})
			switch {
			case printed != nil:
				return printed
			case len(result.Errors) > 0:
				return usage(errors.New("the definitions have errors"))
			case len(result.Connectors) == 0:
				return usage(errors.New("no definition of a connector was found"))
			}
			return nil
		},
	}
}

func (a *app) connectorNewCommand() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "new NAME",
		Short: "Write the skeleton of a connector in Go, which works as it is",
		Long: "new writes a folder NAME with a definition, the code and its test. The connector looks up an item of an HTTP service by its\n" +
			"id; its test passes. Change it into yours, and list it in connectors/catalog: one line.",
		Example: `  starter connector new order-desk
  starter connector new order-desk --dir connectors --output json`,
		Args: need("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, d := range catalog.Definitions() {
				if d.Name == args[0] {
					return usage(fmt.Errorf("connector %q is built in; choose another name", args[0]))
				}
			}
			written, err := skeleton.Write(dir, args[0])
			if err != nil {
				return usage(fmt.Errorf("new connector: %w", err))
			}
			return a.print(cmd, map[string]any{"name": args[0], "files": written}, func(w io.Writer) {
				for _, file := range written {
					fmt.Fprintln(w, "wrote", file)
				}
				fmt.Fprintf(w, "\ntest it:                go test %s\n", packagePath(filepath.Join(dir, args[0])))
				fmt.Fprintln(w, "build it in:            add its Template() to the list in connectors/catalog/catalog.go")
				fmt.Fprintf(w, "then it can be called:  starter connector call %s.LOOKUP --input id=7\n", args[0])
			})
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "connectors", "folder that the connector's folder is made in")
	_ = cmd.MarkFlagDirname("dir")
	return cmd
}

func (a *app) connectorTemplateCommand() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "template NAME [FILE|FOLDER...]",
		Short: "Write element templates, so that a connector can be dragged in Camunda Modeler",
		Long: "template writes one element template for each action of a connector. Put the file into a folder .camunda/element-templates\n" +
			"beside or above the model, or into resources/element-templates of the Modeler, and start the Modeler again.",
		Example: `  starter connector template email --out .camunda/element-templates/email.json
  starter connector template orders connectors/orders.json`,
		Args:              need1("NAME"),
		ValidArgsFunction: completeConnectors,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := find(args[0], args[1:])
			if err != nil {
				return err
			}
			templates := elementtemplate.Of(c.Definition)
			if len(templates) == 0 {
				return fmt.Errorf("connector %s has no actions, so nothing can be dragged", c.Name)
			}
			var text bytes.Buffer
			e := json.NewEncoder(&text)
			e.SetEscapeHTML(false)
			e.SetIndent("", "  ")
			if err := e.Encode(templates); err != nil {
				return fmt.Errorf("write the templates: %w", err)
			}
			if out == "" { // JSON in either output: it is a file that is asked for
				_, err := cmd.OutOrStdout().Write(text.Bytes())
				return err
			}
			if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
				return fmt.Errorf("write the templates: %w", err)
			}
			if err := os.WriteFile(out, text.Bytes(), 0o644); err != nil {
				return fmt.Errorf("write the templates: %w", err)
			}
			return a.print(cmd, map[string]any{"file": out, "templates": len(templates)}, func(w io.Writer) {
				fmt.Fprintf(w, "wrote %s: templates of %d actions\n", out, len(templates))
			})
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "file to write (default standard output)")
	_ = cmd.MarkFlagFilename("out", "json")
	return cmd
}

// packagePath is a folder as the go command takes it.
func packagePath(folder string) string {
	if filepath.IsAbs(folder) {
		return folder
	}
	return "./" + filepath.ToSlash(folder)
}
