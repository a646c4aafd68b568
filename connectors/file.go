package connectors

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
)

// File is a value of type file: a reference into the blob store, {"name","mediaType","size","uri"}, or a small text
// that travels with the process, {"name","mediaType","text"}.
type File struct {
	Name      string
	MediaType string
	Size      int64 // in bytes; 0: not known
	URI       string
	Text      string // counts when URI is ""
}

// Files opens what a file value refers to. Connectors that read attachments are given one.
type Files interface {
	// Open fails with an error that wraps fs.ErrNotExist when there is no such file. The reader belongs to the caller.
	Open(ctx context.Context, uri string) (io.ReadCloser, error)
}

// FileWriter stores what file values refer to. The Files of a worker is one.
type FileWriter interface {
	// Write stores what fill writes under a URI, whole or not at all, over what was there.
	Write(ctx context.Context, uri, mediaType string, fill func(io.Writer) error) error
}

// ParseFiles reads a value of type file: one file or a list of files.
func ParseFiles(value any) ([]File, error) {
	list, ok := value.([]any)
	if !ok {
		if value == nil || value == "" {
			return nil, nil
		}
		list = []any{value}
	}
	files := make([]File, 0, len(list))
	for i, item := range list {
		file, err := parseFile(item)
		if err != nil {
			return nil, fmt.Errorf("file %d: %w", i+1, err)
		}
		files = append(files, file)
	}
	return files, nil
}

func parseFile(value any) (File, error) {
	fields, ok := value.(map[string]any)
	if !ok {
		return File{}, fmt.Errorf(`a file such as {"name":"a.pdf","mediaType":"application/pdf","uri":"..."} is expected, not %s`, typeOf(value))
	}
	var file File
	for key, target := range map[string]*string{"name": &file.Name, "mediaType": &file.MediaType, "uri": &file.URI, "text": &file.Text} {
		if raw, there := fields[key]; there && raw != nil {
			if *target, ok = raw.(string); !ok {
				return File{}, fmt.Errorf("%s must be text, not %s", key, typeOf(raw))
			}
		}
	}
	_, inline := fields["text"].(string)
	switch {
	case file.Name == "":
		return File{}, errors.New("name is required")
	case file.URI == "" && !inline:
		return File{}, errors.New("uri or text is required")
	case file.URI != "" && inline:
		return File{}, errors.New("has both uri and text; give one")
	}
	switch size := fields["size"].(type) {
	case int64:
		file.Size = size
	case float64:
		file.Size = int64(size)
	}
	if file.Size < 0 {
		return File{}, errors.New("size must not be negative")
	}
	return file, nil
}

// Value is the file as a value of a process.
func (f File) Value() map[string]any {
	value := map[string]any{"name": f.Name, "mediaType": f.MediaType}
	if f.URI == "" {
		value["text"] = f.Text
		return value
	}
	value["size"], value["uri"] = f.Size, f.URI
	return value
}

// Open reads the file, from the store or from its own text.
func (f File) Open(ctx context.Context, files Files) (io.ReadCloser, error) {
	if f.URI == "" {
		return io.NopCloser(strings.NewReader(f.Text)), nil
	}
	if files == nil {
		return nil, fmt.Errorf("opening file %s: there is no blob store", f.Name)
	}
	r, err := files.Open(ctx, f.URI)
	if err != nil {
		return nil, fmt.Errorf("opening file %s: %w", f.Name, err)
	}
	return r, nil
}
