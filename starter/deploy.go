package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/bpmn"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/connectors/catalog"
	"github.com/waybill-io/waybill/connectors/jsonfile"
	"github.com/waybill-io/waybill/mail/template"
	"github.com/waybill-io/waybill/project"
)

// deployed is the result of deploy.
type deployed struct {
	Definitions []deployedDefinition `json:"definitions"`
	Triggers    []deployedTrigger    `json:"triggers"`
	Templates   []deployedTemplate   `json:"templates,omitempty"`
	Warnings    []string             `json:"warnings"`
}

type deployedDefinition struct {
	Key     string `json:"key"`
	Version int    `json:"version,omitempty"` // absent in a dry run
	Changed bool   `json:"changed"`
	Digest  string `json:"digest"`
	File    string `json:"file"`
	Tenant  string `json:"tenant,omitempty"`
}

type deployedTrigger struct {
	Name   string `json:"name"`
	Source string `json:"source"`
	File   string `json:"file"`
}

// deployedTemplate is a template of a mail.
type deployedTemplate struct {
	template.Key
	File string `json:"file"`
}

func (a *app) deployCommand() *cobra.Command {
	var (
		o      loading
		dryRun bool
	)
	cmd := &cobra.Command{
		Use:   "deploy FILE...|FOLDER...|ARCHIVE...",
		Short: "Check models, connectors and triggers, and make them the latest version",
		Long: "deploy reads models (*.bpmn, *.bpmn20.xml, each with NAME-extensions.json beside it), connector definitions, triggers and templates\n" +
			"of mails (*.mail.html, *.mail.ftl), which replace those of the same name;\n" +
			"a folder, or an archive (.zip), stands for everything in it: so an application project of Activiti or Alfresco is deployed as\n" +
			"it was downloaded, and what of it has no meaning here is told. All files are checked before the first is deployed. Content that is\n" +
			"the latest version already makes no new one. Running instances keep the version that they were started with.",
		Example: `  starter deploy examples/support-desk
  starter deploy holiday.zip
  starter deploy order.bpmn triggers/order-mail.json --dry-run`,
		Args: need("FILE..."),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := load(args, o)
			if err != nil {
				return err
			}
			for _, warning := range p.Warnings {
				fmt.Fprintln(cmd.ErrOrStderr(), "warning:", warning)
			}
			if dryRun {
				return a.printDeployed(cmd, planned(p), "would deploy")
			}
			return a.connected(cmd, func(ctx context.Context, c *client.Client) error {
				result, err := a.deploy(ctx, cmd.ErrOrStderr(), c, p)
				return errors.Join(a.printDeployed(cmd, result, "deployed"), err)
			})
		},
	}
	mapDefaultFlag(cmd, &o.mapDefault)
	cmd.Flags().StringVar(&o.uncaught, "uncaught-error", string(bpmn.UncaughtIncident),
		"what becomes of a BPMN error that nothing catches: incident, or end (the token ends in silence, as in Camunda 7)")
	_ = cmd.RegisterFlagCompletionFunc("uncaught-error",
		cobra.FixedCompletions([]string{string(bpmn.UncaughtIncident), string(bpmn.UncaughtEnd)}, cobra.ShellCompDirectiveNoFileComp))
	cmd.Flags().StringVar(&o.tenant, "tenant", "", "tenant of the processes: whose mail server, sender and templates count; keys are unique over all tenants")
	cmd.Flags().StringVar(&o.taskMails, "task-mails", contract.TaskMailsModel,
		"who gets mails of user tasks: model (as each model says), all (also where it says nothing; what --task-mails alone means) or none")
	cmd.Flags().Lookup("task-mails").NoOptDefVal = contract.TaskMailsAll
	_ = cmd.RegisterFlagCompletionFunc("task-mails", cobra.FixedCompletions(taskMailModes, cobra.ShellCompDirectiveNoFileComp))
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "check everything and deploy nothing; needs no server")
	return cmd
}

func mapDefaultFlag(cmd *cobra.Command, value *string) {
	cmd.Flags().StringVar(value, "map-default", string(bpmn.MapNone),
		"what a task without a mapping entry exchanges with its connector: none, or all variables")
	_ = cmd.RegisterFlagCompletionFunc("map-default",
		cobra.FixedCompletions([]string{string(bpmn.MapNone), string(bpmn.MapAll)}, cobra.ShellCompDirectiveNoFileComp))
}

// loading is how files are read: what the flags of the same names say.
type loading struct {
	mapDefault, uncaught, tenant, taskMails string
	advice                                  bool
}

var taskMailModes = []string{contract.TaskMailsModel, contract.TaskMailsAll, project.NoTaskMails}

