package configuration

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// entry is a setting as a file has it.
type entry struct {
	name, text string
	line       int
	nested     bool // a list of lists or maps, which is the value of no setting of ours; charts have such. Without a text
}

// maxFile bounds a file in bytes, and with it how deep YAML nests.
const maxFile = 256 << 10

// readFile reads the settings of a file. Errors name the file, and the line where it is known.
func readFile(file string) ([]entry, error) {
	data, err := read(file)
	if err != nil {
		return nil, err
	}
	if bytes.IndexByte(data, 0) >= 0 || bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) {
		return nil, fmt.Errorf("%s: this is UTF-16, or no text; save it as UTF-8", file)
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff")) // as editors of Windows write
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
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("read the configuration: %s: it is too large: at most %d bytes are read", file, maxFile)
	}
	return data, nil
}
