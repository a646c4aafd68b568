package sql

import (
	"database/sql/driver"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/waybill-io/waybill/connectors"
)

// bind makes of the values of a process what the drivers take. PostgreSQL gets text for numbers and booleans and reads it as the type that the
// statement wants; lists and objects become arrays or JSON there, and JSON in MariaDB.
func bind(values []any, d dialect) ([]any, error) {
	bound := make([]any, len(values))
	for i, value := range values {
		var err error
		if bound[i], err = parameter(value, d); err != nil {
			return nil, fmt.Errorf("params: value %d: %w", i+1, err)
		}
	}
	return bound, nil
}

func parameter(value any, d dialect) (any, error) {
	switch v := value.(type) {
	case nil:
		return nil, nil
	case string:
		if d == postgres && strings.ContainsRune(v, 0) {
			return nil, errors.New("PostgreSQL keeps no null characters")
		}
		return v, nil
	case bool:
		if d == postgres {
			return strconv.FormatBool(v), nil
		}
		return v, nil
	case int:
		return parameter(int64(v), d)
	case int64:
		if d == postgres {
			return strconv.FormatInt(v, 10), nil
		}
		return v, nil
	case float64:
		switch whole := v == math.Trunc(v) && math.Abs(v) < 1<<53; {
		case whole:
			return parameter(int64(v), d)
		case d == postgres:
			return strconv.FormatFloat(v, 'g', -1, 64), nil
		}
		return v, nil
	case []any, map[string]any:
		if d == postgres {
			return value, nil
		}
	default:
		return nil, fmt.Errorf("%T is not a value of a process", value)
	}
	text, err := json.Marshal(value)
	return string(text), err
}

// valueOf makes a value of a process of what a driver gives for a column.
func valueOf(value any, columnType string, d dialect, arrays *pgtype.Map) (any, error) {
	switch v := value.(type) {
	case float32:
		return number(float64(v)), nil
	case float64:
		return number(v), nil
	case uint64:
		if v > math.MaxInt64 {
			return strconv.FormatUint(v, 10), nil
		}
		return int64(v), nil
	case time.Time:
		return moment(v, columnType), nil
	case []byte:
		return content(v, columnType, d)
	case string:
		if element, ok := strings.CutPrefix(columnType, "_"); ok && d == postgres {
			return array(v, element, arrays)
		}
	}
	return value, nil // nil, bool, int64, string
}

// number keeps what JSON has no number for as text.
func number(v float64) any {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	return v
}

// moment is a time as RFC 3339 writes it, without a zone where the column has none.
func moment(t time.Time, columnType string) string {
	switch columnType {
	case "DATE":
		return t.Format(time.DateOnly)
	case "TIMESTAMP":
		return t.Format("2006-01-02T15:04:05.999999")
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// content is what comes as bytes.
func content(v []byte, columnType string, d dialect) (any, error) {
	switch columnType {
	case "JSON", "JSONB":
		return connectors.ReadJSON(v)
	case "BYTEA", "BLOB", "TINYBLOB", "MEDIUMBLOB", "LONGBLOB", "BINARY", "VARBINARY", "GEOMETRY", "VECTOR":
		return base64.StdEncoding.EncodeToString(v), nil
	case "BIT":
		n := uint64(0)
		for _, b := range v {
			n = n<<8 | uint64(b)
		}
		return valueOf(n, "", d, nil)
	case "DATETIME":
		return strings.Replace(string(v), " ", "T", 1), nil
	case "TIMESTAMP":
		return strings.Replace(string(v), " ", "T", 1) + "Z", nil // the session is in UTC
	}
	return string(v), nil
}

// array reads an array of PostgreSQL: {1,2}. Its lower bounds are dropped.
func array(text, element string, types *pgtype.Map) (any, error) {
	known, ok := types.TypeForName("_" + strings.ToLower(element))
	if !ok {
		return text, nil
	}
	if element == "JSON" || element == "JSONB" {
		return elements(known, text, types, func(e *string) (any, error) {
			if e == nil {
				return nil, nil
			}
			return connectors.ReadJSON([]byte(*e))
		})
	}
	return elements(known, text, types, func(e any) (any, error) { return item(e, element, types) })
}

func elements[T any](known *pgtype.Type, text string, types *pgtype.Map, plain func(T) (any, error)) (any, error) {
	var values pgtype.Array[T]
	if err := types.Scan(known.OID, pgtype.TextFormatCode, []byte(text), &values); err != nil {
		return nil, err
	}
	list := make([]any, len(values.Elements))
	for i, e := range values.Elements {
		var err error
		if list[i], err = plain(e); err != nil {
			return nil, err
		}
	}
	for d := len(values.Dims) - 1; d > 0; d-- { // innermost first
		list = grouped(list, int(values.Dims[d].Length))
	}
	return list, nil
}

// item is an element of an array.
func item(value any, columnType string, types *pgtype.Map) (any, error) {
	switch v := value.(type) {
	case nil, bool, string:
		return value, nil
	case int16:
		return int64(v), nil
	case int32:
		return int64(v), nil
	case int64:
		return v, nil
	case uint32:
		return int64(v), nil
	case [16]byte:
		return pgtype.UUID{Bytes: v, Valid: true}.String(), nil
	case pgtype.InfinityModifier:
		return v.String(), nil
	case driver.Valuer:
		plain, err := v.Value()
		if err != nil {
			return nil, err
		}
		return valueOf(plain, columnType, postgres, types)
	case fmt.Stringer:
		if _, isTime := value.(time.Time); !isTime {
			return v.String(), nil
		}
	}
	return valueOf(value, columnType, postgres, types)
}

func grouped(list []any, size int) []any {
	var groups []any
	for size > 0 && len(list) > 0 {
		groups = append(groups, list[:size:size])
		list = list[size:]
	}
	return groups
}
