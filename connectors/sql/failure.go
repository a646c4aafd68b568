package sql

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/waybill-io/waybill/connectors"
)

// Codes of this connector's own, listed in its definition.
const (
	codeSyntax         = "SYNTAX_ERROR"
	codeConstraint     = "CONSTRAINT_VIOLATION"
	codeTooLarge       = connectors.CodeTooLarge
	codeConnection     = "CONNECTION_ERROR"
	codeAuthentication = "AUTHENTICATION_ERROR"
	codeForbidden      = "FORBIDDEN"
	codeConflict       = "CONFLICT"
	codeTimeout        = "TIMEOUT"
)

// refusal is what a database says, of either kind.
type refusal struct {
	state   string // SQLSTATE, five characters; "" when it comes without one, as from poolers and before the log-in
	number  uint16 // MariaDB's own; 0 in PostgreSQL
	message string // which may hold values
	about   string // the constraint, column or table; "" when it does not say
}

// classify turns a failure into the connector's error. What a database says of values and constraints stays out of it, because it quotes
// the values; the rest is the cause.
func (c *connector) classify(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return &connectors.Error{Kind: connectors.Retryable, Code: codeTimeout, Public: "the database did not answer in time; see CALL_TIMEOUT", Err: ctx.Err()}
	}
	if limit := (*limitError)(nil); errors.As(err, &limit) {
		return &connectors.Error{Kind: connectors.BPMN, Code: codeTooLarge, Public: limit.text}
	}
	if tooLong := (*pgproto3.ExceededMaxBodyLenErr)(nil); errors.As(err, &tooLong) {
		return &connectors.Error{Kind: connectors.BPMN, Code: codeTooLarge, Public: "a row is larger than SQL_MAX_BYTES"}
	}
	if columns := (*columnsError)(nil); errors.As(err, &columns) {
		return &connectors.Error{Kind: connectors.BPMN, Code: connectors.CodeInvalidInput, Public: columns.text}
	}
	refused, answered := refusedBy(err)
	if table := (*tableError)(nil); errors.As(err, &table) && answered && (refused.state == "42P01" || refused.state == "42S02") {
		return &connectors.Error{Kind: connectors.Permanent, Code: connectors.CodeNotConfigured,
			Public: fmt.Sprintf("SQL_IDEMPOTENCY_TABLE: there is no table %s; an administrator makes it with: %s", c.config.table, c.config.createTable())}
	}
	if answered {
		return refused.classify()
	}
	return classifyBroken(err)
}

func refusedBy(err error) (refusal, bool) {
	if p := (*pgconn.PgError)(nil); errors.As(err, &p) {
		about := p.ConstraintName
		if about == "" && p.ColumnName != "" {
			about = p.TableName + "." + p.ColumnName
		}
		return refusal{state: p.Code, message: p.Message, about: about}, true
	}
	if m := (*mysql.MySQLError)(nil); errors.As(err, &m) {
		about := ""
		if match := constraintName.FindStringSubmatch(m.Message); match != nil {
			about = match[1] + match[2]
		}
		return refusal{state: strings.Trim(string(m.SQLState[:]), "\x00"), number: m.Number, message: m.Message, about: about}, true
	}
	return refusal{}, false
}

// constraintName finds the constraint in a message of MariaDB, of which a value may be the rest.
var constraintName = regexp.MustCompile("(?s)for key '([^']*)'$|CONSTRAINT `([^`]*)` (?:FOREIGN|failed)")

// Numbers of MariaDB's errors whose SQLSTATE does not tell enough. https://mariadb.com/kb/en/mariadb-error-code-reference/
const (
	mariaDatabaseDenied = 1044
	mariaNoDatabase     = 1049
	mariaBadNull        = 1048
	mariaTooMany        = 1040
	mariaDenied         = 1142
	mariaColumnDenied   = 1143
	mariaRoutineDenied  = 1370
	mariaSpecialDenied  = 1227
	mariaLockWait       = 1205
	mariaTimeout        = 1969
	mariaCheck          = 4025
	mariaOutOfRange     = 1264
	mariaTruncated      = 1265
	mariaIncorrect      = 1366
	mariaCollations     = 1267
	mariaNoDefault      = 1364
)

func (r refusal) classify() error {
	kind, code, public := r.verdict()
	var numbers []string
	if r.number != 0 {
		numbers = append(numbers, fmt.Sprintf("error %d", r.number))
	}
	if r.state != "" {
		numbers = append(numbers, "SQLSTATE "+r.state)
	}
	if len(numbers) > 0 {
		public += " (" + strings.Join(numbers, ", ") + ")"
	}
	failure := &connectors.Error{Kind: kind, Code: code, Public: public}
	if code != codeConstraint && code != connectors.CodeInvalidInput {
		failure.Err = errors.New(r.message)
	}
	return failure
}

