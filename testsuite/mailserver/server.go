package mailserver

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-imap/v2/imapserver"
)

const (
	anyLoopbackPort        = "127.0.0.1:0"
	defaultMaxMessageBytes = 50 << 20
)

// Options says where the server listens and what it keeps. The zero value
// listens on two free loopback ports and forgets everything when it is closed.
type Options struct {
	SMTPAddr string // Host and port; empty for a free port on 127.0.0.1.
	IMAPAddr string // Host and port; empty for a free port on 127.0.0.1.

	// Dir keeps mail over restarts. When empty, a temporary folder is used and
	// removed by Close.
	Dir string

	// Users holds the password of each address. An address that is not listed
	// receives mail all the same; it can log in with OpenPassword if that is set.
	Users        map[string]string
	OpenPassword string

	MaxMessageBytes int64        // Larger messages are refused with 552; 0 means 50 MiB.
	Logger          *slog.Logger // Nil logs nothing.

	// Reject, when set, is asked about each recipient. A *smtp.SMTPError is
	// answered as it is (550, 451, ...), any other error as 451.
	Reject func(recipient string) error
}

// Server is a running mail server. Its methods may be called from several
// goroutines.
type Server struct {
	options   Options
	dir       string
	smtp      *listener
	imap      *listener
	serving   sync.WaitGroup
	closeOnce sync.Once
	closeErr  error

	mu       sync.Mutex
	accounts map[string]*account
	arrived  chan struct{} // Closed and replaced when mail has arrived.

	validityMu  sync.Mutex
	uidValidity uint32 // The last one given.
}

// Start opens the folder, listens and serves until Close. An address in use is
// reported with the option that sets it (errors.Is syscall.EADDRINUSE).
func Start(options Options) (*Server, error) {
	if options.SMTPAddr == "" {
		options.SMTPAddr = anyLoopbackPort
	}
	if options.IMAPAddr == "" {
		options.IMAPAddr = anyLoopbackPort
	}
	if options.MaxMessageBytes == 0 {
		options.MaxMessageBytes = defaultMaxMessageBytes
	}
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Server{options: options, dir: options.Dir, accounts: make(map[string]*account), arrived: make(chan struct{})}

	// Listen first: of two servers started alike, the second must not touch the folder.
	var err error
	if s.smtp, err = listen("SMTP", "SMTPAddr", options.SMTPAddr); err != nil {
		return nil, err
	}
	if s.imap, err = listen("IMAP", "IMAPAddr", options.IMAPAddr); err != nil {
		return nil, errors.Join(err, s.smtp.Close())
	}
	if err = s.open(); err != nil {
		return nil, errors.Join(fmt.Errorf("mail server: open folder %s: %w", s.dir, err), s.smtp.Close(), s.imap.Close(), s.forget())
	}

	// The libraries log each connection that a client or Close cuts.
	log := slog.NewLogLogger(options.Logger.Handler(), slog.LevelDebug)
	smtpServer := newSMTPServer(s, log)
	imapServer := imapserver.New(&imapserver.Options{
		NewSession:   s.newIMAPSession,
		Caps:         capabilities(),
		Logger:       log,
		InsecureAuth: true, // There is no TLS; the server is for loopback.
	})
	s.serve("SMTP", func() error { return smtpServer.Serve(s.smtp) })
	s.serve("IMAP", func() error { return imapServer.Serve(s.imap) })
	return s, nil
}

func (s *Server) serve(protocol string, run func() error) {
	s.serving.Go(func() {
		if err := run(); err != nil && !errors.Is(err, net.ErrClosed) {
			s.options.Logger.Error("mail server stopped", "protocol", protocol, "error", err)
		}
	})
}

