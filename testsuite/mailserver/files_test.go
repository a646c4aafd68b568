package mailserver

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-smtp"
	"github.com/stretchr/testify/require"
)

// state is all that a client with a durable cursor may rely on.
type state struct {
	UIDValidity uint32
	UIDNext     imap.UID
	Messages    []Message
}

func stateOf(t *testing.T, s *Server, folder string) state {
	t.Helper()
	account, err := s.account(support)
	require.NoError(t, err)
	status := account.mailbox(folder).status(folder)
	messages, err := s.Messages(support, folder)
	require.NoError(t, err)
	require.Len(t, messages, int(*status.NumMessages))
	for i := range messages {
		messages[i].Received = messages[i].Received.Round(0) // Without the monotonic clock.
	}
	return state{status.UIDValidity, status.UIDNext, messages}
}

func store(t *testing.T, s *Server, op imap.StoreFlagsOp, flag imap.Flag, uids ...imap.UID) {
	t.Helper()
	account, err := s.account(support)
	require.NoError(t, err)
	require.NoError(t, account.mailbox(inbox).update(imap.UIDSetNum(uids...), op, []imap.Flag{flag}, nil))
}

func expunge(t *testing.T, s *Server, uid imap.UID) {
	t.Helper()
	account, err := s.account(support)
	require.NoError(t, err)
	require.NoError(t, account.mailbox(inbox).expunge(func(m message) bool { return m.uid == uid }))
}

// The first server is not closed before the second opens its folder: all that
// a kill -9 leaves behind must be on disk already.
func TestRestartKeepsCursor(t *testing.T) {
	dir := t.TempDir()
	s := start(t, Options{Dir: dir})
	for range 4 {
		send(t, s, mailText("x"), support)
	}
	store(t, s, imap.StoreFlagsAdd, "Key", 1, 2)
	store(t, s, imap.StoreFlagsAdd, imap.FlagSeen, 2)
	store(t, s, imap.StoreFlagsDel, "Key", 1)
	expunge(t, s, 3)
	expunge(t, s, 4) // The highest: its UID must stay used.
	c := dial(t, s, support, nil)
	require.NoError(t, c.Create("Archive/2026", nil).Wait())
	before, archive := stateOf(t, s, inbox), stateOf(t, s, "Archive/2026")
	require.Equal(t, imap.UID(5), before.UIDNext)
	require.Equal(t, []string{"Key", `\Seen`}, before.Messages[1].Flags)

	for range 2 {
		s = start(t, Options{Dir: dir})
		require.Equal(t, before, stateOf(t, s, inbox))
		require.Equal(t, archive, stateOf(t, s, "Archive/2026"))
	}
	send(t, s, mailText("next"), support)
	require.Equal(t, uint32(5), stateOf(t, s, inbox).Messages[2].UID)
}

// Mail that SMTP has said OK to is there after kill -9, and UIDs have no gap.
func TestKill(t *testing.T) {
	const directory = "MAILSERVER_TEST_DIR"
	if dir := os.Getenv(directory); dir != "" {
		s, err := Start(Options{Dir: dir})
		require.NoError(t, err)
		fmt.Println(s.SMTPAddr())
		_, _ = io.Copy(io.Discard, os.Stdin) // Until the parent kills this process, or ends.
		return
	}
	dir := t.TempDir()
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKill$")
	child.Env = append(os.Environ(), directory+"="+dir)
	_, err := child.StdinPipe()
	require.NoError(t, err)
	out, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	var address string
	_, err = fmt.Fscanln(out, &address)
	require.NoError(t, err)

	accepted := make(chan string)
	var sending sync.WaitGroup
	for sender := range 4 {
		sending.Go(func() {
			c, err := smtp.Dial(address)
			for i := 0; err == nil; i++ {
				subject := fmt.Sprintf("Subject: %d-%d\r\n", sender, i)
				if err = c.SendMail("a@example.com", []string{support}, strings.NewReader(subject+"\r\n")); err == nil {
					accepted <- subject
				}
			}
		})
	}
	go func() { sending.Wait(); close(accepted) }()
	var subjects []string
	for subject := range accepted {
		if subjects = append(subjects, subject); len(subjects) == 100 {
			require.NoError(t, child.Process.Kill())
		}
	}
	require.Error(t, child.Wait())

	got := stateOf(t, start(t, Options{Dir: dir}), inbox)
	var all strings.Builder
	for i, m := range got.Messages {
		require.Equal(t, uint32(i+1), m.UID)
		all.Write(m.Raw)
	}
	require.GreaterOrEqual(t, len(subjects), 100)
	for _, subject := range subjects {
		require.Equal(t, 1, strings.Count(all.String(), subject), subject)
	}
}

func TestCrashLeftovers(t *testing.T) {
	dir := t.TempDir()
	s := start(t, Options{Dir: dir})
	for range 2 {
		send(t, s, mailText("x"), support)
	}
	account, err := s.account(support)
	require.NoError(t, err)
	box := account.mailbox(inbox)
	// The log says that 2 is gone but its file stayed; the last line is cut short.
	require.NoError(t, box.files.append([]string{flagsLine(1, []imap.Flag{"Key"}), goneLine(2), "flags 1 Hal"}, true))
	require.NoError(t, os.WriteFile(filepath.Join(s.spoolDir(), "half.eml"), []byte("half"), 0o600))
	litter := filepath.Join(account.dir, "12345")
	require.NoError(t, os.Mkdir(litter, 0o700))

	for range 2 {
		s = start(t, Options{Dir: dir})
		got := stateOf(t, s, inbox)
		require.Len(t, got.Messages, 1)
		require.Equal(t, []string{"Key"}, got.Messages[0].Flags)
		require.Equal(t, imap.UID(3), got.UIDNext)
		require.NoFileExists(t, filepath.Join(s.spoolDir(), "half.eml"))
		require.NoDirExists(t, litter)
	}
}

func TestBrokenFolderIsReported(t *testing.T) {
	dir := t.TempDir()
	s := start(t, Options{Dir: dir})
	send(t, s, mailText("x"), support)
	account, err := s.account(support)
	require.NoError(t, err)
	require.NoError(t, account.mailbox(inbox).files.append([]string{"nonsense\n"}, true))
	_, err = Start(Options{Dir: dir})
	require.ErrorContains(t, err, "is neither flags nor gone")
	require.NoError(t, os.WriteFile(s.uidValidityFile(), []byte("x"), 0o600))
	_, err = Start(Options{Dir: dir})
	require.ErrorContains(t, err, "UIDVALIDITY")
}

// A name that comes back within the second, or after a restart, is another mailbox.
func TestRecreatedMailboxHasNewUIDValidity(t *testing.T) {
	dir := t.TempDir()
	s := start(t, Options{Dir: dir})
	seen := make(map[uint32]bool)
	for range 3 {
		c := dial(t, s, support, nil)
		for range 3 {
			require.NoError(t, c.Create("Work", nil).Wait())
			validity := selectBox(t, c, "Work").UIDValidity
			require.False(t, seen[validity])
			seen[validity] = true
			require.ErrorContains(t, c.Delete("Work").Wait(), "Close the mailbox first")
			require.NoError(t, c.Unselect().Wait())
			require.NoError(t, c.Delete("Work").Wait())
		}
		s = start(t, Options{Dir: dir})
	}
}
