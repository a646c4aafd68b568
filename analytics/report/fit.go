package report

import (
	"encoding/json"
	"errors"
	"fmt"
)

// Encode writes a result as JSON of at most so many bytes. Where it is larger the longest tables are cut, which the notes say.
func Encode(r Result, limit int) ([]byte, error) {
	cut := false
	for {
		text, err := json.Marshal(r)
		if err != nil {
			return nil, fmt.Errorf("write the report %s: %w", r.Report, err)
		}
		if len(text) <= limit {
			return text, nil
		}
		if !cut {
			r.Notes = append(append([]string{}, r.Notes...), fmt.Sprintf("The report is larger than %d bytes: long tables were cut off.", limit))
			r.Elements = append([]Element{}, r.Elements...)
			cut = true
		}
		if err := halve(r.Elements); err != nil {
			return nil, fmt.Errorf("write the report %s: %w", r.Report, err)
		}
	}
}

// halve makes the table that takes most space shorter.
func halve(elements []Element) error {
	at, most := -1, 0
	for i, e := range elements {
		text, err := json.Marshal(e)
		if err != nil {
			return err
		}
		if len(e.Rows) > 0 && len(text) > most {
			at, most = i, len(text)
		}
	}
	if at < 0 {
		return errors.New("it is too large, also without tables")
	}
	e := &elements[at]
	e.Rows = e.Rows[:len(e.Rows)/2]
	if e.DetailTables != nil {
		e.DetailTables = e.DetailTables[:len(e.Rows)]
	}
	return nil
}
