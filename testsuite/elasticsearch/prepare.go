package elasticsearch

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"syscall"
)

//go:embed server
var project embed.FS

// ErrMissing wraps that a program is not installed.
var ErrMissing = errors.New("elasticsearch: a program is missing")

// modules are the parts of the server that it loads with class loaders of their own, and the files of each: artifacts of the project,
// found by the beginning of the name.
var modules = map[string][]string{
	"transport-netty4": {"transport-netty4"},
	"x-pack-core":      {"x-pack-core"},
	"x-pack-security":  {"x-pack-security", "transport-netty4"}, // as in Elastic's own distribution
}

// ours is the module of the project itself.
const ours = `description=Stands in for modules that are not on Maven Central
version=1
name=missing-modules
java.version=17
elasticsearch.version=%s
classname=io.waybill.module.MissingModules
`

// Prepare returns the home folder of the server, and builds it if this project never was built: about a minute the first time, of which
// most is 66 MB of artifacts. progress hears of that in lines for a person. Processes that build at the same time wait for the first.
func Prepare(ctx context.Context, progress io.Writer) (string, error) {
	home, err := cacheFolder()
	if err != nil {
		return "", err
	}
	if isFolder(home) {
		return home, nil
	}
	mvn, err := exec.LookPath("mvn")
	if err != nil {
		return "", fmt.Errorf("%w: mvn (Debian: apt-get install maven default-jdk-headless)", ErrMissing)
	}
	if err := os.MkdirAll(filepath.Dir(home), 0o755); err != nil {
		return "", fmt.Errorf("elasticsearch: make the cache folder: %w", err)
	}
	unlock, err := lock(home + ".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	if isFolder(home) { // built by whom we waited for
		return home, nil
	}
	build, err := os.MkdirTemp(filepath.Dir(home), "elasticsearch-build-")
	if err != nil {
		return "", fmt.Errorf("elasticsearch: make a folder to build in: %w", err)
	}
	defer func() { _ = os.RemoveAll(build) }()
	files, err := fs.Sub(project, "server")
	if err == nil {
		err = os.CopyFS(build, files)
	}
	if err != nil {
		return "", fmt.Errorf("elasticsearch: copy the project: %w", err)
	}
	fmt.Fprintln(progress, "Fetching Elasticsearch from Maven Central, once: 66 MB.")
	c := exec.CommandContext(ctx, mvn, "--batch-mode", "--no-transfer-progress", "package")
	c.Dir = build
	if output, err := c.CombinedOutput(); err != nil {
		return "", fmt.Errorf("elasticsearch: build the server with %s (it needs a JDK of 17 or newer and Maven Central): %w\n%s", mvn, err, output)
	}
	made, err := arrange(filepath.Join(build, "target"))
	if err != nil {
		return "", fmt.Errorf("elasticsearch: put the server together: %w", err)
	}
	if err := os.Rename(made, home); err != nil {
		return "", fmt.Errorf("elasticsearch: put the server in its place: %w", err)
	}
	fmt.Fprintln(progress, "Elasticsearch is in", home)
	return home, nil
}

// cacheFolder is where the server of this project belongs.
func cacheFolder() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("elasticsearch: find the user's cache folder: %w", err)
	}
	h := sha256.New()
	err = fs.WalkDir(project, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := project.ReadFile(name)
		fmt.Fprintf(h, "%s %d\n%s", name, len(text), text)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("elasticsearch: read the project: %w", err)
	}
	return filepath.Join(cache, "waybill", "elasticsearch-"+hex.EncodeToString(h.Sum(nil))[:16]), nil
}

// arrange makes the home folder of a server from what Maven made: the libraries in lib, and modules.
func arrange(target string) (home string, err error) {
	home = filepath.Join(target, "home")
	lib := filepath.Join(home, "lib")
	if err := os.MkdirAll(filepath.Join(home, "plugins"), 0o755); err != nil {
		return "", err
	}
	if err := os.Rename(filepath.Join(target, "lib"), lib); err != nil {
		return "", err
	}
	version := ""
	for name, artifacts := range modules {
		folder := filepath.Join(home, "modules", name)
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return "", err
		}
		for _, artifact := range artifacts {
			jar, v, err := find(lib, artifact)
			if err != nil {
				return "", err
			}
			version = v
			if err := os.Link(jar, filepath.Join(folder, filepath.Base(jar))); err != nil {
				return "", err
			}
			if artifact != name {
				continue
			}
			text, err := descriptor(jar, name)
			if err == nil {
				err = os.WriteFile(filepath.Join(folder, "plugin-descriptor.properties"), text, 0o644)
			}
			if err != nil {
				return "", err
			}
		}
	}
	for name := range modules { // what a module loads itself must not be on the class path
		jar, _, err := find(lib, name)
		if err == nil {
			err = os.Remove(jar)
		}
		if err != nil {
			return "", err
		}
	}
	folder := filepath.Join(home, "modules", "missing-modules")
	return home, errors.Join(
		os.Mkdir(folder, 0o755),
		os.WriteFile(filepath.Join(folder, "plugin-descriptor.properties"), fmt.Appendf(nil, ours, version), 0o644),
		os.Rename(filepath.Join(target, "elasticsearch-1-module.jar"), filepath.Join(folder, "missing-modules.jar")),
		os.Rename(filepath.Join(target, "elasticsearch-1.jar"), filepath.Join(lib, "waybill.jar")),
	)
}

// find finds the file of an artifact, and its version.
func find(lib, artifact string) (jar, version string, err error) {
	found, err := filepath.Glob(filepath.Join(lib, artifact+"-[0-9]*.jar"))
	if err != nil || len(found) != 1 {
		return "", "", fmt.Errorf("%d files of %s in %s, want 1", len(found), artifact, lib)
	}
	version = strings.TrimSuffix(strings.TrimPrefix(filepath.Base(found[0]), artifact+"-"), ".jar")
	return found[0], version, nil
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
	var kept [][]byte
	for line := range bytes.Lines(text) {
		if !bytes.HasPrefix(line, []byte("modulename=")) {
			kept = append(kept, line)
		}
	}
	return bytes.Join(kept, nil), nil
}

// lock waits for a lock that the kernel releases when its holder dies.
func lock(name string) (unlock func(), err error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("elasticsearch: open the lock of the build: %w", err)
	}
	for err = syscall.EINTR; errors.Is(err, syscall.EINTR); {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
	}
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("elasticsearch: wait for another build: %w", err)
	}
	return func() { _ = f.Close() }, nil
}

func isFolder(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}
