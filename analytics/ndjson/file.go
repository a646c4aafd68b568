package ndjson

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
)

// file is one that this process holds.
type file struct {
	*os.File
	lock *flock.Flock
	day  string
	size int64
}

// open takes a file, and cuts away an unfinished line. It is nil when another one holds it, or when it is not there and is not to be made.
func open(name string, create bool) (f *file, err error) {
	flags := os.O_RDWR | os.O_APPEND
	_, missing := os.Stat(name)
	if create {
		flags |= os.O_CREATE
	}
	opened, err := os.OpenFile(name, flags, 0o640)
	if !create && errors.Is(err, fs.ErrNotExist) { // whoever ships has taken it away
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open event file: %w", err)
	}
	f = &file{File: opened, lock: flock.New(name)}
	held, err := f.lock.TryLock()
	if err == nil && held && !f.there() {
		held = false // it was taken away meanwhile, and what is locked is another one
	}
	if err == nil && held {
		if errors.Is(missing, fs.ErrNotExist) {
			err = syncFolder(filepath.Dir(name))
		}
		if err == nil {
			err = f.repair()
		}
	}
	if err != nil {
		return nil, fmt.Errorf("take event file %s: %w", name, errors.Join(err, f.close()))
	}
	if !held {
		return nil, f.close()
	}
	return f, nil
}

// there tells whether the file still has its name.
func (f *file) there() bool {
	named, err := os.Stat(f.Name())
	if err != nil {
		return false
	}
	held, err := f.Stat()
	return err == nil && os.SameFile(named, held)
}

// syncFolder has a new name in a folder outlive a crash of the machine.
func syncFolder(name string) error {
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// repair cuts away what follows the last line end.
func (f *file) repair() error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	f.size = info.Size()
	end := int64(0)
	block := make([]byte, 64<<10)
	for from := f.size; from > 0 && end == 0; {
		n := min(from, int64(len(block)))
		from -= n
		if _, err := f.ReadAt(block[:n], from); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if i := bytes.LastIndexByte(block[:n], '\n'); i >= 0 {
			end = from + int64(i) + 1
		}
	}
	if end == f.size {
		return nil
	}
	return f.cut(end)
}

func (f *file) cut(end int64) error {
	if err := f.Truncate(end); err != nil {
		return err
	}
	f.size = end
	return f.Sync()
}

// append writes lines and waits for the disk. What was written of them in vain is cut away.
func (f *file) append(lines []byte) error {
	_, err := f.Write(lines)
	if err == nil {
		err = f.Sync()
	}
	if err != nil {
		return errors.Join(err, f.cut(f.size))
	}
	f.size += int64(len(lines))
	return nil
}

func (f *file) close() error { return errors.Join(f.File.Close(), f.lock.Close()) }
