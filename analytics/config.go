package analytics

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/waybill-io/waybill/mail"
)

// Defaults of a Config.
const (
	DefaultPrefix       = "activiti"
	DefaultTenantPrefix = "activiti-tenant-"

	defaultConnectTimeout = time.Second
	defaultSocketTimeout  = 5 * time.Second
	parallel              = 2 // bulk requests at a time
)

// Config says which cluster holds the indexes, how it is spoken to, and what the indexes are called. Zero values are defaults.
type Config struct {
	Addresses []string // URLs of its nodes, such as https://es1.example.com:9200; at least one

	// Who we are: an account, or an API key as the server prints it ("encoded"); neither for a cluster without security.
	Username string
	Password mail.Secret
	APIKey   mail.Secret

	Trust Trust // for https; without a file the authorities of the system are trusted

	ConnectTimeout time.Duration // 1 s
	SocketTimeout  time.Duration // for the beginning of an answer, 5 s

	Names Names

	Shards   int  // of an index, 1
	Replicas *int // nil: one where the cluster has a second node
	// Retention is how long a generation that was replaced is kept, where the server has index lifecycle management; 0: until Drop.
	Retention time.Duration
}

// withDefaults fills in what is not set.
func (c Config) withDefaults() Config {
	c.ConnectTimeout = cmp.Or(c.ConnectTimeout, defaultConnectTimeout)
	c.SocketTimeout = cmp.Or(c.SocketTimeout, defaultSocketTimeout)
	c.Names = c.Names.withDefaults()
	c.Shards = cmp.Or(c.Shards, 1)
	return c
}

// Check reads the trust store, and tells everything that is wrong. It asks no server.
func (c Config) Check() error {
	c = c.withDefaults()
	_, err := c.Trust.pool()
	errs := []error{err, c.Names.Check()}
	if len(c.Addresses) == 0 {
		errs = append(errs, errors.New("no address of an Elasticsearch server is set"))
	}
	for _, text := range c.Addresses {
		_, err := address(text)
		errs = append(errs, err)
	}
	switch {
	case c.APIKey != "" && (c.Username != "" || c.Password != ""):
		errs = append(errs, errors.New("an API key and an account are set; keep one"))
	case (c.Username == "") != (c.Password == ""):
		errs = append(errs, errors.New("an account needs a user name and a password"))
	}
	if c.Shards < 1 || c.Replicas != nil && *c.Replicas < 0 || c.ConnectTimeout < 0 || c.SocketTimeout < 0 || c.Retention < 0 {
		errs = append(errs, errors.New("shards must be at least 1, replicas, timeouts and the retention at least 0"))
	}
	return errors.Join(errs...)
}

// address reads a URL without showing what may be a password in it.
func address(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" || u.Fragment != "" {
		shown := text[strings.LastIndex(text, "@")+1:] // a password may have others
		return nil, fmt.Errorf("%q is not the address of an Elasticsearch server; a URL such as https://es1.example.com:9200 is expected", shown)
	}
	u.Path = strings.TrimRight(u.Path, "/")
	return u, nil
}

// Warnings are what was probably meant otherwise.
func (c Config) Warnings() []string {
	var all []string
	for _, text := range c.Addresses {
		u, err := address(text)
		if err != nil || u.Scheme != "http" {
			continue
		}
		if (c.Password != "" || c.APIKey != "" || u.User != nil) && !mail.Loopback(u.Hostname()) {
			all = append(all, fmt.Sprintf("the account for Elasticsearch goes to %s in the clear: others on the network can read it; https is what protects it", u.Host))
		}
		if c.Trust.File != "" {
			all = append(all, fmt.Sprintf("%s is not used for %s, which is spoken to over http", c.Trust.File, u.Host))
		}
	}
	return all
}
