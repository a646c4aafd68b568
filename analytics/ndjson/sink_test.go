package ndjson

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/analytics"
	"github.com/waybill-io/waybill/events"
)

const folderVariable = "NDJSON_TEST_FOLDER"

// TestMain is the process that is killed, too: it writes until then.
func TestMain(m *testing.M) {
	if folder := os.Getenv(folderVariable); folder != "" {
		fmt.Println("error:", writeForever(folder))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// writeForever says of each document that it is done.
func writeForever(folder string) error {
	s, err := Open(Config{Folder: folder, Size: 200_000})
	if err != nil {
		return err
	}
	for n := 0; ; n++ {
		id := fmt.Sprintf("%d-%d", os.Getpid(), n)
		if _, err := s.Write(context.Background(), []events.Document{document(id)}); err != nil {
			return err
		}
		fmt.Println(id)
	}
}

func document(instance string) events.Document {
	b := events.Batch{Process: events.Process{Instance: instance, Tenant: "Acme", Began: time.Unix(1_700_000_000, 0)}, Events: []events.Event{
		{Sequence: 1, Type: events.ProcessStarted, Status: events.Active, Description: strings.Repeat("long enough to be cut ", 100)},
	}}
	return b.Documents()[0]
}

type read struct {
	DocumentID      string `json:"documentId"`
	DocumentIndex   string `json:"documentIndex"`
	DocumentVersion int64  `json:"documentVersion"`
	DocumentError   string `json:"documentError"`
	Instance        string `json:"processInstanceId"`
}

// lines reads all files of a folder, each of whose lines must be whole.
func lines(t *testing.T, folder string) (all []read) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(folder, "*"))
	require.NoError(t, err)
	for _, name := range names {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		for line := range strings.Lines(string(text)) {
			var r read
			require.NoError(t, json.Unmarshal([]byte(line), &r), name)
			all = append(all, r)
		}
	}
	return all
}

func opened(t *testing.T, c Config) *Sink {
	t.Helper()
	s, err := Open(c)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func TestWrite(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "a", "b")
	s := opened(t, Config{Folder: folder})
	unwritable := document("bad")
	unwritable.Double = new(math.NaN())
	written, err := s.Write(t.Context(), []events.Document{document("1"), unwritable})
	require.NoError(t, err)
	require.Equal(t, analytics.Written{New: 1, Dead: 1}, written)
	d := document("1")
	all := lines(t, folder)
	require.Equal(t, read{"1", analytics.Names{}.Alias("Acme", events.ProcessInstances), d.Version(), "", "1"}, all[0])
	require.Equal(t, "bad", all[1].DocumentID)
	require.Contains(t, all[1].DocumentError, "NaN")
}

// Two processes never write to one file, and a file that is full, of yesterday or gone is not written to.
func TestFiles(t *testing.T) {
	folder := t.TempDir()
	write := func(s *Sink) {
		_, err := s.Write(t.Context(), []events.Document{document("1")})
		require.NoError(t, err)
	}
	files := func() (all []string) {
		names, err := filepath.Glob(filepath.Join(folder, "*"))
		require.NoError(t, err)
		for _, name := range names {
			parts := strings.Split(filepath.Base(name), "-")
			all = append(all, strings.Join(parts[:3], "-")+" "+parts[len(parts)-1])
		}
		return all
	}
	day := time.Date(2026, 11, 28, 23, 59, 0, 0, time.UTC)
	one, two := opened(t, Config{Folder: folder, Size: 3000}), opened(t, Config{Folder: folder, Size: 3000})
	one.now = func() time.Time { return day }
	two.now = one.now
	write(one)
	write(two)
	require.Equal(t, []string{"2026-11-28 001.ndjson", "2026-11-28 002.ndjson"}, files())
	write(one)
	write(one) // full
	require.Equal(t, []string{"2026-11-28 001.ndjson", "2026-11-28 002.ndjson", "2026-11-28 003.ndjson"}, files())
	require.NoError(t, one.Close())
	write(one) // where it was
	require.Len(t, files(), 3)
	day = day.Add(time.Hour)
	write(one)
	require.Equal(t, "2026-11-29 001.ndjson", files()[3])
	require.NoError(t, os.Remove(one.file.Name()))
	write(one)
	require.Equal(t, "2026-11-29 001.ndjson", files()[3])
	require.Len(t, lines(t, folder), 6)
}

// Whatever a killed process has left, what it said was done is there, and there are no half lines.
func TestKilled(t *testing.T) {
	folder := t.TempDir()
	var done []string
	for range 5 {
		c := exec.CommandContext(t.Context(), os.Args[0])
		c.Env = append(os.Environ(), folderVariable+"="+folder)
		out, err := c.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, c.Start())
		for r := bufio.NewScanner(out); r.Scan(); {
			require.NotContains(t, r.Text(), "error")
			done = append(done, r.Text())
			if len(done)%50 == 0 && c.ProcessState == nil {
				_ = c.Process.Kill()
			}
		}
		require.Error(t, c.Wait())
		// A line that was begun, as a crash within a write leaves it.
		names, err := filepath.Glob(filepath.Join(folder, "*"))
		require.NoError(t, err)
		f, err := os.OpenFile(names[len(names)-1], os.O_APPEND|os.O_WRONLY, 0)
		require.NoError(t, err)
		_, err = f.WriteString(`{"documentId":"half` + strings.Repeat("x", 100_000))
		require.NoError(t, err)
		require.NoError(t, f.Close())
	}
	opened(t, Config{Folder: folder})
	var there []string
	for _, r := range lines(t, folder) {
		there = append(there, r.DocumentID)
	}
	require.NotEmpty(t, done)
	for _, id := range done {
		require.True(t, slices.Contains(there, id), id)
	}
}

func TestParallelWrites(t *testing.T) {
	folder := t.TempDir()
	s := opened(t, Config{Folder: folder, Size: 10_000})
	var wait sync.WaitGroup
	for n := range 20 {
		wait.Go(func() {
			_, err := s.Write(t.Context(), []events.Document{document(fmt.Sprint(n)), document(fmt.Sprint("b", n))})
			require.NoError(t, err)
		})
	}
	wait.Wait()
	require.Len(t, lines(t, folder), 40)
}

func TestMistakes(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(name, nil, 0o600))
	for _, test := range []struct {
		config Config
		want   string
	}{
		{Config{}, "the folder for the files is not set"},
		{Config{Folder: name}, "is no folder"},
		{Config{Folder: filepath.Dir(name), Size: -1}, "must not be below 0"},
		{Config{Folder: filepath.Dir(name), Names: analytics.Names{Prefix: "A"}}, "lower-case"},
		{Config{Folder: filepath.Join(name, "below")}, "not a directory"},
	} {
		_, err := Open(test.config)
		require.ErrorContains(t, err, test.want)
	}
}

// A disk without room leaves no half line, and the next write succeeds when there is room.
func TestFullDisk(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("there is no /dev/full")
	}
	folder := t.TempDir()
	s := opened(t, Config{Folder: folder})
	_, err := s.Write(t.Context(), []events.Document{document("1")})
	require.NoError(t, err)
	full, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
	require.NoError(t, err)
	good := s.file.File
	s.file.File = full
	_, err = s.Write(t.Context(), []events.Document{document("2")})
	require.Error(t, err)
	require.NoError(t, good.Close())
	_, err = s.Write(t.Context(), []events.Document{document("2")})
	require.NoError(t, err)
	require.Len(t, lines(t, folder), 2)
}
