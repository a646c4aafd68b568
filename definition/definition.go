// Package definition turns deployed definitions, as they travel in histories, into models that run, and keeps the models
// of late. It is pure: a definition always gives the same model.
package definition

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"sync"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/bpmn"
)

// maxModel bounds a model after decompression: what bpmn.Parse accepts at most.
const maxModel = 10 << 20

// Compress packs the XML of a model, or a state. The same text gives the same bytes.
func Compress(text []byte) ([]byte, error) {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(text); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// Digest is the identity of a definition: the SHA-256 of all that it holds but its version and the digest itself.
func Digest(d contract.Definition) (string, error) {
	d.Version, d.Digest = 0, ""
	text, err := json.Marshal(d) // maps are written in order of their keys
	if err != nil {
		return "", fmt.Errorf("digest of process %q: %w", d.Key, err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

// Decompress unpacks what Compress packed, up to 10 MiB.
func Decompress(packed []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(z, maxModel+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxModel {
		return nil, fmt.Errorf("it is larger than %d bytes", maxModel)
	}
	return text, nil
}

// Parse reads the process of a definition.
func Parse(d contract.Definition) (*bpmn.Process, error) {
	xml, err := Decompress(d.Model)
	if err != nil {
		return nil, fmt.Errorf("process %q: unpack model: %w", d.Key, err)
	}
	model, err := bpmn.Parse(d.File, xml, bpmn.Options{Extensions: d.Extensions, MapDefault: bpmn.MapDefault(d.MapDefault), Uncaught: bpmn.Uncaught(d.Uncaught)})
	if err != nil {
		return nil, fmt.Errorf("process %q: %w", d.Key, err)
	}
	for _, p := range model.Processes {
		if p.ID == d.Key {
			return p, nil
		}
	}
	return nil, fmt.Errorf("process %q: its model holds no process of this id", d.Key)
}

// Cache keeps parsed processes by digest. It is safe for concurrent use; the zero value is ready.
type Cache struct {
	mu        sync.Mutex
	processes map[string]*bpmn.Process
}

// cacheSize bounds a Cache. A worker that runs more versions than this parses now and then.
const cacheSize = 1000

// Process returns the process of a definition, parsed at most once while it is kept.
func (c *Cache) Process(d contract.Definition) (*bpmn.Process, error) {
	c.mu.Lock()
	p := c.processes[d.Digest]
	c.mu.Unlock()
	if p != nil {
		return p, nil
	}
	p, err := Parse(d)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.processes == nil || len(c.processes) >= cacheSize {
		c.processes = map[string]*bpmn.Process{}
	}
	c.processes[d.Digest] = p
	return p, nil
}
