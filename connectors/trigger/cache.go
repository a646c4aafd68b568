package trigger

import (
	"crypto/sha256"
	"sync"
)

// Cache keeps triggers that were read of late, whose patterns and expressions take long to make, for every event. It is safe for
// concurrent use; the zero value is ready.
type Cache struct {
	mu   sync.Mutex
	kept map[[sha256.Size]byte]*Trigger // by what it was read from
}

// keptAtMost bounds what is kept. Who has more triggers than this has them read anew now and then.
const keptAtMost = 1000

// Read is Read, done at most once while the trigger is kept. What cannot be read is not kept.
func (c *Cache) Read(name string, data []byte) (*Trigger, error) {
	key := digest(name, data)
	c.mu.Lock()
	t, ok := c.kept[key]
	c.mu.Unlock()
	if ok {
		return t, nil
	}
	t, err := Read(name, data)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept == nil || len(c.kept) >= keptAtMost {
		c.kept = map[[sha256.Size]byte]*Trigger{}
	}
	c.kept[key] = t
	return t, nil
}

// digest is of both: the name stands in warnings, and one that is longer cannot pass for the beginning of a file.
func digest(name string, data []byte) (key [sha256.Size]byte) {
	h := sha256.New()
	h.Write([]byte(name))
	h.Write([]byte{0})
	h.Write(data)
	h.Sum(key[:0])
	return key
}
