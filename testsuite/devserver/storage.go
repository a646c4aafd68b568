package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/metrics"
	"go.temporal.io/server/common/persistence/sql"
	"go.temporal.io/server/common/persistence/sql/sqlplugin"
	"go.temporal.io/server/common/persistence/sql/sqlplugin/sqlite"
	"go.temporal.io/server/common/resolver"
	schema "go.temporal.io/server/schema/sqlite"
	"google.golang.org/protobuf/types/known/durationpb"
)

// retention is how long a namespace created here keeps workflows that have ended: long enough to look at last month's
// runs in a database file.
const retention = 30 * 24 * time.Hour

// storage names the database. The attributes are SQLite's own pragma names: the server's plugin adds what the driver
// needs, and ignores without a word what it does not know.
func (o *options) storage() *config.SQL {
	c := &config.SQL{PluginName: sqlite.PluginName}
	if o.dbFile == "" {
		c.DatabaseName = "devserver"
		c.ConnectAttributes = map[string]string{"mode": "memory", "cache": "shared"}
		return c
	}
	c.DatabaseName = o.dbFile
	c.ConnectAttributes = map[string]string{
		"mode":         "rwc",
		"journal_mode": "wal",       // twice as fast as the default
		"synchronous":  "normal",    // survives kill -9; a power cut may cost the last moments, never the file
		"locking_mode": "exclusive", // two servers on one file would ruin each other's work
	}
	return c
}

// prepare creates the schema in a new file and the namespaces that are missing. Search attributes are given to
// namespaces that it creates; others get theirs through the operator API, as on any server.
func prepare(c *config.SQL, namespaces []string, attributes map[string]enumspb.IndexedValueType) error {
	if c.ConnectAttributes["mode"] != "memory" { // the plugin sets a memory database up by itself
		if err := createSchema(c); err != nil {
			if strings.Contains(err.Error(), "database is locked") {
				err = errors.New("another server uses it")
			}
			return fmt.Errorf("open database %s (--db-filename): %w", c.DatabaseName, err)
		}
	}
	var configs []*schema.NamespaceConfig
	for _, name := range namespaces {
		n, err := schema.NewNamespaceConfig(clusterName, name, false, attributes)
		if err != nil {
			return fmt.Errorf("namespace %q: %w", name, err)
		}
		n.Detail.Config.Retention = durationpb.New(retention)
		configs = append(configs, n)
	}
	if err := schema.CreateNamespaces(c, configs...); err != nil {
		return fmt.Errorf("create namespaces: %w", err)
	}
	return nil
}

// createSchema works in one transaction: a start that is killed half-way leaves a file that the next start can use.
func createSchema(c *config.SQL) error {
	db, err := sql.NewSQLAdminDB(sqlplugin.DbKindUnknown, c, resolver.NewNoopResolver(), log.NewNoopLogger(), metrics.NoopMetricsHandler)
	if err != nil {
		return err
	}
	defer db.Close()
	err = db.Exec("SELECT 1 FROM namespaces LIMIT 1")
	if err == nil || !strings.Contains(err.Error(), "no such table") {
		return err
	}
	// The plugin holds exactly one connection to SQLite, so that these statements meet on it.
	if err := db.Exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	if err := schema.SetupSchemaOnDB(db); err != nil {
		return errors.Join(err, db.Exec("ROLLBACK"))
	}
	return db.Exec("COMMIT")
}
