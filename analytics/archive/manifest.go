package archive

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"slices"
)

// manifest lists the blocks of a tenant and day, in the order in which they came.
type manifest struct {
	Tenant    string  `json:"tenant"`
	Day       string  `json:"day"` // yyyy-mm-dd, UTC
	Documents int     `json:"documents"`
	Bytes     int64   `json:"bytes"`  // of text
	Packed    int64   `json:"packed"` // of files
	Blocks    []entry `json:"blocks"`
}

type entry struct {
	Name      string `json:"name"`   // of the file
	SHA256    string `json:"sha256"` // of the file, as sha256sum says it
	Documents int    `json:"documents"`
	Bytes     int64  `json:"bytes"`
	Packed    int64  `json:"packed"`
}

// manifest reads that of a day; an empty one when there is none.
func (a *Archive) manifest(ctx context.Context, tenant, day string) (manifest, error) {
	m, err := a.readManifest(ctx, dayFolder(tenant, day)+listing)
	if errors.Is(err, fs.ErrNotExist) {
		return manifest{Tenant: tenant, Day: day}, nil
	}
	return m, err
}

func (a *Archive) readManifest(ctx context.Context, key string) (m manifest, err error) {
	data, err := a.read(ctx, key)
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return m, damaged(key, "%v", err)
	}
	if key != dayFolder(m.Tenant, m.Day)+listing {
		return m, damaged(key, "it is that of tenant %q and %s", m.Tenant, m.Day)
	}
	return m, nil
}

func (m *manifest) has(name string) bool {
	return slices.ContainsFunc(m.Blocks, func(e entry) bool { return e.Name == name })
}

func (m *manifest) add(e entry) {
	m.Blocks = append(m.Blocks, e)
	m.Documents += e.Documents
	m.Bytes += e.Bytes
	m.Packed += e.Packed
}

func (a *Archive) writeManifest(ctx context.Context, m manifest) error {
	data, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return err
	}
	return a.write(ctx, dayFolder(m.Tenant, m.Day)+listing, "application/json", append(data, '\n'))
}
