package sql

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/waybill-io/waybill/connectors"
)

// read runs a statement in a read-only transaction, which is rolled back.
func (c *connector) read(ctx context.Context, s statement) (map[string]any, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // of a result that is too large, the rest is not fetched
	_, tx, end, err := c.begin(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	defer end()
	return c.rows(ctx, tx, s, cancel)
}

// write runs a statement in a transaction of its own.
func (c *connector) write(ctx context.Context, call connectors.Call, s statement) (map[string]any, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	conn, tx, end, err := c.begin(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer end()
	key := recordKey(call)
	if c.config.table != "" {
		done, err := c.claim(ctx, tx, key)
		if err != nil {
			return nil, err
		}
		if done {
			_ = tx.Rollback()
			return c.recorded(ctx, conn, key)
		}
	}
	outputs, err := c.change(ctx, tx, call.Action, s, cancel)
	if err != nil {
		return nil, err
	}
	if c.config.table != "" {
		if err := c.record(ctx, tx, key, outputs); err != nil {
			return nil, err
		}
	}
	if err := tx.Commit(); err != nil {
		return nil, fmt.Errorf("commit: %w", err)
	}
	return outputs, nil
}

func (c *connector) change(ctx context.Context, tx *sql.Tx, action string, s statement, abandon func()) (map[string]any, error) {
	if s.returning {
		outputs, err := c.rows(ctx, tx, s, abandon)
		if err == nil && action == actionInsert {
			outputs["insertId"] = nil
		}
		return outputs, err
	}
	// Prepared, since pgx sends a statement without parameters in the protocol that takes several at once.
	prepared, err := tx.PrepareContext(ctx, s.text)
	if err != nil {
		return nil, err
	}
	defer func() { _ = prepared.Close() }()
	result, err := prepared.ExecContext(ctx, s.args...)
	if err != nil {
		return nil, err
	}
	count, err := result.RowsAffected()
	if err != nil {
		return nil, err
	}
	outputs := map[string]any{"result": []any{}, "rowCount": count}
	if action == actionInsert {
		outputs["insertId"] = nil
		if c.config.dialect == mariadb {
			if id, err := result.LastInsertId(); err == nil && id != 0 {
				outputs["insertId"] = id
			}
		}
	}
	return outputs, nil
}

// recordKey is the key of a call in the table: of one length, and without the letters that a collation takes for the same.
func recordKey(call connectors.Call) string {
	sum := sha256.Sum256([]byte(call.Action + "\n" + call.IdempotencyKey))
	return hex.EncodeToString(sum[:])
}

// claim takes the key of a call. It waits for an attempt that is under way, and reports whether the call has been done.
func (c *connector) claim(ctx context.Context, tx *sql.Tx, key string) (done bool, err error) {
	statement := "INSERT INTO " + c.config.quotedTable() + " (idempotency_key) VALUES ($1) ON CONFLICT DO NOTHING"
	if c.config.dialect == mariadb {
		statement = "INSERT INTO " + c.config.quotedTable() + " (idempotency_key) VALUES (?) ON DUPLICATE KEY UPDATE idempotency_key = idempotency_key"
	}
	result, err := tx.ExecContext(ctx, statement, key)
	if err != nil {
		return false, &tableError{err}
	}
	if c.config.dialect == mariadb { // which counts a row that it found as well
		var before *string
		err := tx.QueryRowContext(ctx, "SELECT result FROM "+c.config.quotedTable()+" WHERE idempotency_key = ? FOR UPDATE", key).Scan(&before)
		if err != nil {
			return false, &tableError{err}
		}
		return before != nil, nil
	}
	count, err := result.RowsAffected()
	return count == 0, err
}

func (c *connector) record(ctx context.Context, tx *sql.Tx, key string, outputs map[string]any) error {
	text, err := json.Marshal(outputs)
	if err != nil {
		return err
	}
	statement := "UPDATE " + c.config.quotedTable() + " SET result = $1 WHERE idempotency_key = $2"
	if c.config.dialect == mariadb {
		statement = "UPDATE " + c.config.quotedTable() + " SET result = ? WHERE idempotency_key = ?"
	}
	if _, err := tx.ExecContext(ctx, statement, string(text), key); err != nil {
		return &tableError{err}
	}
	return nil
}

// recorded are the outputs of a call that has been done before.
func (c *connector) recorded(ctx context.Context, conn *sql.Conn, key string) (map[string]any, error) {
	statement := "SELECT result FROM " + c.config.quotedTable() + " WHERE idempotency_key = $1"
	if c.config.dialect == mariadb {
		statement = "SELECT result FROM " + c.config.quotedTable() + " WHERE idempotency_key = ?"
	}
	var text string
	if err := conn.QueryRowContext(ctx, statement, key).Scan(&text); err != nil {
		return nil, &tableError{err}
	}
	value, err := connectors.ReadJSON([]byte(text))
	outputs, ok := value.(map[string]any)
	if err != nil || !ok {
		return nil, &tableError{errors.New("the result of the call is not what was recorded")}
	}
	return outputs, nil
}

// tableError is a failure of the table of calls, which is nothing of the statement's.
type tableError struct{ err error }

func (e *tableError) Error() string { return "table of calls: " + e.err.Error() }
func (e *tableError) Unwrap() error { return e.err }
