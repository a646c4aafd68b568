package camunda

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"path/filepath"
	"slices"
	"strings"

	"github.com/waybill-io/waybill/activities/contract"
)

// File is one of a deployment.
type File struct {
	Name string // without folders
	Data []byte
}

// Finding is what is wrong with a file. Line and Column are 0, and Element is "", where they are not known.
type Finding struct {
	File, Message, Element string
	Line, Column           int
}

// FindingsError has what is wrong with the files of a deployment, none of which was deployed.
type FindingsError struct{ Errors []Finding }

func (e *FindingsError) Error() string {
	texts := make([]string, 0, len(e.Errors))
	for _, f := range e.Errors {
		texts = append(texts, fmt.Sprintf("%s | resource %s | line %d | column %d", f.Message, f.File, f.Line, f.Column))
	}
	return strings.Join(texts, "\n* ")
}

const maxFiles = 200

// form is a deployment as it is sent: fields, and files in parts of any name. deploy-changed-only and enable-duplicate-filtering change nothing:
// content that is the latest version already never makes a new one.
type form struct {
	fields map[string]string
	files  []File
}

var formFields = []string{"deployment-name", "deployment-source", "tenant-id", "deploy-changed-only", "enable-duplicate-filtering", "deployment-activation-time"}

func readForm(r *http.Request) (f form, err error) {
	parts, err := r.MultipartReader()
	if err != nil {
		return f, invalid("A deployment is multipart/form-data: %s", err)
	}
	f.fields = map[string]string{}
	for {
		p, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return f, nil
		}
		if err == nil {
			err = f.add(p)
		}
		if err != nil {
			if _, own := errors.AsType[*problem](err); own {
				return f, err
			}
			return f, invalid("Cannot read the deployment: %s", err)
		}
	}
}

func (f *form) add(p *multipart.Part) error {
	data, err := io.ReadAll(p)
	if err != nil {
		return err
	}
	if slices.Contains(formFields, p.FormName()) {
		f.fields[p.FormName()] = string(data)
		return nil
	}
	name := p.FileName()
	switch {
	case name == "":
		return invalid("No file name found in the deployment resource described by form parameter '%s'.", p.FormName())
	case !filepath.IsLocal(name) || strings.ContainsAny(name, "/\\\x00"):
		return invalid("The file name '%s' of a deployment resource is none.", name)
	case len(f.files) == maxFiles:
		return invalid("A deployment has %d resources at most.", maxFiles)
	case slices.ContainsFunc(f.files, func(other File) bool { return other.Name == name }):
		return invalid("The deployment resource '%s' is given twice.", name)
	}
	f.files = append(f.files, File{name, data})
	return nil
}

// deployment is what is told of one. It is told once: processes count their own versions, and nothing keeps what was deployed together.
type deployment struct {
	Links       []link                       `json:"links"`
	ID          string                       `json:"id"`
	Name        *string                      `json:"name"`
	Source      *string                      `json:"source"`
	Time        string                       `json:"deploymentTime"`
	Tenant      *string                      `json:"tenantId"`
	Definitions map[string]processDefinition `json:"deployedProcessDefinitions"`
	Cases       any                          `json:"deployedCaseDefinitions"`
	Decisions   any                          `json:"deployedDecisionDefinitions"`
	DRDs        any                          `json:"deployedDecisionRequirementsDefinitions"`
}

type processDefinition struct {
	ID          string  `json:"id"`
	Key         string  `json:"key"`
	Category    *string `json:"category"`
	Description *string `json:"description"`
	Name        *string `json:"name"`
	Version     int     `json:"version"`
	Resource    string  `json:"resource"`
	Deployment  string  `json:"deploymentId"`
	Diagram     *string `json:"diagram"`
	Suspended   bool    `json:"suspended"`
	Tenant      *string `json:"tenantId"`
	VersionTag  *string `json:"versionTag"`
	TimeToLive  *int    `json:"historyTimeToLive"`
	Startable   bool    `json:"startableInTasklist"`
}

func (s *Server) createDeployment(r *http.Request, _ string) (any, error) {
	f, err := readForm(r)
	if err != nil {
		return nil, err
	}
	if len(f.files) == 0 {
		return nil, invalid("No deployment resources contained in the form upload.")
	}
	tenant := f.fields["tenant-id"]
	switch {
	case f.fields["deployment-activation-time"] != "":
		return nil, invalid("deployment-activation-time is not supported: a deployment counts at once.")
	case tenant != "" && !contract.ValidTenant(tenant):
		return nil, invalid("The tenant-id '%s' is none: %s is expected.", tenant, contract.TenantRule)
	}
	deployed, err := s.Deploy(r.Context(), f.files, tenant)
	if err != nil {
		return nil, err
	}
	d := deployment{
		Links: []link{}, ID: strings.ToLower(rand.Text()), Name: orNull(f.fields["deployment-name"]), Source: orNull(f.fields["deployment-source"]), Time: now(),
		Tenant: orNull(tenant), Definitions: map[string]processDefinition{},
	}
	for _, p := range deployed {
		id := definitionID(p.Key, p.Version)
		d.Definitions[id] = processDefinition{
			ID: id, Key: p.Key, Name: orNull(p.Name), Version: p.Version, Resource: p.File, Deployment: d.ID, Tenant: orNull(p.Tenant), VersionTag: orNull(p.VersionTag), Startable: true,
		}
	}
	return d, nil
}

// Deploy deploys files for a tenant, "" for none, on behalf of a caller. It returns each definition with its version, new or as it was. Its error is a
// *FindingsError when the files are wrong.
type Deploy func(ctx context.Context, files []File, tenant string) ([]contract.Definition, error)

// problemOf is one of Camunda's reports of what is wrong with a resource.
type problemOf struct {
	Message  string   `json:"message"`
	Line     int      `json:"line"`
	Column   int      `json:"column"`
	Main     *string  `json:"mainElementId"`
	Elements []string `json:"elementIds"`
}

type resourceReport struct {
	Errors   []problemOf `json:"errors"`
	Warnings []problemOf `json:"warnings"`
}

// reports are the details of a ParseException.
func (e *FindingsError) reports() map[string]*resourceReport {
	all := map[string]*resourceReport{}
	for _, f := range e.Errors {
		if all[f.File] == nil {
			all[f.File] = &resourceReport{Warnings: []problemOf{}}
		}
		p := problemOf{Message: f.Message, Line: f.Line, Column: f.Column, Main: orNull(f.Element), Elements: []string{}}
		if f.Element != "" {
			p.Elements = []string{f.Element}
		}
		all[f.File].Errors = append(all[f.File].Errors, p)
	}
	return all
}

// failedToParse answers as Camunda does when models do not parse: Camunda Modeler looks for its words.
func failedToParse(w http.ResponseWriter, e *FindingsError) {
	reply(w, http.StatusBadRequest, map[string]any{
		"type": "ParseException", "message": "ENGINE-09005 Could not parse BPMN process. Errors: \n* " + e.Error(), "code": 0, "details": e.reports(),
	})
}
