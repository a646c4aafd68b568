package sql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"

	"github.com/jackc/pgx/v5/stdlib"
)

// resetSession does what PostgreSQL's manual says DISCARD ALL does, but for plans and prepared statements: pgx relies on those.
const resetSession = "CLOSE ALL; SET SESSION AUTHORIZATION DEFAULT; RESET ALL; UNLISTEN *; SELECT pg_advisory_unlock_all(); DISCARD TEMP; DISCARD SEQUENCES"

// begin begins a transaction in a session that nothing is left in from another call. end rolls back what is not committed and leaves
// nothing in it either: settings, locks and temporary tables outlive transactions, and even a SELECT may make some.
func (c *connector) begin(ctx context.Context, options *sql.TxOptions) (conn *sql.Conn, tx *sql.Tx, end func(), err error) {
	conn, err = c.db.Conn(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	tx, err = conn.BeginTx(ctx, options)
	if err != nil {
		_ = conn.Close()
		return nil, nil, nil, err
	}
	return conn, tx, func() {
		_ = tx.Rollback()
		_ = conn.Raw(func(session any) error { return clean(ctx, session) })
		_ = conn.Close()
	}, nil
}

// clean returns driver.ErrBadConn for a session that must not be used again. MariaDB's driver cannot reset a session, and no statement
// does: a new one takes a few milliseconds.
func clean(ctx context.Context, session any) error {
	p, ok := session.(*stdlib.Conn)
	if !ok {
		return driver.ErrBadConn
	}
	if err := p.Conn().PgConn().Exec(ctx, resetSession).Close(); err != nil {
		return fmt.Errorf("reset the session: %w", driver.ErrBadConn)
	}
	return nil
}
