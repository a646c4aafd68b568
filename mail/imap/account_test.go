package imap

import (
	"bytes"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/testsuite/dovecot"
	"github.com/waybill-io/waybill/testsuite/mailserver"
)

func openAccount(t *testing.T, cfg Config, folders ...string) *Account {
	t.Helper()
	account, err := Open(t.Context(), cfg, folders)
	require.NoError(t, err)
	t.Cleanup(func() { _ = account.Close() })
	return account
}

// put appends a mail that arrived at a time.
func (a *Account) put(t *testing.T, folder string, arrived time.Time) {
	t.Helper()
	raw := mailOf(1)
	command := a.s.client.Append(folder, int64(len(raw)), &imap.AppendOptions{Time: arrived})
	_, err := command.Write(raw)
	require.NoError(t, err)
	require.NoError(t, command.Close())
	_, err = command.Wait()
	require.NoError(t, err)
}

// read calls Next as a caller does, until nothing is left, and returns the UIDs with a mark at old ones.
func (a *Account) read(t *testing.T, folder string, p *mail.Position) string {
	t.Helper()
	var got []string
	for {
		batch, err := a.Next(t.Context(), folder, *p, 3)
		require.NoError(t, err)
		if batch.Lost {
			got = append(got, "lost")
		}
		for _, item := range batch.Items {
			_, uid, _ := strings.Cut(item.ID, "-")
			if item.Old {
				uid += "old"
			}
			got = append(got, uid)
		}
		p.Cursor = batch.Cursor
		if !batch.More {
			return strings.Join(got, " ")
		}
	}
}

func TestAccountBeginsWithMailThatArrivedSince(t *testing.T) {
	t.Parallel()
	server := dovecot.Start(t, dovecot.Options{})
	account := openAccount(t, dovecotConfig(server))
	now := time.Now().Truncate(time.Second)
	days := func(n float64) time.Time { return now.Add(-time.Duration(n * 24 * float64(time.Hour))) }
	for _, age := range []float64{400, 3, 2.5, 300, 1, 0.5, 200} { // UIDs 1 to 7; those of 300 and 200 days were moved in
		account.put(t, "INBOX", days(age))
	}
	cases := map[string]struct {
		since time.Time
		want  string
	}{
		"all":                           {time.Time{}, "1 2 3 4 5 6 7"},
		"now":                           {now, ""},
		"in the future":                 {now.AddDate(1, 0, 0), ""},
		"before all":                    {days(1000), "1 2 3 4 5 6 7"},
		"within a day":                  {days(0.7), "6 7"},
		"exactly then":                  {days(1), "5 6 7"},
		"a minute later, by our clock":  {days(1).Add(time.Minute), "5 6 7"},
		"ten minutes later":             {days(1).Add(10 * time.Minute), "6 7"},
		"an older one was moved behind": {days(2.7), "3 4old 5 6 7old"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := account.read(t, "INBOX", &mail.Position{Since: c.since})
			require.Equal(t, strings.ReplaceAll(c.want, "old", ""), got)
		})
	}
	t.Run("an empty folder", func(t *testing.T) {
		require.NoError(t, account.s.client.Create("Empty", nil).Wait())
		p := mail.Position{Since: now}
		require.Empty(t, account.read(t, "Empty", &p))
		require.NotEmpty(t, p.Cursor)
		account.put(t, "Empty", days(10)) // its date says nothing any more
		require.Equal(t, "1", account.read(t, "Empty", &p))
	})
}

func TestAccountInARenumberedFolder(t *testing.T) {
	t.Parallel()
	server := dovecot.Start(t, dovecot.Options{})
	now := time.Now().Truncate(time.Second)
	account := openAccount(t, dovecotConfig(server))
	account.put(t, "INBOX", now)
	p := mail.Position{}
	require.Equal(t, "1", account.read(t, "INBOX", &p))
	before, err := account.Next(t.Context(), "INBOX", mail.Position{}, 1)
	require.NoError(t, err)
	require.NoError(t, account.Close())

	server.ResetMailbox("test")
	account = openAccount(t, dovecotConfig(server))
	for _, age := range []time.Duration{100 * time.Hour, 10 * time.Hour, 0, 90 * time.Hour} {
		account.put(t, "INBOX", now.Add(-age))
	}
	marked := p
	marked.HighWater = now.Add(-time.Hour)
	lost, err := account.Next(t.Context(), "INBOX", marked, 3)
	require.NoError(t, err)
	require.True(t, lost.Lost && lost.More)
	require.Empty(t, lost.Items)
	marked.Cursor = lost.Cursor
	account.put(t, "INBOX", now.Add(-80*time.Hour)) // came after the folder was renumbered, whatever its date
	require.Equal(t, "1old 2 3 4old 5", account.read(t, "INBOX", &marked))
	require.Equal(t, 1, strings.Count(marked.Cursor, ":"), "the rescan is over: %s", marked.Cursor)

	added := p
	added.Since = now.Add(-20 * time.Hour)
	require.Equal(t, "lost 1old 2 3 4old 5", account.read(t, "INBOX", &added), "nothing was handled yet; what came before was never wanted")
	require.Equal(t, "lost 1 2 3 4 5", account.read(t, "INBOX", &p), "no sign of what was handled")

	var raw bytes.Buffer
	_, err = account.Fetch(t.Context(), "INBOX", before.Items[0].ID, &raw, 0)
	require.ErrorIs(t, err, mail.ErrGone, "its UID is another mail now")
	require.NoError(t, account.Acknowledge(t.Context(), "INBOX", []string{before.Items[0].ID}, mail.Ack{Delete: true}))
	require.Equal(t, "1 2 3 4 5", account.read(t, "INBOX", &mail.Position{}))
}

