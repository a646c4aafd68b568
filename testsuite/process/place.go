package process

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http/httptest"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
)

// Missing skips a test for which a program is not installed, and fails it when the environment has CI=true.
func Missing(t testing.TB, reason string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(reason)
	}
	t.Skip(reason)
}

// Check ends a test for which nothing more can be done.
func Check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Folder makes a folder that is removed when the test ends, after what is cleaned up later than this call. It is not t.TempDir, which an
// unprivileged user may not enter. The end of the file log in it is shown when the test has failed.
func Folder(t testing.TB, name string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", name+"-")
	Check(t, err)
	t.Cleanup(func() {
		if t.Failed() {
			text, _ := os.ReadFile(filepath.Join(dir, "log"))
			t.Logf("log of %s:\n%s", name, text[max(0, len(text)-20_000):])
		}
		_ = os.RemoveAll(dir)
	})
	return dir
}

// Ports finds free ports that differ from each other.
func Ports(t testing.TB, n int) []int {
	t.Helper()
	var ports []int
	for tries := 0; len(ports) < n; tries++ {
		l, err := net.Listen("tcp", fmt.Sprint("127.0.0.1:", lowest+rand.IntN(outgoing-lowest)))
		if err != nil && tries < 100*n {
			continue // taken
		}
		Check(t, err)
		defer func() { _ = l.Close() }()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports
}

const (
	lowest = 10_000
	// outgoing is where the ports begin that Linux gives to outgoing connections: one of those may be gone when a server that was stopped wants it back.
	outgoing = 32_768
)

// Account is the user that a server runs as.
type Account struct {
	*user.User
	credential *syscall.Credential // nil: the one that runs the test
}

// Unprivileged is who runs the test, or nobody for root: servers refuse that.
func Unprivileged(t testing.TB) Account {
	t.Helper()
	if id := os.Getuid(); id != 0 {
		u, err := user.LookupId(strconv.Itoa(id))
		Check(t, err)
		return Account{User: u}
	}
	u, err := user.Lookup("nobody")
	Check(t, err)
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	Check(t, err)
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	Check(t, err)
	return Account{u, &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
}

// Attributes have a program run as the user.
func (a Account) Attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: a.credential}
}

// Give gives a file or folder to the user, without what is in it.
func (a Account) Give(t testing.TB, path string) {
	t.Helper()
	if a.credential != nil {
		Check(t, os.Lchown(path, int(a.credential.Uid), int(a.credential.Gid)))
	}
}

// GiveAll gives a folder to the user, with all that is in it.
func (a Account) GiveAll(t testing.TB, root string) {
	t.Helper()
	Check(t, filepath.WalkDir(root, func(path string, _ os.DirEntry, err error) error {
		if err == nil {
			a.Give(t, path)
		}
		return err
	}))
}

// Certificate writes the certificate that net/http/httptest carries, which is good for 127.0.0.1 and example.com, and its key, in PEM.
func Certificate(t testing.TB, dir string) (certificate, key string) {
	t.Helper()
	peer := httptest.NewTLSServer(nil)
	defer peer.Close()
	private, err := x509.MarshalPKCS8PrivateKey(peer.TLS.Certificates[0].PrivateKey)
	Check(t, err)
	certificate, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	Check(t, os.WriteFile(certificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: peer.Certificate().Raw}), 0o644))
	Check(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
	return certificate, key
}
