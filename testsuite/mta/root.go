package mta

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/waybill-io/waybill/testsuite/process"
)

// version of what .ci/mta makes.
const version = "2"

// find returns the folder where the servers are unpacked.
func find(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("WAYBILL_MTA")
	if dir == "" {
		cache, err := os.UserCacheDir()
		process.Check(t, err)
		dir = filepath.Join(cache, "waybill", "mta")
	}
	made, _ := os.ReadFile(filepath.Join(dir, "version"))
	if strings.TrimSpace(string(made)) != version {
		process.Missing(t, "the mail servers are not unpacked in "+dir+" (Debian: .ci/mta)")
	}
	if os.Getuid() != 0 {
		t.Skip("mail servers are run as root, which this test is not: see CONTRIBUTING.md") // .ci/run sees to it
	}
	return dir
}

// furnish makes the root of the server's file system.
func (s *Server) furnish(unpacked string) {
	s.t.Helper()
	output, err := exec.Command("cp", "-dR", "--preserve=mode", unpacked, s.root).CombinedOutput()
	if err != nil {
		s.t.Fatalf("%s: %v: %s", s.Kind, err, output)
	}
	for name, minor := range map[string]int{"null": 3, "zero": 5, "urandom": 9} {
		path := filepath.Join(s.root, "dev", name)
		s.check(syscall.Mknod(path, syscall.S_IFCHR, 1<<8|minor))
		s.check(os.Chmod(path, 0o666))
		device, err := os.Open(path)
		if err != nil {
			s.t.Fatalf("%s: no devices can be made in %s, which is mounted with nodev, it seems: set TMPDIR to another folder, such as /var/tmp: %v", s.Kind, s.root, err)
		}
		_ = device.Close()
	}
	s.folder("/tmp", "root", 0o1777)
	s.folder("/run", "root", 0o755)
	s.folder("/var", "root", 0o755)
	s.folder("/var/log", "root", 0o755)
	s.folder("/var/mail", "mail", 0o700)
	if err := os.Symlink("/run", filepath.Join(s.root, "var/run")); !os.IsExist(err) {
		s.check(err)
	}
	s.t.Cleanup(s.showLog)
}

// Log is what the server has said.
func (s *Server) Log() string {
	var all strings.Builder
	_ = filepath.WalkDir(filepath.Join(s.root, "var/log"), func(path string, _ os.DirEntry, _ error) error {
		text, _ := os.ReadFile(path)
		all.Write(text)
		return nil
	})
	return all.String()
}

// showLog shows the end of it when the test has failed.
func (s *Server) showLog() {
	if log := s.Log(); s.t.Failed() {
		s.t.Logf("%s has said:\n%s", s.Kind, log[max(0, len(log)-6_000):])
	}
}

// folder makes a folder of the server's, with those above it, that belongs to one of its users, or to USER:GROUP.
func (s *Server) folder(path, owner string, mode uint32) {
	s.t.Helper()
	path = filepath.Join(s.root, path)
	s.check(os.MkdirAll(path, 0o755))
	user, group, ok := strings.Cut(owner, ":")
	if !ok {
		group = user
	}
	s.check(os.Chown(path, s.id("passwd", user), s.id("group", group)))
	s.check(syscall.Chmod(path, mode)) // with the sticky bit, which os.Chmod has elsewhere
}

// id finds a user or a group of the server's.
func (s *Server) id(file, name string) int {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(s.root, "etc", file))
	s.check(err)
	for line := range strings.Lines(string(text)) {
		if fields := strings.Split(line, ":"); fields[0] == name {
			id, err := strconv.Atoi(fields[2])
			s.check(err)
			return id
		}
	}
	s.t.Fatalf("%s: %s knows no %s", s.Kind, file, name)
	return 0
}

func (s *Server) write(path, text string) {
	s.t.Helper()
	path = filepath.Join(s.root, path)
	s.check(os.MkdirAll(filepath.Dir(path), 0o755))
	s.check(os.WriteFile(path, []byte(text), 0o644))
}

// start starts a program in the server's root.
func (s *Server) start(name string, args ...string) *process.Process {
	s.t.Helper()
	c := s.command(name, args...)
	p := process.Start(s.t, c, filepath.Join(s.root, "var/log/mail.log"))
	s.programs = append(s.programs, p)
	return p
}

func (s *Server) command(name string, args ...string) *exec.Cmd {
	return &exec.Cmd{
		Path: name, Args: append([]string{name}, args...), Dir: "/", Env: []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C"},
		SysProcAttr: &syscall.SysProcAttr{Chroot: s.root},
	}
}

// killAll ends what left the group that it was started in, as a daemon does: all that has this root.
func (s *Server) killAll() {
	for again := true; again; {
		again = false
		roots, _ := filepath.Glob("/proc/[0-9]*/root")
		for _, link := range roots {
			if root, err := os.Readlink(link); err == nil && root == s.root {
				pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(link)))
				again = syscall.Kill(pid, syscall.SIGKILL) == nil || again
			}
		}
	}
}
