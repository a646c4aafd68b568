package temporalserver

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

const modulePath = "github.com/waybill-io/waybill"

// errNoSource tells a person all the ways out, since there is no server to go on with.
var errNoSource = errors.New("no Temporal server to be had: there is none on this machine, and the source of Waybill's own is not here; " +
	"install Temporal's command line (https://docs.temporal.io/cli), or run from a checkout of Waybill, " +
	"or connect to a running server with --temporal-address, or name a server program in " + PathVariable)

// sourceFolder finds testsuite/devserver: in the checkout around dir, or where the module of dir has Waybill from (a
// replace or a workspace; a downloaded module does not hold it, since it is a module of its own).
func sourceFolder(ctx context.Context, dir string) (string, error) {
	for parent := dir; ; parent = filepath.Dir(parent) {
		if src := filepath.Join(parent, "testsuite", "devserver"); declares(parent, modulePath) && declares(src, modulePath+"/testsuite/devserver") {
			return src, nil
		}
		if parent == filepath.Dir(parent) {
			break
		}
	}
	list := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", modulePath)
	list.Dir = dir
	if out, err := list.Output(); err == nil {
		if src := filepath.Join(strings.TrimSpace(string(out)), "testsuite", "devserver"); declares(src, modulePath+"/testsuite/devserver") {
			return src, nil
		}
	}
	return "", errNoSource
}

// declares reports whether dir holds the go.mod of that module.
func declares(dir, module string) bool {
	b, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	first, _, _ := strings.Cut(string(b), "\n")
	return err == nil && strings.TrimSpace(first) == "module "+module
}

// cacheFolder is where the devserver of these sources and this Go belongs.
func cacheFolder(src string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the user's cache folder: %w", err)
	}
	h := sha256.New()
	fmt.Fprintln(h, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	err = filepath.WalkDir(src, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !isSource(d.Name()) {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(src, path)
		fmt.Fprintf(h, "%s %d\n", filepath.ToSlash(rel), len(b))
		h.Write(b)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("read the sources of the devserver: %w", err)
	}
	return filepath.Join(cache, "waybill", "devserver-"+hex.EncodeToString(h.Sum(nil))[:16]), nil
}

func isSource(name string) bool {
	return name == "go.mod" || name == "go.sum" || strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go")
}