func TestAccountRefusesWhatIsNotItsOwn(t *testing.T) {
	t.Parallel()
	server := &fake{}
	account := openAccount(t, server.start(t))
	for _, text := range []string{"x", "7", "7:", ":1", "0:1", "7:1:2:3", "7:-1", "7:99999999999", "7-1", "7:1 ", "AAkALgAAAAA="} {
		_, err := account.Next(t.Context(), "INBOX", mail.Position{Cursor: text}, 3)
		require.ErrorContains(t, err, fmt.Sprintf("read folder INBOX: cursor %q", text))
	}
	for _, text := range []string{"", "7", "7:1", "7-0", "0-1", "7-1-1", "7-x"} {
		_, err := account.Fetch(t.Context(), "INBOX", text, &bytes.Buffer{}, 0)
		require.ErrorContains(t, err, fmt.Sprintf("message id %q", text))
		require.ErrorContains(t, account.Acknowledge(t.Context(), "INBOX", []string{text}, mail.Ack{Seen: true}), "message id")
	}
	for _, folders := range [][]string{{""}, {"A", "A"}, {"INBOX", "inbox"}} {
		_, err := Open(t.Context(), server.start(t), folders)
		require.ErrorContains(t, err, "folders")
	}
}

func FuzzCursor(f *testing.F) {
	for _, text := range []string{"7:12", "8:12:40", "", "0:0", "4294967295:4294967295:4294967295", "7:1:1"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if c, err := parseCursor(text); err == nil {
			again, err := parseCursor(c.String())
			require.NoError(t, err)
			require.Equal(t, c.validity, again.validity)
			require.Equal(t, c.uid, again.uid)
			require.Equal(t, c.String(), again.String())
		}
	})
}

func TestAccountOverSeveralFolders(t *testing.T) {
	t.Parallel()
	server := dovecot.Start(t, dovecot.Options{})
	cfg := dovecotConfig(server)
	cfg.PollInterval = 3 * time.Second
	account := openAccount(t, cfg, "inbox", "Sent items", "Größe/Ärger")
	writer := openAccount(t, cfg)
	for _, folder := range account.folders[1:] {
		require.NoError(t, writer.s.client.Create(folder, nil).Wait())
	}
	names, err := account.Folders(t.Context())
	require.NoError(t, err)
	require.Equal(t, "INBOX", names[0])
	require.Subset(t, names, account.folders)
	require.True(t, account.Pushes())

	positions := map[string]*mail.Position{}
	for _, folder := range account.folders {
		positions[folder] = &mail.Position{Since: time.Now()}
		require.Empty(t, account.read(t, folder, positions[folder]))
	}
	for n, folder := range []string{"Größe/Ärger", "INBOX", "Sent items", "INBOX", "INBOX", "Größe/Ärger"} {
		begun := time.Now()
		writer.put(t, folder, time.Now())
		found := ""
		for found == "" {
			require.NoError(t, account.Wait(t.Context()))
			for _, other := range account.folders {
				if got := account.read(t, other, positions[other]); got != "" {
					require.Equal(t, folder, other)
					found = got
				}
			}
			require.Less(t, time.Since(begun), 15*time.Second)
		}
		require.NotContains(t, found, " ", "mail %d", n)
	}

	batch, err := account.Next(t.Context(), "Sent items", mail.Position{}, 5)
	require.NoError(t, err)
	require.Len(t, batch.Items, 1)
	var raw bytes.Buffer
	_, err = account.Fetch(t.Context(), "Sent items", batch.Items[0].ID, &raw, 0)
	require.NoError(t, err)
	require.Equal(t, string(mailOf(1)), raw.String())
	_, err = account.Fetch(t.Context(), "INBOX", strings.Replace(batch.Items[0].ID, "-1", "-99", 1), &raw, 0)
	require.ErrorIs(t, err, mail.ErrGone)
	require.NoError(t, account.Acknowledge(t.Context(), "Sent items", []string{batch.Items[0].ID}, mail.Ack{Seen: true, MoveTo: "Done"}))
	require.Empty(t, account.read(t, "Sent items", &mail.Position{}))
	require.Equal(t, "1", account.read(t, "Done", &mail.Position{}))

	_, err = account.Next(t.Context(), "Nowhere", mail.Position{}, 5)
	requireKind(t, mail.KindFolderMissing, err)
	require.Equal(t, "1", account.read(t, "Done", &mail.Position{}), "a missing folder does not end the connection")
}

