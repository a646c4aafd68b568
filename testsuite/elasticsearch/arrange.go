package elasticsearch

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// module is a part of the server that it loads with a class loader of its own.
type module struct {
	name      string
	artifacts []string // by the beginning of the file's name; the first describes the module
	security  bool     // for servers with security only: it doubles what a start costs
}

var modules = []module{
	{name: "transport-netty4", artifacts: []string{"transport-netty4"}},
	{name: "missing-modules", artifacts: []string{"missing-modules"}},
	{name: "x-pack-core", artifacts: []string{"x-pack-core"}, security: true},
	{name: "x-pack-security", artifacts: []string{"x-pack-security", "transport-netty4"}, security: true}, // as in Elastic's distribution
}

// arrange makes the home folder of an installation from what Maven made.
func arrange(target string) (home string, err error) {
	home = filepath.Join(target, "home")
	lib := filepath.Join(home, "lib")
	for _, step := range []func() error{
		func() error { return os.Mkdir(home, 0o755) },
		func() error { return os.Rename(filepath.Join(target, "lib"), lib) },
		func() error {
			return os.Rename(filepath.Join(target, "elasticsearch-1-module.jar"), filepath.Join(lib, "missing-modules-1.jar"))
		},
		func() error {
			return os.Rename(filepath.Join(target, "elasticsearch-1.jar"), filepath.Join(lib, "waybill.jar"))
		},
		func() error { return install(lib, filepath.Join(home, open), false) },
		func() error { return install(lib, filepath.Join(home, secured), true) },
	} {
		if err := step(); err != nil {
			return "", err
		}
	}
	for _, m := range modules { // what a module loads itself must not be on the class path
		jar, err := find(lib, m.name)
		if err == nil {
			err = os.Remove(jar)
		}
		if err != nil {
			return "", err
		}
	}
	return home, nil
}

// install makes what path.home names.
func install(lib, home string, security bool) error {
	if err := os.MkdirAll(filepath.Join(home, "plugins"), 0o755); err != nil {
		return err
	}
	for _, m := range modules {
		if m.security && !security {
			continue
		}
		folder := filepath.Join(home, "modules", m.name)
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
		for n, artifact := range m.artifacts {
			jar, err := find(lib, artifact)
			if err != nil {
				return err
			}
			if err := os.Link(jar, filepath.Join(folder, filepath.Base(jar))); err != nil {
				return err
			}
			if n > 0 {
				continue
			}
			text, err := descriptor(jar, m.name)
			if err == nil {
				err = os.WriteFile(filepath.Join(folder, "plugin-descriptor.properties"), text, 0o644)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// find finds the file of an artifact.
func find(lib, artifact string) (string, error) {
	found, err := filepath.Glob(filepath.Join(lib, artifact+"-[0-9]*.jar"))
	if err != nil || len(found) != 1 {
		return "", fmt.Errorf("%d files of %s in %s, want 1", len(found), artifact, lib)
	}
	return found[0], nil
}

// descriptor is what a module says of itself, without the name of its Java module: this server runs from the class path.
func descriptor(jar, name string) ([]byte, error) {
	z, err := zip.OpenReader(jar)
	if err != nil {
		return nil, err
	}
	defer func() { _ = z.Close() }()
	text, err := fs.ReadFile(z, path.Join("META-INF/es-plugins", name, "plugin-descriptor.properties"))
	if err != nil {
		return nil, err
	}
	var kept strings.Builder
	for line := range bytes.Lines(text) {
		if !bytes.HasPrefix(line, []byte("modulename=")) {
			kept.Write(line)
		}
	}
	return []byte(kept.String()), nil
}
