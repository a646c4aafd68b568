package main

import (
	"context"
	stdsql "database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"

	"github.com/waybill-io/waybill/connectors/files"
	restconnector "github.com/waybill-io/waybill/connectors/rest"
	"github.com/waybill-io/waybill/connectors/sql"
	"github.com/waybill-io/waybill/testsuite/mariadb"
	"github.com/waybill-io/waybill/testsuite/postgresql"
)

// arena is the servers that connectors and libraries are compared at.
type arena struct {
	duels []duel
	host  *program
	ends  []func() error
}

func newArena(ctx context.Context) (*arena, error) {
	a := &arena{host: &program{}}
	for _, add := range []func(context.Context) error{a.addREST, a.addPostgreSQL, a.addMariaDB, a.addFiles} {
		if err := add(ctx); err != nil {
			return nil, errors.Join(err, a.end())
		}
	}
	return a, nil
}

func (a *arena) end() error {
	var errs []error
	for _, end := range slices.Backward(a.ends) {
		errs = append(errs, end())
	}
	a.host.end()
	return errors.Join(errs...)
}

func (a *arena) addREST(context.Context) error {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"name":"Chair","pieces":7}`)
	}))
	a.ends = append(a.ends, func() error { server.Close(); return nil })
	c, err := built(restconnector.Template(), map[string]string{"REST_HOST": server.URL})
	if err != nil {
		return err
	}
	a.duels = append(a.duels, duel{
		name: "rest.GET of a JSON object", rival: "net/http, read as JSON", calls: 2000,
		ours: func(ctx context.Context) error {
			_, err := calling(ctx, c, http.MethodGet, map[string]any{"restUrl": "/articles/7"})
			return err
		},
		bare: func(ctx context.Context) error {
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/articles/7", nil)
			if err != nil {
				return err
			}
			answer, err := server.Client().Do(r)
			if err != nil {
				return err
			}
			defer func() { _ = answer.Body.Close() }()
			text, err := io.ReadAll(answer.Body)
			if err != nil {
				return err
			}
			var value any
			return json.Unmarshal(text, &value)
		},
	})
	return nil
}

func (a *arena) addPostgreSQL(ctx context.Context) error {
	s := postgresql.Start(a.host)
	db, err := stdsql.Open("pgx", (&url.URL{
		Scheme: "postgres", User: url.UserPassword(s.Username, s.Password), Host: net.JoinHostPort(s.Host, strconv.Itoa(s.Port)), Path: s.Database, RawQuery: "sslmode=disable",
	}).String())
	if err != nil {
		return err
	}
	return a.addSQL(ctx, db, "PostgreSQL", "$1", map[string]string{
		"SQL_DRIVER": "postgres", "SQL_HOST": s.Host, "SQL_PORT": strconv.Itoa(s.Port), "SQL_DATABASE": s.Database, "SQL_USERNAME": s.Username, "SQL_PASSWORD": s.Password,
	})
}

func (a *arena) addMariaDB(ctx context.Context) error {
	s := mariadb.Start(a.host)
	m := mysql.NewConfig()
	m.Net, m.Addr, m.User, m.Passwd, m.DBName = "tcp", net.JoinHostPort(s.Host, strconv.Itoa(s.Port)), s.Username, s.Password, s.Database
	connector, err := mysql.NewConnector(m)
	if err != nil {
		return err
	}
	return a.addSQL(ctx, stdsql.OpenDB(connector), "MariaDB", "?", map[string]string{
		"SQL_DRIVER": "mariadb", "SQL_HOST": s.Host, "SQL_PORT": strconv.Itoa(s.Port), "SQL_DATABASE": s.Database, "SQL_USERNAME": s.Username, "SQL_PASSWORD": s.Password,
	})
}

func (a *arena) addSQL(ctx context.Context, db *stdsql.DB, name, placeholder string, settings map[string]string) error {
	a.ends = append(a.ends, db.Close)
	for _, s := range []string{"CREATE TABLE articles (id int PRIMARY KEY, name varchar(50))", "INSERT INTO articles VALUES (7, 'Chair')"} {
		if _, err := db.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	c, err := built(sql.Template(), settings)
	if err != nil {
		return err
	}
	query := "SELECT id, name FROM articles WHERE id = "
	a.duels = append(a.duels, duel{
		name: "sql.SELECT of a row of " + name, rival: "database/sql, no transaction", calls: 500,
		ours: func(ctx context.Context) error {
			_, err := calling(ctx, c, "SELECT", map[string]any{"query": query + ":id", "params": map[string]any{"id": int64(7)}})
			return err
		},
		bare: func(ctx context.Context) error {
			var id int
			var article string
			return db.QueryRowContext(ctx, query+placeholder, 7).Scan(&id, &article)
		},
	})
	return nil
}

func (a *arena) addFiles(context.Context) error {
	dir, err := os.MkdirTemp("", "bench-files-")
	if err != nil {
		return err
	}
	a.ends = append(a.ends, func() error { return os.RemoveAll(dir) })
	c, err := built(files.Template(), map[string]string{"FILES_URL": "file://" + filepath.ToSlash(dir) + "/ours?create_dir=true"})
	if err != nil {
		return err
	}
	bucket, err := fileblob.OpenBucket(filepath.Join(dir, "bare"), &fileblob.Options{CreateDir: true, NoTempDir: true})
	if err != nil {
		return err
	}
	a.ends = append(a.ends, bucket.Close)
	text := strings.Repeat("0123456789", 1024)
	a.duels = append(a.duels, duel{
		name: "files.PUT and GET of 10 KiB", rival: "gocloud.dev/blob", calls: 500,
		ours: func(ctx context.Context) error {
			if _, err := calling(ctx, c, "PUT", map[string]any{"key": "a/b", "text": text}); err != nil {
				return err
			}
			outputs, err := calling(ctx, c, "GET", map[string]any{"key": "a/b"})
			if err == nil && outputs["text"] != text {
				err = errors.New("another text came back")
			}
			return err
		},
		bare: func(ctx context.Context) error {
			if err := bucket.WriteAll(ctx, "a/b", []byte(text), &blob.WriterOptions{ContentType: "text/plain; charset=utf-8"}); err != nil {
				return err
			}
			_, err := bucket.ReadAll(ctx, "a/b")
			return err
		},
	})
	return nil
}
