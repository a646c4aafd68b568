package ewsserver

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"
)

// Path is where Exchange serves EWS.
const Path = "/EWS/Exchange.asmx"

const maxRequestBytes = 64 << 20

// Options of a server. The zero value listens without TLS on a free loopback port and knows nobody.
type Options struct {
	Users     map[string]string   // mail address to password; each is a mailbox
	Delegates map[string][]string // mailbox to the users who may open it besides its owner
	// Token tells whose bearer token this is.
	Token func(token string) (address string, ok bool)
	// Auth is what is offered: "basic", "ntlm", "bearer"; empty for all.
	Auth []string
	TLS  bool

	// Servers is how many there are behind one proxy, see route; 1.
	Servers int

	// Heartbeat is the pause between envelopes without events on a stream; 30 s.
	Heartbeat time.Duration
	// Minute is how long a minute of a client's ConnectionTimeout lasts; a minute.
	Minute time.Duration
	// MaxStreams and MaxSubscriptions limit each user; 0 for no limit.
	MaxStreams, MaxSubscriptions int
}

// Server is a running server. Its methods may be called from several goroutines.
type Server struct {
	options Options
	address string
	certs   *x509.CertPool
	config  *tls.Config

	mu            sync.Mutex
	http          *http.Server
	conns         map[net.Conn]struct{}
	mailboxes     map[string]*mailbox
	subscriptions map[string]*subscription
	serial        int
	backends      int // the number of the last server behind the proxy
	generation    int // of the sync states
	streams       map[*stream]struct{}
	asked         map[string]int // requests by operation
	faults        faults
}

// Start serves until Close.
func Start(options Options) (*Server, error) {
	if options.Heartbeat == 0 {
		options.Heartbeat = 30 * time.Second
	}
	if options.Minute == 0 {
		options.Minute = time.Minute
	}
	s := &Server{
		options: options, mailboxes: map[string]*mailbox{}, asked: map[string]int{}, conns: map[net.Conn]struct{}{},
		subscriptions: map[string]*subscription{}, streams: map[*stream]struct{}{},
	}
	for address := range options.Users {
		s.mailboxes[strings.ToLower(address)] = s.newMailbox(address)
	}
	for address := range options.Delegates {
		if s.mailboxes[strings.ToLower(address)] == nil {
			s.mailboxes[strings.ToLower(address)] = s.newMailbox(address)
		}
	}
	if options.TLS {
		// The certificate that the standard library keeps for tests: for 127.0.0.1 and example.com.
		borrowed := httptest.NewUnstartedServer(nil)
		borrowed.StartTLS()
		s.config = &tls.Config{Certificates: borrowed.TLS.Certificates, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}
		s.certs = x509.NewCertPool()
		s.certs.AddCert(borrowed.Certificate())
		borrowed.Close()
	}
	s.address = "127.0.0.1:0"
	return s, s.listen()
}

