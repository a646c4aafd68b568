package sql

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgtype"
)

// limitError is a result that is over a bound.
type limitError struct{ text string }

func (e *limitError) Error() string { return e.text }

// columnsError are columns that an object cannot hold.
type columnsError struct{ text string }

func (e *columnsError) Error() string { return e.text }

// rows runs a statement and takes its rows. abandon is called when the rest of them is not wanted, before they are closed, which would fetch it.
func (c *connector) rows(ctx context.Context, tx *sql.Tx, s statement, abandon func()) (map[string]any, error) {
	rows, err := tx.QueryContext(ctx, s.text, s.args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	list, err := c.take(rows)
	if err != nil {
		abandon()
		return nil, err
	}
	return map[string]any{"result": list, "rowCount": int64(len(list))}, nil
}

func (c *connector) take(rows *sql.Rows) ([]any, error) {
	types, err := rows.ColumnTypes()
	if err != nil {
		return nil, err
	}
	if err := distinct(types); err != nil {
		return nil, err
	}
	list := []any{}
	size := 0
	values, targets := make([]any, len(types)), make([]any, len(types))
	for i := range values {
		targets[i] = &values[i]
	}
	arrays := pgtype.NewMap()
	for rows.Next() {
		if len(list) == c.config.maxRows {
			return nil, &limitError{fmt.Sprintf("there are more than %d rows: narrow the query, add LIMIT, or raise SQL_MAX_ROWS", c.config.maxRows)}
		}
		if err := rows.Scan(targets...); err != nil {
			return nil, err
		}
		row := make(map[string]any, len(types))
		for i, t := range types {
			if row[t.Name()], err = valueOf(values[i], strings.ToUpper(t.DatabaseTypeName()), c.config.dialect, arrays); err != nil {
				return nil, fmt.Errorf("column %s: %w", t.Name(), err)
			}
		}
		text, err := json.Marshal(row)
		if err != nil {
			return nil, err
		}
		if size += len(text) + 1; size > c.config.maxBytes {
			return nil, &limitError{fmt.Sprintf("the result takes more than %d bytes: ask for fewer rows or columns, or raise SQL_MAX_BYTES", c.config.maxBytes)}
		}
		list = append(list, row)
	}
	return list, rows.Err()
}

func distinct(types []*sql.ColumnType) error {
	var names []string
	for _, t := range types {
		if slices.Contains(names, t.Name()) {
			return &columnsError{fmt.Sprintf("the result has two columns %s: name one of them otherwise with AS", t.Name())}
		}
		names = append(names, t.Name())
	}
	return nil
}
