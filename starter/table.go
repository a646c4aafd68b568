package main

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/waybill-io/waybill/connectors/suggest"
)

// maxImport bounds a table, in bytes.
const maxImport = 64 << 20

// byteOrderMark is what Windows puts before text in UTF-8.
var byteOrderMark = []byte("\ufeff")

// csvTable is a table that was read (RFC 4180): the first line names the columns.
type csvTable struct {
	name    string
	columns []string
	rows    [][]string
	lines   []int // of the rows
}

// readTable reads a file, or in for "-". Columns may be separated by semicolons, as Excel does it where the comma is for fractions.
func readTable(in io.Reader, name, what string) (*csvTable, error) {
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", what, err)
		}
		defer file.Close()
		in = file
	}
	data, err := io.ReadAll(io.LimitReader(in, maxImport))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", what, err)
	}
	data = bytes.TrimPrefix(data, byteOrderMark)
	rows := csv.NewReader(bytes.NewReader(data))
	if head, _, _ := bytes.Cut(data, []byte("\n")); bytes.ContainsRune(head, ';') && !bytes.ContainsRune(head, ',') {
		rows.Comma = ';'
	}
	t := &csvTable{name: name}
	if t.columns, err = rows.Read(); err != nil {
		return nil, fmt.Errorf("%s: a first line with the names of the columns is expected: %w", name, err)
	}
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return t, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		line, _ := rows.FieldPos(0)
		t.rows, t.lines = append(t.rows, row), append(t.lines, line)
	}
}

// known checks that the columns are known and that one of them is there.
func (t *csvTable) known(needed string, known []string) error {
	if !slices.Contains(t.columns, needed) {
		return fmt.Errorf("%s: line 1: a column %s is expected", t.name, needed)
	}
	for _, column := range t.columns {
		if !slices.Contains(known, column) {
			return fmt.Errorf("%s: line 1: column %q is unknown%s", t.name, column, suggest.Hint(column, known))
		}
	}
	return nil
}