func (s *Server) listen() error {
	var l net.Listener
	var err error
	for range 100 { // after a restart the port may be held by a client's connection that ends
		if l, err = net.Listen("tcp", s.address); err == nil {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler: s, ConnContext: rememberConnection, ReadHeaderTimeout: time.Minute,
		ErrorLog: log.New(io.Discard, "", 0), // it logs each connection that a test cuts
		ConnState: func(c net.Conn, state http.ConnState) {
			s.mu.Lock()
			defer s.mu.Unlock()
			if state == http.StateClosed {
				delete(s.conns, c)
			} else {
				s.conns[c] = struct{}{}
			}
		},
	}
	s.mu.Lock()
	s.address, s.http = l.Addr().String(), server
	s.mu.Unlock()
	if s.config != nil {
		l = tls.NewListener(l, s.config)
	}
	go func() { _ = server.Serve(l) }()
	return nil
}

// URL is the address of the service.
func (s *Server) URL() string {
	scheme := "http://"
	if s.options.TLS {
		scheme = "https://"
	}
	return scheme + s.address + Path
}

// RootCAs trusts the server's certificate.
func (s *Server) RootCAs() *x509.CertPool { return s.certs }

// Close cuts all connections.
func (s *Server) Close() error {
	s.mu.Lock()
	server := s.http
	s.mu.Unlock()
	return server.Close()
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.refuseHTTP(w, r) {
		return
	}
	user, ok := s.authenticate(w, r)
	if !ok {
		return
	}
	if r.Method != http.MethodPost || r.URL.Path != Path {
		http.NotFound(w, r)
		return
	}
	request, err := parse(http.MaxBytesReader(w, r.Body, maxRequestBytes))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	_, _ = io.Copy(io.Discard, r.Body)
	body := request.at("Body").children()
	if request.name != "Envelope" || len(body) == 0 {
		http.Error(w, "not a SOAP envelope with a body", http.StatusBadRequest)
		return
	}
	c := &call{server: s, user: user, operation: body[0].name, request: body[0]}
	s.count(c.operation)
	failed := s.route(w, r, c)
	if failed == nil {
		failed = s.begin(c, request.at("Header"))
	}
	if failed != nil {
		answer(w, http.StatusInternalServerError, failed.fault())
		return
	}
	if c.operation == "GetStreamingEvents" {
		s.serveStream(w, r, c)
		return
	}
	messages, err := s.run(c)
	if err != nil {
		failed := new(failure)
		if !errors.As(err, &failed) {
			failed = refuse("ErrorInternalServerError", "%v", err)
		}
		answer(w, http.StatusInternalServerError, failed.fault())
		return
	}
	answer(w, http.StatusOK, el("m:"+c.operation+"Response", el("m:ResponseMessages", messages)))
}

func answer(w http.ResponseWriter, status int, body *node) {
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, envelope(body))
}

// call is one request.
type call struct {
	server    *Server
	user      string
	operation string
	request   *node
	backend   int      // the server behind the proxy
	box       *mailbox // of the user, or of whom the user impersonates
}

var operations = map[string]func(*call) ([]*node, error){
	"GetFolder":           (*call).getFolder,
	"FindFolder":          (*call).findFolder,
	"CreateFolder":        (*call).createFolder,
	"SyncFolderHierarchy": (*call).syncFolderHierarchy,
	"SyncFolderItems":     (*call).syncFolderItems,
	"FindItem":            (*call).findItem,
	"GetItem":             (*call).getItem,
	"CreateItem":          (*call).createItem,
	"UpdateItem":          (*call).updateItem,
	"MoveItem":            (*call).moveItem,
	"DeleteItem":          (*call).deleteItem,
	"Subscribe":           (*call).subscribe,
	"Unsubscribe":         (*call).unsubscribe,
	"ResolveNames": func(c *call) ([]*node, error) {
		return []*node{message(c.operation, refuse("ErrorNameResolutionNoResults", "No results were found."))}, nil
	},
}

// begin finds the mailbox of the call.
func (s *Server) begin(c *call, header *node) *failure {
	s.mu.Lock()
	defer s.mu.Unlock()
	address := c.user
	for _, sid := range header.at("ExchangeImpersonation", "ConnectingSID").children() {
		if address = sid.value(); !s.mayOpen(c.user, address) {
			return refuse("ErrorImpersonateUserDenied", "The account does not have permission to impersonate the requested user.")
		}
	}
	if c.box = s.mailboxes[strings.ToLower(address)]; c.box == nil {
		return refuse("ErrorNonExistentMailbox", "No mailbox with such guid.")
	}
	return s.faults.refuse(c.operation)
}

func (s *Server) run(c *call) ([]*node, error) {
	do := operations[c.operation]
	if do == nil {
		return nil, refuse("ErrorInvalidRequest", "The operation %s is not served.", c.operation)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return do(c)
}

func (s *Server) count(operation string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked[operation]++
}

// Restart ends the server as a crash does and starts it again on the same port: mail and sync states stay,
// subscriptions do not. It waits for down in between.
func (s *Server) Restart(down time.Duration) error {
	_ = s.Close()
	s.mu.Lock()
	s.subscriptions = map[string]*subscription{}
	s.mu.Unlock()
	time.Sleep(down)
	return s.listen()
}

var _ http.Handler = (*Server)(nil)
