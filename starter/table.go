package main

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

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

// readTable reads a file, or in for "-". Columns may be separated by semicolons, as Excel does it where the comma is for fractions, or by
// tabs.
func readTable(in io.Reader, name, what string) (*csvTable, error) {
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", what, err)
		}
		defer file.Close()
		in = file
	}
	data, err := readAtMost(in, name, maxImport)
	if err != nil {
		return nil, err
	}
	data = bytes.TrimPrefix(data, byteOrderMark)
	if line := notUTF8(data); line > 0 {
		return nil, fmt.Errorf("%s: line %d: this is not UTF-8: save the table as \"CSV UTF-8\", or convert it, such as with iconv -f WINDOWS-1252 -t UTF-8", name, line)
	}
	rows := csv.NewReader(bytes.NewReader(data))
	head, _, _ := bytes.Cut(data, []byte("\n"))
	if i := bytes.IndexAny(head, ",;\t"); i >= 0 {
		rows.Comma = rune(head[i])
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

// readAtMost reads what is called name to its end. What is longer than so many bytes is an error, and never cut off.
func readAtMost(in io.Reader, name string, most int) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(in, int64(most)+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if len(data) > most {
		return nil, fmt.Errorf("%s: more than %d bytes", name, most)
	}
	return data, nil
}

// notUTF8 is the first line with bytes that are no UTF-8; 0: there is none.
func notUTF8(data []byte) int {
	n := 0
	for line := range bytes.Lines(data) {
		if n++; !utf8.Valid(line) {
			return n
		}
	}
	return 0
}

// known checks that the columns are known, in small or capital letters, each once, and that one of them is there.
func (t *csvTable) known(needed string, known []string) error {
	same := func(name string) func(string) bool {
		return func(other string) bool { return strings.EqualFold(name, strings.TrimSpace(other)) }
	}
	if !slices.ContainsFunc(t.columns, same(needed)) {
		return fmt.Errorf("%s: line 1: a column %s is expected", t.name, needed)
	}
	for i, column := range t.columns {
		column = strings.TrimSpace(column)
		at := slices.IndexFunc(known, same(column))
		if at < 0 {
			return fmt.Errorf("%s: line 1: column %q is unknown%s", t.name, column, suggest.Hint(column, known))
		}
		t.columns[i] = known[at]
		if slices.Contains(t.columns[:i], known[at]) {
			return fmt.Errorf("%s: line 1: column %s is there twice", t.name, known[at])
		}
	}
	return nil
}
