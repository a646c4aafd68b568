package gateway

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/bpmn"
	"github.com/waybill-io/waybill/connectors/jsonfile"
	"github.com/waybill-io/waybill/gateway/camunda"
	"github.com/waybill-io/waybill/project"
)

// deployFiles deploys what was sent, with the checks and in the order of `starter deploy`: all files are checked before the first is deployed.
func (o Options) deployFiles(ctx context.Context, files []camunda.File, tenant string) ([]contract.Definition, error) {
	p, err := loadFiles(files, project.Options{Tenant: tenant, TaskMails: contract.TaskMailsModel, BuiltIn: o.Connectors})
	if err != nil {
		return nil, err
	}
	for _, t := range p.Templates {
		if err := o.Client.PutTemplate(ctx, t.Key, t.Template); err != nil {
			return nil, err
		}
	}
	for i := range p.Definitions {
		r, err := o.Client.Deploy(ctx, p.Definitions[i])
		if err != nil {
			return nil, err
		}
		p.Definitions[i].Version = r.Version
	}
	for _, t := range p.Triggers {
		if err := o.Client.PutTrigger(ctx, t.Source, t.Name, t.Raw); err != nil {
			return nil, err
		}
	}
	return p.Definitions, nil
}

// loadFiles reads and checks files, by their names alone.
func loadFiles(files []camunda.File, options project.Options) (*project.Project, error) {
	dir, err := os.MkdirTemp("", "waybill-deployment-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for the files of a deployment: %w", err)
	}
	defer os.RemoveAll(dir)
	for _, f := range files {
		if err := os.WriteFile(filepath.Join(dir, f.Name), f.Data, 0o600); err != nil {
			return nil, fmt.Errorf("write %s of a deployment: %w", f.Name, err)
		}
	}
	// A folder, so that what has no meaning here is passed over as in one.
	p, err := project.Load([]string{dir}, options)
	if err == nil {
		return p, nil
	}
	wrong := &camunda.FindingsError{}
	for _, e := range jsonfile.Parts(err) {
		wrong.Errors = append(wrong.Errors, findingOf(e, dir, files))
	}
	return nil, wrong
}

// findingOf tells of a mistake in the file that it is in, the first when it says nothing of any.
func findingOf(err error, dir string, files []camunda.File) camunda.Finding {
	text := strings.ReplaceAll(err.Error(), dir+string(filepath.Separator), "")
	f := camunda.Finding{Message: text}
	if m, ok := errors.AsType[*bpmn.Error](err); ok {
		f.Line, f.Column, f.Element, f.File = m.Line, m.Column, m.Element, filepath.Base(m.File)
		return f
	}
	f.File = files[max(slices.IndexFunc(files, func(f camunda.File) bool { return strings.HasPrefix(text, f.Name+":") }), 0)].Name
	return f
}