func TestAccountWithTheDevelopmentServer(t *testing.T) {
	t.Parallel()
	server, err := mailserver.Start(mailserver.Options{Users: map[string]string{"ann@example.com": "s3cret"}})
	require.NoError(t, err)
	t.Cleanup(func() { _ = server.Close(t.Context()) })
	address, err := net.ResolveTCPAddr("tcp", server.IMAPAddr())
	require.NoError(t, err)
	account := openAccount(t, Config{Host: "127.0.0.1", Port: address.Port, TLS: TLSNone, Username: "ann@example.com", Password: "s3cret"})
	account.put(t, "INBOX", time.Now().Add(-time.Hour))
	p := mail.Position{Since: time.Now()}
	require.Empty(t, account.read(t, "INBOX", &p))
	account.put(t, "INBOX", time.Now())
	require.NoError(t, account.Wait(t.Context()))
	require.Equal(t, "2", account.read(t, "INBOX", &p))
	require.NoError(t, server.Recreate("ann@example.com", "INBOX"))
	account = openAccount(t, account.s.cfg)
	require.Equal(t, "lost", account.read(t, "INBOX", &p))
}

// numbered is a server whose folders number their next mail as told, and may not tell.
func numbered(next map[string]int) map[string]reply {
	folder := func(args string) string { return strings.Trim(strings.Fields(args)[0], `"`) }
	return map[string]reply{
		"SELECT": func(_ net.Conn, tag, args string) string {
			n := next[folder(args)]
			return lines(fmt.Sprintf("* %d EXISTS", n-1), "* OK [UIDVALIDITY 7] -", fmt.Sprintf("* OK [UIDNEXT %d] -", n), tag+" OK done")
		},
		"STATUS": func(_ net.Conn, tag, args string) string {
			return lines(fmt.Sprintf("* STATUS %s (UIDNEXT %d UIDVALIDITY 7 MESSAGES 1)", folder(args), next[folder(args)]), tag+" OK done")
		},
	}
}

