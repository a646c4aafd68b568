package sql

import (
	"errors"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/connectors"
)

// Poolers leave the SQLSTATE out, and MariaDB does in what it says before the account is known.
func TestRefusalsWithoutState(t *testing.T) {
	for name, tc := range map[string]struct {
		err  error
		kind connectors.Kind
		code string
		text string
	}{
		"pooler":             {&pgconn.PgError{Message: "pooler is paused"}, connectors.Retryable, connectors.CodeUnknown, "the database failed"},
		"pooler, short":      {&pgconn.PgError{Code: "0"}, connectors.Retryable, connectors.CodeUnknown, "the database failed (SQLSTATE 0)"},
		"too many":           {&mysql.MySQLError{Number: 1040, Message: "Too many connections"}, connectors.Retryable, codeConnection, "the database has no connection left (error 1040)"},
		"MariaDB, unknown":   {&mysql.MySQLError{Number: 9999}, connectors.Retryable, connectors.CodeUnknown, "the database failed (error 9999)"},
		"MariaDB with state": {&mysql.MySQLError{Number: 1213, SQLState: [5]byte{'4', '0', '0', '0', '1'}}, connectors.Retryable, codeConflict, "another transaction was in the way (error 1213, SQLSTATE 40001)"},
	} {
		t.Run(name, func(t *testing.T) {
			failure := connectors.AsError((&connector{}).classify(t.Context(), errors.Join(tc.err)))
			require.Equal(t, tc.kind, failure.Kind)
			require.Equal(t, tc.code, failure.Code)
			require.Equal(t, tc.text, failure.Public)
		})
	}
}
