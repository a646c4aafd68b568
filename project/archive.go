package project

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Limits of an archive, beside those of the files in it. A project that people drew stays far below them.
const (
	maxArchive  = 50 << 20  // the archive itself, in bytes
	maxUnpacked = 200 << 20 // all that is in it
)

// isArchive tells archives by name: .zip, and .bar as Activiti calls its business archives.
func isArchive(name string) bool {
	ending := strings.ToLower(filepath.Ext(name))
	return ending == ".zip" || ending == ".bar"
}

// unpack unpacks an archive into a folder of its own, which is there until close. Findings name the archive in its place.
func (l *loader) unpack(file string) (string, error) {
	info, err := os.Stat(file)
	if err != nil {
		return "", err
	}
	if info.Size() > maxArchive {
		return "", fmt.Errorf("%s: %d MiB, at most %d are taken", file, info.Size()>>20, maxArchive>>20)
	}
	archive, err := zip.OpenReader(file)
	if err != nil {
		return "", fmt.Errorf("%s: %w", file, err)
	}
	defer archive.Close()
	dir, err := os.MkdirTemp("", "waybill-project-")
	if err != nil {
		return "", fmt.Errorf("%s: make a folder to unpack it: %w", file, err)
	}
	l.unpacked = append(l.unpacked, unpacked{dir, file})
	root, err := os.OpenRoot(dir)
	if err != nil {
		return "", err
	}
	defer root.Close()
	if len(archive.File) > maxFiles {
		return "", fmt.Errorf("%s: more than %d files; an archive holds one project", file, maxFiles)
	}
	u := &unpacker{loader: l, archive: file, root: root, left: maxUnpacked}
	var errs []error
	for _, entry := range archive.File {
		err := u.entry(entry)
		if errors.Is(err, errFull) {
			return "", err
		}
		errs = append(errs, err)
	}
	return dir, errors.Join(errs...)
}

type unpacked struct{ dir, archive string }

type unpacker struct {
	*loader
	archive string
	root    *os.Root // nothing is written outside of it, whatever the names are
	left    int64    // bytes
}

var errFull = fmt.Errorf("more than %d MiB in it; an archive holds one project", maxUnpacked>>20)

// entry unpacks one file.
func (u *unpacker) entry(f *zip.File) error {
	at := u.archive + "/" + f.Name
	name := path.Clean(f.Name)
	switch {
	case strings.HasSuffix(f.Name, "/") || strings.HasPrefix(name, "__MACOSX/"): // what macOS adds
		return nil
	case !filepath.IsLocal(f.Name) || strings.ContainsAny(f.Name, "\\\x00"):
		return fmt.Errorf("%s: entry %q: the name of a file inside of the archive is expected, with / between folders", u.archive, f.Name)
	case f.Flags&1 != 0:
		return fmt.Errorf("%s: it is encrypted; unpack it first", at)
	case !f.Mode().IsRegular():
		u.warn("%s: ignored: not a regular file (links are not followed)", at)
		return nil
	}
	if folder := path.Dir(name); folder != "." {
		if err := u.root.MkdirAll(folder, 0o700); err != nil {
			return fmt.Errorf("%s: %w", at, err)
		}
	}
	in, err := f.Open()
	if err != nil {
		return fmt.Errorf("%s: %w", at, err)
	}
	defer in.Close()
	out, err := u.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%s: it is in the archive twice", at)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", at, err)
	}
	// The size that the archive claims proves nothing, so what comes is counted.
	n, err := io.Copy(out, io.LimitReader(in, u.left+1))
	err = errors.Join(err, out.Close())
	if u.left -= n; u.left < 0 {
		return fmt.Errorf("%s: %w", u.archive, errFull)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", at, err)
	}
	return nil
}

// shown is a text in which files of archives have their names.
func (l *loader) shown(text string) string {
	for _, u := range l.unpacked {
		text = strings.ReplaceAll(text, u.dir, u.archive)
	}
	return text
}

// unpackedError is an error about a file of an archive.
type unpackedError struct {
	text string
	err  error
}

func (e *unpackedError) Error() string { return e.text }
func (e *unpackedError) Unwrap() error { return e.err }