// load reads and checks files. Every error is of the files and so the caller's to mend.
func load(paths []string, o loading) (*project.Project, error) {
	m, err := parseMapDefault(o.mapDefault)
	if err != nil {
		return nil, err
	}
	u := bpmn.Uncaught(o.uncaught)
	if u != "" && u != bpmn.UncaughtIncident && u != bpmn.UncaughtEnd {
		return nil, usage(fmt.Errorf("--uncaught-error %s: incident or end is expected", o.uncaught))
	}
	if o.tenant != "" && !contract.ValidTenant(o.tenant) {
		return nil, usage(fmt.Errorf("--tenant %q: %s is expected", o.tenant, contract.TenantRule))
	}
	if o.taskMails != "" && !slices.Contains(taskMailModes, o.taskMails) {
		return nil, usage(fmt.Errorf("--task-mails %q: one of %s is expected", o.taskMails, strings.Join(taskMailModes, ", ")))
	}
	p, err := project.Load(paths, project.Options{
		MapDefault: m, Uncaught: u, Tenant: o.tenant, TaskMails: o.taskMails, BuiltIn: catalog.Definitions(), Advice: o.advice,
	})
	if err == nil {
		return p, nil
	}
	var errs []error
	for _, e := range jsonfile.Parts(err) {
		errs = append(errs, usage(fmt.Errorf("deploy %w", e)))
	}
	return p, errors.Join(errs...)
}

func planned(p *project.Project) deployed {
	result := deployed{Definitions: []deployedDefinition{}, Triggers: []deployedTrigger{}, Warnings: list(p.Warnings)}
	for _, d := range p.Definitions {
		result.Definitions = append(result.Definitions, deployedDefinition{Key: d.Key, Digest: d.Digest, File: d.File, Tenant: d.Tenant})
	}
	for _, t := range p.Triggers {
		result.Triggers = append(result.Triggers, deployedTrigger{Name: t.Name, Source: t.Source, File: t.File})
	}
	for _, t := range p.Templates {
		result.Templates = append(result.Templates, deployedTemplate{Key: t.Key, File: t.File})
	}
	return result
}

// longDeploy is how many files make a deployment long enough to tell its progress.
const longDeploy = 10

// deploy sends templates of mails first, then definitions, and triggers last, so that a mail finds the process that it starts. It goes on after
// a refusal, and returns what was deployed beside the error.
func (a *app) deploy(ctx context.Context, progress io.Writer, c *client.Client, p *project.Project) (deployed, error) {
	plan := planned(p)
	result := deployed{Definitions: []deployedDefinition{}, Triggers: []deployedTrigger{}, Warnings: plan.Warnings}
	n, all := 0, len(p.Templates)+len(p.Definitions)+len(p.Triggers)
	step := func(what string) {
		if n++; all >= longDeploy {
			fmt.Fprintf(progress, "[%d/%d] %s\n", n, all, what)
		}
	}
	var errs []error
	for i, t := range p.Templates {
		step("mail template " + t.Key.String())
		err := a.answered(ctx, func(ctx context.Context) error { return c.PutTemplate(ctx, t.Key, t.Template) })
		if err != nil {
			return result, err // processes that would send it are not deployed without it
		}
		result.Templates = append(result.Templates, plan.Templates[i])
	}
	for i, d := range p.Definitions {
		step("process " + d.Key)
		var r contract.DeployResult
		err := a.answered(ctx, func(ctx context.Context) (err error) {
			r, err = c.Deploy(ctx, d)
			return err
		})
		if err != nil {
			errs = append(errs, err)
			if exitCode(err) == exitUnreachable || ctx.Err() != nil {
				return result, errors.Join(errs...)
			}
			continue
		}
		line := plan.Definitions[i]
		line.Version, line.Changed = r.Version, r.Changed
		result.Definitions = append(result.Definitions, line)
	}
	if len(errs) > 0 {
		return result, errors.Join(errs...)
	}
	for i, t := range p.Triggers {
		step("trigger " + t.Name)
		err := a.answered(ctx, func(ctx context.Context) error { return c.PutTrigger(ctx, t.Source, t.Name, t.Raw) })
		if err != nil {
			errs = append(errs, err)
			continue
		}
		result.Triggers = append(result.Triggers, plan.Triggers[i])
	}
	return result, errors.Join(errs...)
}

func (a *app) printDeployed(cmd *cobra.Command, r deployed, verb string) error {
	return a.print(cmd, r, func(w io.Writer) {
		for _, d := range r.Definitions {
			switch {
			case d.Version == 0:
				fmt.Fprintf(w, "%s process %s (%s)\n", verb, d.Key, d.File)
			case d.Changed:
				fmt.Fprintf(w, "%s process %s version %s (%s)\n", verb, d.Key, strconv.Itoa(d.Version), d.File)
			default:
				fmt.Fprintf(w, "unchanged process %s version %d (%s)\n", d.Key, d.Version, d.File)
			}
		}
		for _, t := range r.Templates {
			fmt.Fprintf(w, "%s mail template %s (%s)\n", verb, t.Key, t.File)
		}
		for _, t := range r.Triggers {
			fmt.Fprintf(w, "%s trigger %s for %s\n", verb, t.Name, t.Source)
		}
	})
}