func TestAccountFindsWhatIsNotAnnounced(t *testing.T) {
	t.Parallel()
	there := func(_ net.Conn, tag, _ string) string { return lines("* SEARCH 5", tag+" OK done") }
	t.Run("offers IDLE and never pushes", func(t *testing.T) {
		t.Parallel()
		server := &fake{}
		cfg := server.start(t)
		cfg.IdleRestart = 50 * time.Millisecond
		account := openAccount(t, cfg)
		_, err := account.Next(t.Context(), "INBOX", mail.Position{Cursor: "7:4"}, 5)
		require.NoError(t, err)
		server.answer("UID SEARCH", there)
		before := len(server.commands())
		require.NoError(t, account.Wait(t.Context()))
		require.Contains(t, strings.Join(server.commands()[before:], "\n"), "UID SEARCH UID 5:4294967295")
	})
	t.Run("Wait ends though nothing is new", func(t *testing.T) {
		t.Parallel()
		server := &fake{}
		cfg := server.start(t)
		cfg.IdleRestart, cfg.PollInterval = 200*time.Millisecond, 100*time.Millisecond
		account := openAccount(t, cfg)
		_, err := account.Next(t.Context(), "INBOX", mail.Position{Cursor: "7:4"}, 5)
		require.NoError(t, err)
		begun := time.Now()
		require.NoError(t, account.Wait(t.Context()))
		require.GreaterOrEqual(t, time.Since(begun), cfg.IdleRestart)
	})
	t.Run("no IDLE", func(t *testing.T) {
		t.Parallel()
		server := &fake{caps: "IMAP4rev1"}
		cfg := server.start(t)
		cfg.PollInterval = 50 * time.Millisecond
		account := openAccount(t, cfg)
		require.False(t, account.Pushes())
		_, err := account.Next(t.Context(), "INBOX", mail.Position{Cursor: "7:4"}, 5)
		require.NoError(t, err)
		go func() {
			<-time.After(150 * time.Millisecond)
			server.answer("UID SEARCH", there)
		}()
		begun := time.Now()
		require.NoError(t, account.Wait(t.Context()))
		require.WithinRange(t, time.Now(), begun.Add(150*time.Millisecond), begun.Add(5*time.Second))
		require.NotContains(t, server.transcript(), "IDLE")
	})
	t.Run("came while another folder was selected", func(t *testing.T) {
		t.Parallel()
		next := map[string]int{"INBOX": 5, "B": 9}
		server := &fake{replies: numbered(next)}
		account := openAccount(t, server.start(t), "INBOX", "B")
		_, err := account.Next(t.Context(), "INBOX", mail.Position{Cursor: "7:4"}, 5)
		require.NoError(t, err)
		_, err = account.Next(t.Context(), "B", mail.Position{Cursor: "7:8"}, 5)
		require.NoError(t, err)
		next["INBOX"] = 6
		require.NoError(t, account.Wait(t.Context()))
		require.NotContains(t, server.transcript(), "IDLE", "at once")
	})
	t.Run("a folder that STATUS says is unchanged", func(t *testing.T) {
		t.Parallel()
		next := map[string]int{"INBOX": 5, "B": 9}
		server := &fake{replies: numbered(next)}
		account := openAccount(t, server.start(t), "INBOX", "B")
		selects := func(at string) int { // after both were read from a position
			for _, folder := range account.folders {
				_, err := account.Next(t.Context(), folder, mail.Position{Cursor: at}, 5)
				require.NoError(t, err)
			}
			return strings.Count(server.transcript(), "SELECT")
		}
		require.Equal(t, 2, selects("7:8"))
		require.Equal(t, 2, selects("7:8"), "is not selected again")
		require.Equal(t, 4, selects("7:3"), "but is from another position")
		require.Equal(t, 4, selects("7:3"))
		for folder, k := range account.known {
			k.searched = k.searched.Add(-account.longest())
			account.known[folder] = k
		}
		require.Equal(t, 6, selects("7:3"), "and after a while whatever STATUS says")
	})
	t.Run("in a folder that is polled", func(t *testing.T) {
		t.Parallel()
		next := map[string]int{"INBOX": 5, "B": 9}
		server := &fake{replies: numbered(next)}
		cfg := server.start(t)
		cfg.PollInterval = 100 * time.Millisecond
		account := openAccount(t, cfg, "INBOX", "B")
		for folder, at := range map[string]string{"B": "7:8", "INBOX": "7:4"} {
			_, err := account.Next(t.Context(), folder, mail.Position{Cursor: at}, 5)
			require.NoError(t, err)
		}
		next["B"] = 10
		require.NoError(t, account.Wait(t.Context()))
		require.Contains(t, server.transcript(), "STATUS")
	})
	t.Run("a folder that is polled is gone", func(t *testing.T) {
		t.Parallel()
		server := &fake{replies: numbered(map[string]int{"INBOX": 5, "B": 9})}
		server.replies["STATUS"] = no("[NONEXISTENT] gone")
		cfg := server.start(t)
		cfg.PollInterval = 100 * time.Millisecond
		account := openAccount(t, cfg, "INBOX", "B")
		require.NoError(t, account.Wait(t.Context()))
		require.NoError(t, account.Wait(t.Context()))
	})
}

func TestAccountSaysThatThereIsMore(t *testing.T) {
	t.Parallel()
	server := &fake{replies: map[string]reply{"UID SEARCH": func(_ net.Conn, tag, _ string) string { return lines("* SEARCH 5 6 7", tag+" OK done") }}}
	account := openAccount(t, server.start(t))
	batch, err := account.Next(t.Context(), "INBOX", mail.Position{Cursor: "7:4"}, 2)
	require.NoError(t, err)
	require.True(t, batch.More)
	require.Equal(t, "7:6", batch.Cursor)
	begun := time.Now()
	require.NoError(t, account.Wait(t.Context()))
	require.Less(t, time.Since(begun), time.Second, "a caller that does not ask for the rest need not wait for it")
}

func TestAccountListsFolders(t *testing.T) {
	t.Parallel()
	server := &fake{replies: map[string]reply{"LIST": func(_ net.Conn, tag, _ string) string {
		return lines(`* LIST (\HasChildren \Noselect) "/" "[Gmail]"`, `* LIST (\NonExistent) "/" Old`, `* LIST () "/" "B"`, `* LIST () "/" A`,
			`* LIST () "/" inbox`, `* LIST () "." "Entw&APw-rfe"`, `* LIST () NIL B`, tag+" OK done")
	}}}
	names, err := openAccount(t, server.start(t)).Folders(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"INBOX", "A", "B", "Entwürfe"}, names)
}
