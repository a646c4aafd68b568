package scenario

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/goccy/go-yaml/ast"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/bpmn"
	"github.com/waybill-io/waybill/connectors/catalog"
	"github.com/waybill-io/waybill/definition"
	"github.com/waybill-io/waybill/project"
)

// deployment is a list of files that are deployed together.
type deployment struct {
	files []deployedFile

	processes []deployed // of load
	err       error      // why the files are refused
}

// deployedFile is a file as it is named, and where.
type deployedFile struct {
	name         string
	line, column int
}

// deployed is a process that can be started.
type deployed struct {
	key, digest string
	process     *bpmn.Process
	definition  contract.Definition
}

func (r *reader) deployment(n ast.Node) *deployment {
	d := &deployment{}
	for _, element := range r.list(n, "a list of files") {
		f := deployedFile{name: r.text(element, "the name of a file")}
		f.line, f.column = position(element)
		d.files = append(d.files, f)
	}
	return d
}

// load reads the files of everything that a scenario file deploys. The error joins a *MalformedError for each one that is
// not there; files that are there and are refused fail the cases that deploy them.
func (f *File) load(o Options) error {
	folder := o.Models
	if folder == "" {
		folder = filepath.Dir(f.Name)
	}
	errs := []error{f.deploy.load(f.Name, folder, o)}
	for _, c := range f.Cases {
		for _, s := range c.steps {
			if d, ok := s.action.(*deployStep); ok {
				errs = append(errs, d.load(f.Name, folder, o))
			}
		}
	}
	return errors.Join(errs...)
}

func (d *deployment) load(file, folder string, o Options) error {
	if len(d.files) == 0 {
		return nil
	}
	var missing []error
	var paths []string
	for _, f := range d.files {
		path := filepath.FromSlash(f.name)
		if !filepath.IsAbs(path) {
			path = filepath.Join(folder, path)
		}
		if info, err := os.Stat(path); err != nil || info.IsDir() {
			if err == nil {
				err = errors.New("it is a folder")
			} else if errors.Is(err, fs.ErrNotExist) {
				err = fmt.Errorf("there is none in %s", folder)
			}
			missing = append(missing, &MalformedError{File: file, Line: f.line, Column: f.column,
				Message: fmt.Sprintf("expected a model or connector file, got %q: %v", f.name, err)})
		}
		paths = append(paths, path)
	}
	if len(missing) > 0 {
		return errors.Join(missing...)
	}
	d.processes, d.err = load(paths, o)
	return nil
}

// load reads models the way a deployment does, and what comes out of it the way a worker does.
func load(paths []string, o Options) ([]deployed, error) {
	p, err := project.Load(paths, project.Options{MapDefault: o.MapDefault, BuiltIn: catalog.Definitions(), AnyConnector: true})
	if err != nil {
		return nil, err
	}
	var processes []deployed
	for _, d := range p.Definitions {
		process, err := definition.Parse(d, 0)
		if err != nil {
			return nil, err
		}
		processes = append(processes, deployed{key: d.Key, digest: d.Digest, process: process, definition: d})
	}
	return processes, nil
}
