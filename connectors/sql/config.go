package sql

import (
	"crypto/tls"
	"crypto/x509"
	"regexp"
	"strings"
	"time"

	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/mail"
)

// config is where the database is and what bounds there are.
type config struct {
	dialect        dialect
	host           string
	port           int
	database       string
	username       string
	password       mail.Secret
	tls            *tls.Config // nil: in the clear
	maxConnections int
	maxRows        int
	maxBytes       int
	table          string // of calls; "": none
	timeout        time.Duration
}

// frame is what outputs take beside the rows, in bytes of JSON at most: a result that fits is bounded before the commit.
const frame = 1 << 10

// identifier is the name of a table, with or without that of its schema.
var identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)?$`)

// settings reads the settings of an instance; what is wrong is told by them.
func settings(s *connectors.Settings, timeout time.Duration) config {
	c := config{
		host: s.Text("SQL_HOST"), database: s.Text("SQL_DATABASE"), username: s.Text("SQL_USERNAME"), password: s.Secret("SQL_PASSWORD"),
		maxConnections: s.Int("SQL_MAX_CONNECTIONS", 10, 1, 1000),
		maxRows:        s.Int("SQL_MAX_ROWS", 1000, 1, 100_000),
		maxBytes:       s.Int("SQL_MAX_BYTES", 256<<10, 1<<10, connectors.MaxOutputs-frame),
		table:          s.Text("SQL_IDEMPOTENCY_TABLE"),
		timeout:        timeout,
	}
	otherwise := 5432
	switch driver := s.Text("SQL_DRIVER"); driver {
	case "postgres", "":
	case "mariadb":
		c.dialect, otherwise = mariadb, 3306
	default:
		s.Errorf("SQL_DRIVER", "%q is neither postgres nor mariadb", driver)
	}
	c.port = s.Int("SQL_PORT", otherwise, 1, 65535)
	if c.table != "" && !identifier.MatchString(c.table) {
		s.Errorf("SQL_IDEMPOTENCY_TABLE", "%q is not the name of a table such as waybill_calls, or of a schema and a table", c.table)
	}
	c.tls = security(s, c.host)
	return c
}

func security(s *connectors.Settings, host string) *tls.Config {
	mode := s.Text("SQL_TLS")
	if mode == "" && mail.Loopback(host) {
		mode = "off"
	}
	switch mode {
	case "off":
		return nil
	case "", "verify":
	default:
		s.Errorf("SQL_TLS", "%q is neither verify nor off", mode)
	}
	var authorities mail.Authorities
	pool, err := authorities.Of(s.Text("SQL_CA"))
	if err != nil {
		s.Errorf("SQL_CA", "%w", err)
		pool = x509.NewCertPool()
	}
	return &tls.Config{ServerName: host, RootCAs: pool, MinVersion: tls.VersionTLS12}
}

// quotedTable is the table of calls as a statement names it.
func (c config) quotedTable() string {
	quote := `"`
	if c.dialect == mariadb {
		quote = "`"
	}
	return quote + strings.ReplaceAll(c.table, ".", quote+"."+quote) + quote
}

// createTable is how an administrator makes the table of calls.
func (c config) createTable() string {
	if c.dialect == mariadb {
		return "CREATE TABLE " + c.quotedTable() + " (idempotency_key char(64) CHARACTER SET ascii PRIMARY KEY, " +
			"at timestamp NOT NULL DEFAULT current_timestamp(), result mediumtext CHARACTER SET utf8mb4) ENGINE=InnoDB"
	}
	return "CREATE TABLE " + c.quotedTable() + " (idempotency_key text PRIMARY KEY, at timestamptz NOT NULL DEFAULT now(), result text)"
}
