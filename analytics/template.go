package analytics

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"github.com/elastic/go-elasticsearch/v8/esapi"

	"github.com/waybill-io/waybill/events"
)

// priority is above that of templates of the server and below what administrators choose to have the last word with. Ours differ, because
// patterns of one priority must not overlap, and those for tenants may overlap with the others.
const priority = 250

// template is an index template.
type template struct {
	name     string
	priority int
	patterns []string
	settings map[string]string
	fields   object
}

// templates are those for the indexes of tenants, of the default tenant, and of dead letters. The four indexes of a tenant share one: those
// of several, by name of index, would have patterns that overlap (activiti-tenant-*-tasks-*, activiti-tenant-*-variables-*). Installations
// with the same prefix for tenants share theirs.
func (s *Store) templates() []template {
	var tenants, common []string
	for _, index := range events.Indexes() {
		tenants = append(tenants, s.config.Names.TenantPrefix+"*-"+index+"-*")
		common = append(common, s.config.Names.Prefix+"-"+index+"-*")
	}
	settings := map[string]string{"index.number_of_shards": strconv.Itoa(s.config.Shards)}
	if s.config.Replicas != nil {
		settings["index.number_of_replicas"] = strconv.Itoa(*s.config.Replicas)
	} else {
		settings["index.auto_expand_replicas"] = "0-1"
	}
	return []template{
		{s.config.Names.TenantPrefix + "documents", priority, tenants, settings, properties()},
		{s.config.Names.Prefix + "-documents", priority + 1, common, settings, properties()},
		{s.deadLetters(), priority + 2, []string{physical(s.deadLetters(), 1)}, settings, letterProperties()}, // a tenant can have no such index
	}
}

func (t template) body() object {
	return object{
		"index_patterns": t.patterns, "priority": t.priority, "version": mappingVersion, "allow_auto_create": false,
		"_meta":    object{"waybill": object{"version": mappingVersion, "settings": t.settings}},
		"template": object{"settings": t.settings, "mappings": mapping(t.fields)},
	}
}

// meta is what we write about a template or a mapping into it.
type meta struct {
	Meta struct {
		Waybill struct {
			Version  int               `json:"version"`
			Settings map[string]string `json:"settings"`
		} `json:"waybill"`
	} `json:"_meta"`
}

// body is JSON for a request.
func body(fields object) io.Reader {
	data, err := json.Marshal(fields)
	if err != nil {
		panic(err) // fields are texts, numbers, and maps and lists of them
	}
	return bytes.NewReader(data)
}

// ensureTemplates puts the templates that are missing or older. A newer one, of a newer worker, stays.
func (s *Store) ensureTemplates(ctx context.Context) error {
	for _, t := range s.templates() {
		right, err := s.hasTemplate(ctx, t)
		if err != nil {
			return fmt.Errorf("read index template %s: %w", t.name, err)
		}
		if right {
			continue
		}
		if err := s.call(ctx, esapi.IndicesPutIndexTemplateRequest{Name: t.name, Body: body(t.body())}, nil); err != nil {
			return fmt.Errorf("put index template %s: %w", t.name, err)
		}
	}
	return nil
}

// hasTemplate tells whether a template needs no change.
func (s *Store) hasTemplate(ctx context.Context, t template) (bool, error) {
	var found struct {
		Templates []struct {
			Template struct {
				meta
				Patterns []string `json:"index_patterns"`
			} `json:"index_template"`
		} `json:"index_templates"`
	}
	err := s.call(ctx, esapi.IndicesGetIndexTemplateRequest{Name: t.name}, &found)
	if is(err, http.StatusNotFound) {
		return false, nil
	}
	if err != nil || len(found.Templates) != 1 {
		return false, err
	}
	there := found.Templates[0].Template
	switch ours := there.Meta.Waybill; {
	case ours.Version > mappingVersion:
		return true, nil
	case ours.Version < mappingVersion:
		return false, nil
	default:
		return maps.Equal(ours.Settings, t.settings) && slices.Equal(there.Patterns, t.patterns), nil
	}
}
