package archive

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Checked is what a comparison of the archive with its manifests has found.
type Checked struct {
	Days      int
	Blocks    int
	Documents int
	Bytes     int64 // of text
	Packed    int64 // of files
	// Wrong counts the blocks and manifests that are missing or not as they were written, and Errors say of each, of MaxNamed at most,
	// what is wrong.
	Wrong  int
	Errors []string
	// Unlisted are blocks that no manifest has, at most MaxNamed: those of an archiving that is under way, or was interrupted and will go on.
	Unlisted []string
}

func (c *Checked) wrong(err error) {
	if c.Wrong++; len(c.Errors) < MaxNamed {
		c.Errors = append(c.Errors, err.Error())
	}
}

// Check reads all blocks of a tenant in a range of days and compares them with their manifests.
func (a *Archive) Check(ctx context.Context, tenant string, in Range) (Checked, error) {
	var c Checked
	for day, err := range a.days(ctx, tenant, in) {
		if err == nil {
			err = a.checkDay(ctx, tenant, day, &c)
		}
		if err != nil {
			return c, fmt.Errorf("check the archive of tenant %q: %w", tenant, err)
		}
		c.Days++
	}
	return c, nil
}

func (a *Archive) checkDay(ctx context.Context, tenant, day string, c *Checked) error {
	m, err := a.manifest(ctx, tenant, day)
	if errors.Is(err, ErrDamaged) {
		c.wrong(err)
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range m.Blocks {
		b := Block{Tenant: tenant, Day: day, Name: e.Name, SHA256: e.SHA256}
		lines, bytes := 0, int64(0)
		packed, err := a.checked(ctx, b)
		if err == nil {
			err = unpack(b.Key(), packed, func(line []byte) error {
				lines++
				bytes += int64(len(line)) + 1
				_, err := decode(b.Key(), line)
				return err
			})
		}
		if err == nil && (lines != e.Documents || bytes != e.Bytes) {
			err = damaged(b.Key(), "it has %d documents of %d bytes, and the manifest says %d of %d", lines, bytes, e.Documents, e.Bytes)
		}
		if err != nil && !errors.Is(err, ErrDamaged) {
			return err
		}
		c.Blocks++
		if err != nil {
			c.wrong(err)
			continue
		}
		c.Documents += lines
		c.Bytes += bytes
		c.Packed += e.Packed
	}
	prefix := dayFolder(tenant, day)
	for key, err := range a.keys(ctx, prefix, "") {
		if err != nil {
			return err
		}
		if name := strings.TrimPrefix(key, prefix); name != listing && !m.has(name) && len(c.Unlisted) < MaxNamed {
			c.Unlisted = append(c.Unlisted, key)
		}
	}
	return nil
}