func (r refusal) verdict() (connectors.Kind, string, string) {
	about := ""
	if r.about != "" {
		about = " " + r.about
	}
	switch r.number {
	case mariaDenied, mariaColumnDenied, mariaRoutineDenied, mariaSpecialDenied:
		return connectors.Permanent, codeForbidden, "the account may not do this"
	case mariaDatabaseDenied, mariaNoDatabase:
		return connectors.Permanent, codeAuthentication, "the account has no access to the database; see SQL_DATABASE"
	case mariaLockWait, mariaTimeout:
		return connectors.Retryable, codeTimeout, "the statement took too long, or waited too long for a lock"
	case mariaCheck:
		return connectors.BPMN, codeConstraint, "a constraint forbids it" + about
	case mariaOutOfRange, mariaTruncated, mariaIncorrect, mariaCollations:
		return connectors.BPMN, connectors.CodeInvalidInput, "a value does not suit its column"
	case mariaBadNull, mariaNoDefault:
		return connectors.BPMN, codeConstraint, "a column must have a value"
	case mariaTooMany:
		return connectors.Retryable, codeConnection, "the database has no connection left"
	}
	switch r.state {
	case "42501":
		return connectors.Permanent, codeForbidden, "the account may not do this"
	case "57014":
		return connectors.Retryable, codeTimeout, "the statement took too long; see CALL_TIMEOUT"
	case "55P03":
		return connectors.Retryable, codeTimeout, "the statement waited too long for a lock"
	case "P0001", "45000": // RAISE and SIGNAL, in words that somebody wrote to be read
		return connectors.BPMN, codeConstraint, "the database refuses it: " + r.message
	case "25006":
		return connectors.BPMN, connectors.CodeInvalidInput, "the statement would write, which the action SELECT does not"
	}
	switch r.state[:min(2, len(r.state))] { // the class
	case "21", "22":
		return connectors.BPMN, connectors.CodeInvalidInput, "a value does not suit its placeholder or column" + about
	case "23":
		return connectors.BPMN, codeConstraint, "a constraint forbids it:" + about
	case "40":
		return connectors.Retryable, codeConflict, "another transaction was in the way"
	case "42":
		return connectors.BPMN, codeSyntax, "the database does not understand the statement"
	case "28", "3D":
		return connectors.Permanent, codeAuthentication, "the database did not accept the account; see SQL_USERNAME, SQL_PASSWORD and SQL_DATABASE"
	case "08", "53", "57":
		return connectors.Retryable, codeConnection, "the database cannot serve now"
	}
	return connectors.Retryable, connectors.CodeUnknown, "the database failed"
}

// unsuitable finds the parameter that pgx has no way to send as the type that the statement wants.
var unsuitable = regexp.MustCompile(`failed to encode args\[(\d+)\]:.* for (\S+) \(OID`)

// classifyBroken is for what went wrong on the way. The cause is text alone: errors of drivers hold their configuration.
func classifyBroken(err error) error {
	text := err.Error()
	if strings.HasPrefix(text, "failed to encode args") {
		public := "params: a value does not suit its placeholder"
		if match := unsuitable.FindStringSubmatch(text); match != nil {
			public = fmt.Sprintf("params: value %s (counted from 0) does not suit the type %s", match[1], match[2])
		}
		return &connectors.Error{Kind: connectors.BPMN, Code: connectors.CodeInvalidInput, Public: public}
	}
	failure := &connectors.Error{Kind: connectors.Retryable, Code: codeConnection, Public: "there is no connection to the database, or it broke", Err: errors.New(text)}
	certificate := (*tls.CertificateVerificationError)(nil)
	switch {
	case errors.As(err, &certificate):
		failure.Kind, failure.Public = connectors.Permanent, "the certificate of the database server is not trusted; see SQL_CA and SQL_HOST"
	case errors.Is(err, mysql.ErrNoTLS), strings.Contains(text, "server refused TLS connection"):
		failure.Kind, failure.Public = connectors.Permanent, "the database server offers no TLS; set SQL_TLS to off if its network is trusted"
	case errors.Is(err, mysql.ErrCleartextPassword), errors.Is(err, mysql.ErrOldPassword), errors.Is(err, mysql.ErrUnknownPlugin):
		failure.Kind, failure.Code, failure.Public = connectors.Permanent, codeAuthentication, "the account is not of a kind that is supported: a password, checked by SCRAM or as MariaDB does by default"
	}
	return failure
}
