package configuration

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// entry is a setting as a file has it.
type entry struct {
	name, text string
	line       int
}

// maxFile bounds a file in bytes, and with it how deep YAML nests.
const maxFile = 256 << 10

// readFile reads the settings of a file. Errors name the file, and the line where it is known.
func readFile(file string) ([]entry, error) {
	data, err := read(file)
	if err != nil {
		return nil, err
	}
	var entries []entry
	switch strings.ToLower(filepath.Ext(file)) {
	case ".properties":
		entries, err = readProperties(decode(data))
	case ".yaml", ".yml":
		entries, err = readYAML(data)
	default:
		return nil, fmt.Errorf("%s: a name that ends in .properties, .yaml or .yml is expected", file)
	}
	if err != nil {
		return nil, fmt.Errorf("%s:%w", file, err)
	}
	return entries, nil
}

func read(file string) ([]byte, error) {
	info, err := os.Stat(file)
	if err == nil && info.Size() > maxFile {
		err = fmt.Errorf("%s: it has %d bytes, at most %d are read", file, info.Size(), maxFile)
	}
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	return data, nil
}
