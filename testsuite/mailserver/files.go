package mailserver

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
)

// message is what is known of a message without reading its file. It is
// replaced, never changed: copies of it are handed to sessions.
type message struct {
	uid      imap.UID
	received time.Time
	size     int64
	flags    []imap.Flag
}

// files is one mailbox on disk.
type files struct {
	dir     string
	durable bool
}

func (f files) nameFile() string { return filepath.Join(f.dir, "name") }
func (f files) logFile() string  { return filepath.Join(f.dir, "log") }

func (f files) path(m message) string {
	return filepath.Join(f.dir, fmt.Sprintf("%d-%d.eml", m.uid, m.received.UnixNano()))
}

// add links a complete and synced file into the mailbox.
func (f files) add(source string, m message) error {
	if err := os.Link(source, f.path(m)); err != nil {
		return err
	}
	if f.durable {
		return syncDir(f.dir)
	}
	return nil
}

// append adds lines to the log. Without sync they outlive a kill of the process
// but perhaps not of the machine; that is enough for flags.
func (f files) append(lines []string, sync bool) (err error) {
	log, err := os.OpenFile(f.logFile(), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	if _, err := log.WriteString(strings.Join(lines, "")); err != nil {
		return err
	}
	if sync && f.durable {
		return log.Sync()
	}
	return nil
}

func flagsLine(uid imap.UID, flags []imap.Flag) string {
	return fmt.Sprintf("flags %d %s\n", uid, strings.Join(plain(flags), " "))
}

func goneLine(uid imap.UID) string { return fmt.Sprintf("gone %d\n", uid) }

// load reads the mailbox: its messages by rising UID, and the next UID.
func (f files) load() ([]message, imap.UID, error) {
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		return nil, 0, err
	}
	found := make(map[imap.UID]message)
	next := imap.UID(1)
	for _, entry := range entries {
		var uid imap.UID
		var nanos int64
		if _, err := fmt.Sscanf(entry.Name(), "%d-%d.eml", &uid, &nanos); err != nil {
			continue // The log and the name.
		}
		info, err := entry.Info()
		if err != nil {
			return nil, 0, err
		}
		found[uid] = message{uid: uid, received: time.Unix(0, nanos), size: info.Size()}
		next = max(next, uid+1)
	}
	if next, err = f.replay(found, next); err != nil {
		return nil, 0, err
	}
	byUID := func(a, b message) int { return cmp.Compare(a.uid, b.uid) }
	return slices.SortedFunc(maps.Values(found), byUID), next, nil
}

// replay applies the log to the messages found. A last line that was cut short
// by a crash was never acknowledged and is cut off; every other line counts,
// also those of messages that are gone: their UIDs were used.
func (f files) replay(found map[imap.UID]message, next imap.UID) (imap.UID, error) {
	text, err := os.ReadFile(f.logFile())
	if errors.Is(err, fs.ErrNotExist) {
		return next, nil
	} else if err != nil {
		return 0, err
	}
	complete := text[:bytes.LastIndexByte(text, '\n')+1]
	if len(complete) < len(text) {
		if err := os.Truncate(f.logFile(), int64(len(complete))); err != nil {
			return 0, err
		}
	}
	for line := range strings.Lines(string(complete)) {
		words := strings.Fields(line)
		if len(words) < 2 || words[0] != "flags" && words[0] != "gone" {
			return 0, fmt.Errorf("%s: line %q is neither flags nor gone", f.logFile(), line)
		}
		number, err := strconv.ParseUint(words[1], 10, 32)
		if err != nil {
			return 0, fmt.Errorf("%s: line %q has no UID: %w", f.logFile(), line, err)
		}
		uid := imap.UID(number)
		next = max(next, uid+1)
		m, present := found[uid]
		switch {
		case !present:
		case words[0] == "flags":
			m.flags = nil
			for _, flag := range words[2:] {
				m.flags = append(m.flags, imap.Flag(flag))
			}
			found[uid] = m
		default: // The process ended between the log and the removal.
			if err := os.Remove(f.path(m)); err != nil {
				return 0, err
			}
			delete(found, uid)
		}
	}
	return next, nil
}

// writeFile replaces a file in one step.
func writeFile(path string, text []byte, durable bool) error {
	aside := path + ".new"
	file, err := os.OpenFile(aside, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err == nil && durable {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	if err := os.Rename(aside, path); err != nil || !durable {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
