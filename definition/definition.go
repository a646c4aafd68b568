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
	"strconv"
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
	return readAll(z)
}

func readAll(r io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxModel+1))
	if err == nil && len(text) > maxModel {
		err = fmt.Errorf("it is larger than %d bytes", maxModel)
	}
	return text, err
}

// Parse reads the process of a definition, as a version of the engine's behaviour reads it; 0: the newest.
func Parse(d contract.Definition, engine int) (*bpmn.Process, error) {
	xml, err := Decompress(d.Model)
	if err != nil {
		return nil, fmt.Errorf("process %q: unpack model: %w", d.Key, err)
	}
	return parse(d, xml, engine)
}

func parse(d contract.Definition, xml []byte, engine int) (*bpmn.Process, error) {
	model, err := bpmn.Parse(d.File, xml, bpmn.Options{
		Extensions: d.Extensions, MapDefault: bpmn.MapDefault(d.MapDefault), Uncaught: bpmn.Uncaught(d.Uncaught), Behaviour: engine,
	})
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

// Cache keeps what was made of definitions of late. It is safe for concurrent use; the zero value is ready.
type Cache struct {
	processes kept[*bpmn.Process] // by digest and version of the engine's behaviour
	packed    kept[[]byte]        // by digest
	unpacked  kept[*Unpacked]     // by packed definition and version of the engine's behaviour
}

// Process is Parse, done at most once while the result is kept.
func (c *Cache) Process(d contract.Definition, engine int) (*bpmn.Process, error) {
	return c.processes.get(strconv.Itoa(engine)+"/"+d.Digest, func() (*bpmn.Process, error) { return Parse(d, engine) })
}

// Pack is Pack, done at most once while the result is kept.
func (c *Cache) Pack(d contract.Definition) ([]byte, error) {
	return c.packed.get(d.Digest, func() ([]byte, error) { return Pack(d) })
}

// Unpack is Unpack, done at most once while the result is kept.
func (c *Cache) Unpack(packed []byte, engine int) (*Unpacked, error) {
	return c.unpacked.get(strconv.Itoa(engine)+"/"+string(packed), func() (*Unpacked, error) { return Unpack(packed, engine) })
}

// kept are values of late by key.
type kept[T any] struct {
	mu     sync.Mutex
	values map[string]T
}

// keptAtMost bounds what is kept of a sort. A worker that runs more versions than this makes them anew now and then.
const keptAtMost = 1000

func (k *kept[T]) get(key string, build func() (T, error)) (T, error) {
	k.mu.Lock()
	v, ok := k.values[key]
	k.mu.Unlock()
	if ok {
		return v, nil
	}
	v, err := build()
	if err != nil {
		return v, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.values == nil || len(k.values) >= keptAtMost {
		k.values = map[string]T{}
	}
	k.values[key] = v
	return v, nil
}
