package sql

import (
	"database/sql"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// dialTimeout bounds how long a server may take to accept a connection.
const dialTimeout = 15 * time.Second

// open prepares the connections; the first call makes one.
func open(c config) (*sql.DB, error) {
	opener := openPostgres
	if c.dialect == mariadb {
		opener = openMariaDB
	}
	db, err := opener(c)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(c.maxConnections)
	db.SetMaxIdleConns(min(c.maxConnections, 5))
	db.SetConnMaxIdleTime(5 * time.Minute)
	return db, nil
}

// openPostgres takes nothing from the environment: what pgx reads there is written over.
func openPostgres(c config) (*sql.DB, error) {
	p, err := pgx.ParseConfig("host=localhost port=5432 user=none password=none database=none sslmode=disable")
	if err != nil {
		return nil, fmt.Errorf("prepare connections to PostgreSQL: %w", err)
	}
	p.Host, p.Port, p.Database, p.User, p.Password = c.host, uint16(c.port), c.database, c.username, c.password.Reveal()
	p.TLSConfig, p.Fallbacks, p.ConnectTimeout = c.tls, nil, dialTimeout
	p.MaxProtocolMessageBodyLen = 4*c.maxBytes + 64<<10 // of a row; hexadecimal and JSON make values longer, or shorter
	p.RuntimeParams = map[string]string{
		"application_name":            "waybill",
		"client_encoding":             "UTF8",
		"DateStyle":                   "ISO",
		"TimeZone":                    "UTC",
		"standard_conforming_strings": "on", // see scan
		"statement_timeout":           strconv.FormatInt(c.timeout.Milliseconds(), 10),
	}
	return stdlib.OpenDB(*p), nil
}

func openMariaDB(c config) (*sql.DB, error) {
	m := mysql.NewConfig()
	m.Net, m.Addr = "tcp", net.JoinHostPort(c.host, strconv.Itoa(c.port))
	m.DBName, m.User, m.Passwd, m.TLS, m.Timeout = c.database, c.username, c.password.Reveal(), c.tls, dialTimeout
	m.ClientFoundRows = true // as PostgreSQL counts
	m.Logger = &mysql.NopLogger{}
	m.Params = map[string]string{
		"time_zone":          "'+00:00'",
		"sql_mode":           "'STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'", // MariaDB's own; see scan
		"max_statement_time": strconv.FormatFloat(c.timeout.Seconds(), 'f', 3, 64),
	}
	connector, err := mysql.NewConnector(m)
	if err != nil {
		return nil, fmt.Errorf("prepare connections to MariaDB: %w", err)
	}
	return sql.OpenDB(connector), nil
}