// open reads what the folder holds.
func (s *Server) open() (err error) {
	if s.dir == "" {
		if s.dir, err = os.MkdirTemp("", "mailserver-"); err != nil {
			return err
		}
	}
	if err := os.RemoveAll(s.spoolDir()); err != nil {
		return err
	}
	for _, dir := range []string{s.spoolDir(), s.accountsDir()} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	text, err := os.ReadFile(s.uidValidityFile())
	if err == nil {
		last, parseErr := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 32)
		s.uidValidity, err = uint32(last), parseErr
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read the last UIDVALIDITY: %w", err)
	}
	entries, err := os.ReadDir(s.accountsDir())
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if address, err := url.PathUnescape(entry.Name()); err != nil {
			return fmt.Errorf("%s is not an escaped mail address: %w", entry.Name(), err)
		} else if _, err := s.account(address); err != nil {
			return err
		}
	}
	users := make(map[string]string)
	for address, password := range s.options.Users {
		account, err := s.account(address)
		if err != nil {
			return err
		}
		users[account.address] = password
	}
	s.options.Users = users
	return nil
}

func (s *Server) spoolDir() string        { return filepath.Join(s.dir, "spool") }
func (s *Server) accountsDir() string     { return filepath.Join(s.dir, "accounts") }
func (s *Server) uidValidityFile() string { return filepath.Join(s.dir, "uidvalidity") }

// durable says whether files are synced: what is thrown away needs no sync.
func (s *Server) durable() bool { return s.options.Dir != "" }

// SMTPAddr returns the host and port where mail is taken.
func (s *Server) SMTPAddr() string { return s.smtp.Addr().String() }

// IMAPAddr returns the host and port where mail is read.
func (s *Server) IMAPAddr() string { return s.imap.Addr().String() }

// Connections is how many programs read mail at the moment.
func (s *Server) Connections() int { return s.imap.count() }

// Close cuts all connections and returns when their goroutines have ended, or
// with the context's error. A message that SMTP has not said OK to may be lost,
// as with any server. A second call returns what the first did.
func (s *Server) Close(ctx context.Context) error {
	s.closeOnce.Do(func() {
		s.closeErr = errors.Join(s.smtp.shutdown(ctx), s.imap.shutdown(ctx))
		s.serving.Wait()
		s.closeErr = errors.Join(s.closeErr, s.forget())
	})
	return s.closeErr
}

func (s *Server) forget() error {
	if s.durable() {
		return nil
	}
	return os.RemoveAll(s.dir)
}

// account returns the mailboxes of an address. Every address has them.
func (s *Server) account(address string) (*account, error) {
	local, domain, found := strings.Cut(strings.ToLower(address), "@")
	address = local + "@" + domain
	dir := url.PathEscape(address)
	if !found || local == "" || domain == "" || len(dir) > 200 {
		return nil, fmt.Errorf("mail server: %.200q is not a mail address of the form name@domain of at most 200 characters", address)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.accounts[address]; a != nil {
		return a, nil
	}
	a := &account{server: s, address: address, dir: filepath.Join(s.accountsDir(), dir)}
	if err := a.open(); err != nil {
		return nil, fmt.Errorf("mail server: open the mailboxes of %s: %w", address, err)
	}
	s.accounts[address] = a
	return a, nil
}

// login checks a password and returns the account.
func (s *Server) login(address, password string) (*account, error) {
	want, listed := s.options.Users[strings.ToLower(address)]
	if !listed {
		want = s.options.OpenPassword
	}
	if want == "" || subtle.ConstantTimeCompare([]byte(want), []byte(password)) != 1 {
		return nil, errors.New("mail server: unknown user or wrong password")
	}
	return s.account(address)
}

// nextUIDValidity never returns a number twice, even when a mailbox was deleted
// in the same second or the clock goes back.
func (s *Server) nextUIDValidity() (uint32, error) {
	s.validityMu.Lock()
	defer s.validityMu.Unlock()
	next := max(s.uidValidity+1, uint32(time.Now().Unix()))
	if err := writeFile(s.uidValidityFile(), []byte(strconv.FormatUint(uint64(next), 10)), s.durable()); err != nil {
		return 0, fmt.Errorf("keep the last UIDVALIDITY: %w", err)
	}
	s.uidValidity = next
	return next, nil
}

// spool stores what write writes in a synced file, to be linked into mailboxes.
// The caller removes the file.
func (s *Server) spool(write func(io.Writer) error) (path string, err error) {
	file, err := os.CreateTemp(s.spoolDir(), "*.eml")
	if err != nil {
		return "", err
	}
	err = write(file)
	if err == nil && s.durable() {
		err = file.Sync()
	}
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		os.Remove(file.Name())
		return "", err
	}
	return file.Name(), nil
}
