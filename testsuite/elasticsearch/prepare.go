package elasticsearch

import (
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
	"path/filepath"
	"syscall"
)

//go:embed server
var project embed.FS

// ErrMissing wraps that a program is not installed.
var ErrMissing = errors.New("elasticsearch: a program is missing")

// Installation is a server that can be started.
type Installation struct {
	java string
	home string // lib, classes.jsa, and what path.home is with and without security: secured and open
}

// Prepare finds Java and the server, and builds the server if this project never was built: about a minute the first time, of which
// most is 66 MB of artifacts. progress hears of that in lines for a person. Processes that build at the same time wait for the first.
func Prepare(ctx context.Context, progress io.Writer) (Installation, error) {
	java := "java"
	if folder := os.Getenv("JAVA_HOME"); folder != "" {
		java = filepath.Join(folder, "bin", "java")
	}
	java, err := exec.LookPath(java)
	if err != nil {
		return Installation{}, fmt.Errorf("%w: java (Debian: apt-get install maven default-jdk-headless)", ErrMissing)
	}
	home, err := cacheFolder()
	if err != nil {
		return Installation{}, err
	}
	i := Installation{java, home}
	if isFolder(home) {
		return i, nil
	}
	if err := os.MkdirAll(filepath.Dir(home), 0o755); err != nil {
		return Installation{}, fmt.Errorf("elasticsearch: make the cache folder: %w", err)
	}
	unlock, err := lock(home + ".lock")
	if err != nil {
		return Installation{}, err
	}
	defer unlock()
	if isFolder(home) { // built by whom we waited for
		return i, nil
	}
	if err := build(ctx, home, progress); err != nil {
		return Installation{}, err
	}
	if err := i.archive(ctx); err != nil {
		return Installation{}, err
	}
	fmt.Fprintln(progress, "Elasticsearch is in", home)
	return i, nil
}

// build makes the home folder. What is there under that name is whole.
func build(ctx context.Context, home string, progress io.Writer) error {
	mvn, err := exec.LookPath("mvn")
	if err != nil {
		return fmt.Errorf("%w: mvn (Debian: apt-get install maven default-jdk-headless)", ErrMissing)
	}
	folder, err := os.MkdirTemp(filepath.Dir(home), "elasticsearch-build-")
	if err != nil {
		return fmt.Errorf("elasticsearch: make a folder to build in: %w", err)
	}
	defer func() { _ = os.RemoveAll(folder) }()
	files, err := fs.Sub(project, "server")
	if err == nil {
		err = os.CopyFS(folder, files)
	}
	if err != nil {
		return fmt.Errorf("elasticsearch: copy the project: %w", err)
	}
	fmt.Fprintln(progress, "Fetching Elasticsearch from Maven Central, once: 66 MB.")
	c := exec.CommandContext(ctx, mvn, "--batch-mode", "--no-transfer-progress", "package")
	c.Dir = folder
	if output, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("elasticsearch: build the server with %s (it needs a JDK of 17 or newer and Maven Central): %w\n%s", mvn, err, output)
	}
	made, err := arrange(filepath.Join(folder, "target"))
	if err != nil {
		return fmt.Errorf("elasticsearch: put the server together: %w", err)
	}
	if err := os.Rename(made, home); err != nil {
		return fmt.Errorf("elasticsearch: put the server in its place: %w", err)
	}
	return nil
}

// archive starts the server once, to keep what the JVM made of its classes: the server then starts in a third of the time.
func (i Installation) archive(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "elasticsearch-")
	if err != nil {
		return fmt.Errorf("elasticsearch: make a folder for the first start: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	settings := i.settings(dir, false)
	settings["http.port"], settings["transport.port"] = "0", "0"
	if err := configure(dir, settings); err != nil {
		return fmt.Errorf("elasticsearch: configure the first start: %w", err)
	}
	archive := filepath.Join(i.home, archiveName)
	// Its standard input is empty, so that it ends when it has started.
	c := i.command(ctx, dir, "-XX:ArchiveClassesAtExit="+archive+".part")
	if output, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("elasticsearch: start it for the first time: %w\n%s", err, output)
	}
	if err := os.Rename(archive+".part", archive); err != nil {
		return fmt.Errorf("elasticsearch: keep the classes of the first start: %w", err)
	}
	return nil
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
