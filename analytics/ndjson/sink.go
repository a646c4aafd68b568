// Package ndjson writes the documents of events to files, one a line, for programs that ship lines elsewhere, such as Filebeat, Vector or
// Logstash.
//
// A file is of one day (UTC) and one process at a time: DAY-HOST-NNN.ndjson. A process takes the first file of its host and day that no
// other one holds (by a lock of the kernel, which ends with the process) and that has room, and appends to it. A write is done when its
// lines are on the disk. Of one that was cut off, by a crash or a full disk, the last line may lack its end: such a line is cut away before
// anything is appended, and when a process opens the folder; until then no reader of whole lines sees it. Its document was not done, and
// comes again. So a document may stand in the files more than once; of those with the same documentId the one with the highest
// documentVersion counts.
//
// Files are never changed otherwise, and never deleted: that is for whoever ships them.
package ndjson

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"time"

	"github.com/waybill-io/waybill/analytics"
	"github.com/waybill-io/waybill/events"
)

// DefaultSize is how large a file becomes, in bytes.
const DefaultSize = 100 << 20

// Config says where files go.
type Config struct {
	Folder string // made when it is missing
	Size   int64  // from here on the next file is begun; 0: DefaultSize
	Names  analytics.Names
}

// Check tells what is wrong. It changes nothing.
func (c Config) Check() error {
	if c.Folder == "" {
		return errors.New("the folder for the files is not set")
	}
	if info, err := os.Stat(c.Folder); err == nil && !info.IsDir() {
		return fmt.Errorf("%s is no folder", c.Folder)
	}
	if c.Size < 0 {
		return errors.New("the size of files must not be below 0")
	}
	return c.Names.Check()
}

// Sink appends to files. It is safe for several goroutines.
type Sink struct {
	config Config
	host   string
	now    func() time.Time

	mu   sync.Mutex
	file *file // nil: none is open
}

// Open makes the folder, and cuts away what processes of this host left unfinished in it.
func Open(c Config) (*Sink, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	c.Size = cmp.Or(c.Size, DefaultSize)
	if err := os.MkdirAll(c.Folder, 0o750); err != nil {
		return nil, fmt.Errorf("make the folder of event files: %w", err)
	}
	host, err := os.Hostname()
	if err != nil {
		return nil, fmt.Errorf("name event files: %w", err)
	}
	s := &Sink{config: c, host: unclean.ReplaceAllString(host, "-"), now: time.Now}
	return s, s.repairAll()
}

// unclean is what stays out of names of files.
var unclean = regexp.MustCompile(`[^A-Za-z0-9._]+`)

// line is a document with what an index must know of it.
type line struct {
	ID      string `json:"documentId"`
	Index   string `json:"documentIndex"`   // such as activiti-tasks
	Version int64  `json:"documentVersion"` // the higher one is later
	Error   string `json:"documentError,omitempty"`
	*events.Document
}

// Write appends documents, and returns when they are on the disk. A document that cannot be written as JSON is Dead, and its line says why.
// After an error try all again.
func (s *Sink) Write(ctx context.Context, documents []events.Document) (analytics.Written, error) {
	var written analytics.Written
	var b bytes.Buffer
	for i := range documents {
		d := &documents[i]
		l := line{ID: analytics.ID(d), Index: s.config.Names.Alias(d.Tenant, d.Index()), Version: d.Version(), Document: d}
		text, err := json.Marshal(l)
		if err != nil {
			l.Error, l.Document = err.Error(), nil
			if text, err = json.Marshal(l); err != nil {
				return written, fmt.Errorf("write document %s: %w", l.ID, err)
			}
			written.Dead++
		} else {
			written.New++
		}
		b.Write(text)
		b.WriteByte('\n')
	}
	if b.Len() == 0 {
		return written, nil
	}
	if err := ctx.Err(); err != nil {
		return analytics.Written{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.append(b.Bytes()); err != nil {
		return analytics.Written{}, fmt.Errorf("write %d documents: %w", len(documents), err)
	}
	return written, nil
}

// append appends lines to the file of today.
func (s *Sink) append(lines []byte) error {
	day := s.now().UTC().Format(time.DateOnly)
	if s.file != nil && (s.file.day != day || s.file.size >= s.config.Size || !s.file.there()) {
		if err := s.close(); err != nil {
			return err
		}
	}
	if s.file == nil {
		f, err := s.take(day)
		if err != nil {
			return err
		}
		s.file = f
	}
	if err := s.file.append(lines); err != nil {
		return errors.Join(err, s.close()) // the next write looks for what was left
	}
	return nil
}

// take finds the first file of a day that is free and has room.
func (s *Sink) take(day string) (*file, error) {
	for n := 1; ; n++ {
		f, err := open(filepath.Join(s.config.Folder, fmt.Sprintf("%s-%s-%03d%s", day, s.host, n, extension)), true)
		if err != nil {
			return nil, err
		}
		if f == nil {
			continue
		}
		if f.size < s.config.Size {
			f.day = day
			return f, nil
		}
		if err := f.close(); err != nil {
			return nil, err
		}
	}
}

const extension = ".ndjson"

// repairAll cuts away unfinished lines in the files of this host that nobody holds. Those of other hosts are let be: on a shared disk
// their locks may not be seen here.
func (s *Sink) repairAll() error {
	names, err := filepath.Glob(filepath.Join(s.config.Folder, "*-"+s.host+"-*"+extension))
	if err != nil {
		return fmt.Errorf("look for event files: %w", err)
	}
	for _, name := range names {
		f, err := open(name, false)
		if err != nil {
			return err
		}
		if f != nil {
			if err := f.close(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Sink) close() error {
	f := s.file
	s.file = nil
	if f == nil {
		return nil
	}
	return f.close()
}

// Close lets go of the file.
func (s *Sink) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.close()
}
