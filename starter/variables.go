package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"strings"

	"github.com/spf13/cobra"
)

// variableFlags are --var and --var-file.
type variableFlags struct {
	pairs []string
	files []string
}

func (v *variableFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&v.pairs, "var", nil, `a variable, name=value: JSON if the value parses as such, else text ('n="12"' is the text 12); may be repeated`)
	cmd.Flags().StringArrayVar(&v.files, "var-file", nil, "a JSON file whose fields are variables (- for standard input); --var wins over it; may be repeated")
}

// maxVariables bounds a variables file: Temporal takes no payload over 2 MB.
const maxVariables = 2 << 20

// read returns the variables of the flags. Numbers keep their digits.
func (v *variableFlags) read(cmd *cobra.Command) (map[string]any, error) {
	all := map[string]any{}
	for _, name := range v.files {
		values, err := readVariables(cmd, name)
		if err != nil {
			return nil, usage(err)
		}
		maps.Copy(all, values)
	}
	for _, pair := range v.pairs {
		name, text, ok := strings.Cut(pair, "=")
		if !ok || name == "" {
			return nil, usage(fmt.Errorf("--var %s: name=value is expected", pair))
		}
		var value any
		if err := decode([]byte(text), &value); err != nil {
			value = text
		}
		all[name] = value
	}
	return all, nil
}

func readVariables(cmd *cobra.Command, name string) (map[string]any, error) {
	in := cmd.InOrStdin()
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("read variables: %w", err)
		}
		defer f.Close()
		in = f
	}
	data, err := io.ReadAll(io.LimitReader(in, maxVariables+1))
	if err != nil {
		return nil, fmt.Errorf("read variables from %s: %w", name, err)
	}
	if len(data) > maxVariables {
		return nil, fmt.Errorf("read variables from %s: more than %d bytes", name, maxVariables)
	}
	var values map[string]any
	if err := decode(data, &values); err != nil {
		return nil, fmt.Errorf("read variables from %s: a JSON object is expected: %w", name, err)
	}
	return values, nil
}

// decode reads exactly one JSON value.
func decode(data []byte, value any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode(value); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return fmt.Errorf("more text after the value")
	}
	return nil
}
