package analytics

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/elastic/go-elasticsearch/v8/esapi"
)

// Health is how a cluster is, and whether our indexes are as they should be.
type Health struct {
	Cluster, Version string
	Status           string // of our indexes: green, yellow, red
	Nodes            int
	Managed          bool // it has index lifecycle management
	DeadLetters      int64
	// Problems say what is wrong and what would be right; none: documents can be written and searched.
	Problems []string
}

// older tells whether a version is from before 7.17, and has not all that we ask for.
func older(version string) bool {
	major, rest, _ := strings.Cut(version, ".")
	minor, _, _ := strings.Cut(rest, ".")
	x, err := strconv.Atoi(major)
	y, failed := strconv.Atoi(minor)
	return err != nil || failed != nil || x < 7 || x == 7 && y < 17
}

// Health asks the cluster, and looks at the indexes of these tenants. It changes nothing. The error is that it does not answer, or not to us.
func (s *Store) Health(ctx context.Context, tenants ...string) (Health, error) {
	var info struct {
		Name    string `json:"cluster_name"`
		Version struct {
			Number       string `json:"number"`
			Distribution string `json:"distribution"`
		} `json:"version"`
	}
	if err := s.call(ctx, esapi.InfoRequest{}, &info); err != nil {
		return Health{}, err
	}
	var state struct {
		Status string `json:"status"`
		Nodes  int    `json:"number_of_nodes"`
	}
	ours := []string{s.config.Names.Prefix + "-*", s.config.Names.TenantPrefix + "*"}
	if err := s.call(ctx, esapi.ClusterHealthRequest{Index: ours}, &state); err != nil {
		return Health{}, err
	}
	h := Health{Cluster: info.Name, Version: info.Version.Number, Status: state.Status, Nodes: state.Nodes}
	if info.Version.Distribution != "" || older(h.Version) {
		h.problem("the server is %s; Elasticsearch 7.17 or later is expected", strings.TrimSpace(info.Version.Distribution+" "+h.Version))
	}
	if h.Status == "red" {
		h.problem("the state of our indexes is red: shards are missing, and what is on them can be neither written nor found; see GET _cluster/allocation/explain")
	}
	var err error
	if h.Managed, err = s.managed(ctx); is(err, http.StatusForbidden) && s.config.Retention == 0 {
		err = nil // it is none of our business then
	}
	if err != nil {
		return h, err
	}
	if s.config.Retention > 0 && !h.Managed {
		h.problem("the server has no index lifecycle management: generations that were replaced are kept until they are dropped")
	}
	for _, t := range s.templates() {
		right, err := s.hasTemplate(ctx, t)
		if err != nil {
			return h, err
		}
		if !right {
			h.problem("index template %s is missing, or of older settings: the next write puts it", t.name)
		}
	}
	names := []string{s.deadLetters()}
	for _, tenant := range tenants {
		names = append(names, s.aliases(tenant)...)
	}
	for block := range slices.Chunk(names, 20) {
		if err := s.look(ctx, block, &h); err != nil {
			return h, err
		}
	}
	page, err := s.DeadLetters(ctx, DeadLetterQuery{Size: 1})
	h.DeadLetters = page.Total
	return h, err
}

func (h *Health) problem(format string, values ...any) {
	h.Problems = append(h.Problems, fmt.Sprintf(format, values...))
}

// look tells what is wrong with aliases and the indexes behind them.
func (s *Store) look(ctx context.Context, aliases []string, h *Health) error {
	there, err := s.indexes(ctx, aliases...)
	if name, ok := errors.AsType[taken](err); ok {
		h.problem("%s", name)
		return nil
	}
	if err != nil {
		return err
	}
	var settings map[string]struct {
		Settings map[string]string `json:"settings"`
	}
	err = s.call(ctx, esapi.IndicesGetSettingsRequest{
		Index: aliases, Name: []string{"index.blocks.*"}, FlatSettings: new(true), IgnoreUnavailable: new(true), AllowNoIndices: new(true),
	}, &settings)
	if err != nil {
		return err
	}
	for _, alias := range aliases {
		name := current(there, alias)
		if name == "" {
			h.problem("index %s is missing, or its alias is: the next write creates it, or says what is in its way", alias)
			continue
		}
		if v := there[name].Mappings.Meta.Waybill.Version; v < mappingVersion {
			h.problem("index %s has the mapping of version %d, %d is ours: the next write adds what is missing", name, v, mappingVersion)
		}
		for block, on := range settings[name].Settings {
			if on == "true" {
				h.problem("%s of index %s is set: it takes no writes; the server sets it when a disk is nearly full, and takes it away when there is room", block, name)
			}
		}
	}
	return nil
}
