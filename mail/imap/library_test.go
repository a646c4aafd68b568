package imap

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/mail"
)

// TestLibraryTraps has a case for each trap of go-imap v2.0.0-beta.8, in the order of the list that was made of them. A case that
// fails after an update of the library may be one that is no trap any more.
func TestLibraryTraps(t *testing.T) {
	t.Parallel()
	there := func(_ net.Conn, tag, _ string) string { return lines("* SEARCH 5", tag+" OK done") }
	envelope := "* 1 FETCH (UID 5 RFC822.SIZE 4 FLAGS ())"
	cases := []struct {
		name string
		test func(*testing.T)
	}{
		{"no read deadline, so a black hole is found by the watchdog", func(t *testing.T) {
			server := &fake{}
			session, _ := open(t, server.start(t))
			server.answer("NOOP", silence)
			begun := time.Now()
			_, err := session.Wait(t.Context())
			requireKind(t, mail.KindNetwork, err)
			require.ErrorContains(t, err, "no answer within 500ms")
			require.Less(t, time.Since(begun), recheckAfter+5*time.Second)
		}},
		{"the deadline that comes after the first byte is off, so half an answer is found too", func(t *testing.T) {
			server := &fake{replies: map[string]reply{"UID SEARCH": func(net.Conn, string, string) string { return "* SEA" }}}
			session, _ := open(t, server.start(t))
			_, err := session.Next(t.Context(), 0, 1)
			requireKind(t, mail.KindNetwork, err)
		}},
		{"Idle waits for + for ever", func(t *testing.T) {
			server := &fake{replies: map[string]reply{"IDLE": silence}}
			session, _ := open(t, server.start(t))
			_, err := session.Wait(t.Context())
			requireKind(t, mail.KindNetwork, err)
			require.ErrorContains(t, err, "start IDLE")
		}},
		{"no context, so its end closes the connection", func(t *testing.T) {
			server := &fake{replies: map[string]reply{"STATUS": silence}}
			cfg := server.start(t)
			cfg.CommandTimeout, cfg.PollInterval = time.Minute, time.Millisecond
			account := openAccount(t, cfg, "INBOX", "B")
			_, err := account.Next(t.Context(), "INBOX", mail.Position{Cursor: "7:4"}, 1)
			require.NoError(t, err)
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			begun := time.Now()
			require.ErrorIs(t, account.Wait(ctx), context.DeadlineExceeded)
			require.Less(t, time.Since(begun), 5*time.Second)
			_, err = account.Next(t.Context(), "INBOX", mail.Position{Cursor: "7:4"}, 1)
			require.Error(t, err, "a command that was cut off leaves nothing that is in step")
		}},
		{"IDLE is restarted after 28 minutes, so it is ended after 4", func(t *testing.T) {
			require.Equal(t, 4*time.Minute, Config{}.withDefaults().IdleRestart)
			server := &fake{}
			cfg := server.start(t)
			cfg.IdleRestart = 20 * time.Millisecond
			session, _ := open(t, cfg)
			_, err := session.Wait(t.Context())
			require.NoError(t, err)
			require.Contains(t, server.transcript(), "DONE")
		}},
		{"VANISHED closes the connection, so QRESYNC is not enabled", func(t *testing.T) {
			server := &fake{caps: "IMAP4rev1 IDLE ENABLE CONDSTORE QRESYNC"}
			session, _ := open(t, server.start(t))
			_, err := session.Next(t.Context(), 0, 1)
			require.NoError(t, err)
			require.NotRegexp(t, "ENABLE|QRESYNC|CONDSTORE", server.transcript())
			server.answer("NOOP", func(_ net.Conn, tag, _ string) string { return lines("* VANISHED 1", tag+" OK done") })
			_, err = session.Wait(t.Context())
			require.ErrorAs(t, err, new(*Error))
		}},
		{"an unknown untagged answer closes the connection", func(t *testing.T) {
			server := &fake{replies: map[string]reply{"UID SEARCH": func(_ net.Conn, tag, _ string) string {
				return lines("* XNEWS 1", "* SEARCH 5", tag+" OK done")
			}}}
			session, _ := open(t, server.start(t))
			begun := time.Now()
			_, err := session.Next(t.Context(), 0, 1)
			require.ErrorAs(t, err, new(*Error))
			require.Less(t, time.Since(begun), 5*time.Second)
		}},
		{"an unknown FETCH item closes the connection, so nothing beyond the base is asked", func(t *testing.T) {
			server := &fake{
				caps:    "IMAP4rev1 IDLE OBJECTID X-GM-EXT-1 PREVIEW SAVEDATE",
				replies: map[string]reply{"UID SEARCH": there, "UID FETCH": fetched("UID 5 EMAILID (M1)")},
			}
			session, _ := open(t, server.start(t))
			_, err := session.Next(t.Context(), 0, 1)
			require.ErrorAs(t, err, new(*Error))
			require.NotRegexp(t, "EMAILID|X-GM|PREVIEW|SAVEDATE", server.transcript())
		}},
		{"a malformed BODYSTRUCTURE closes the connection, so it is never asked for", func(t *testing.T) {
			server := &fake{replies: map[string]reply{"UID SEARCH": there, "UID FETCH": func(_ net.Conn, tag, args string) string {
				if strings.Contains(args, "BODYSTRUCTURE") || strings.Contains(args, "ENVELOPE") {
					return lines(`* 1 FETCH (UID 5 BODYSTRUCTURE ("text" NIL))`, tag+" OK done")
				}
				if strings.Contains(args, "RFC822.SIZE") {
					return lines(envelope, tag+" OK done")
				}
				return "* 1 FETCH (UID 5 BODY[]<0> {4}\r\npois)\r\n" + tag + " OK done\r\n"
			}}}
			account := openAccount(t, server.start(t))
			batch, err := account.Next(t.Context(), "INBOX", mail.Position{}, 1)
			require.NoError(t, err)
			var raw bytes.Buffer
			_, err = account.Fetch(t.Context(), "INBOX", batch.Items[0].ID, &raw, 0)
			require.NoError(t, err)
			require.Equal(t, "pois", raw.String())
		}},
		{"the handler runs on the read loop, so it never blocks", func(t *testing.T) {
			server := &fake{replies: map[string]reply{"UID SEARCH": func(_ net.Conn, tag, _ string) string {
				return strings.Repeat("* 9 EXISTS\r\n* 1 EXPUNGE\r\n* 1 FETCH (FLAGS ())\r\n", 300) + lines("* SEARCH", tag+" OK done")
			}}}
			session, _ := open(t, server.start(t))
			for range 3 {
				_, err := session.Next(t.Context(), 0, 1)
				require.NoError(t, err)
			}
		}},
		{"FETCH outside the asked set goes elsewhere, so ranges are closed", func(t *testing.T) {
			server := &fake{replies: map[string]reply{"UID SEARCH": there, "UID FETCH": func(_ net.Conn, tag, _ string) string {
				return lines("* 9 FETCH (UID 99 RFC822.SIZE 1 FLAGS ())", envelope, "* 2 FETCH (UID 2 FLAGS ())", tag+" OK done")
			}}}
			session, _ := open(t, server.start(t))
			found, err := session.Next(t.Context(), 4, 10)
			require.NoError(t, err)
			require.Equal(t, []UID{5}, uidsOf(found))
			require.NotContains(t, server.transcript(), ":*")
		}},
		{"a literal holds up all else, so it is read to its end when the store fails", func(t *testing.T) {
			server := &fake{replies: map[string]reply{"UID SEARCH": there, "UID FETCH": func(_ net.Conn, tag, args string) string {
				if strings.Contains(args, "RFC822.SIZE") {
					return lines(envelope, tag+" OK done")
				}
				return "* 1 FETCH (UID 5 BODY[]<0> {200000}\r\n" + strings.Repeat("x", 200000) + ")\r\n" + tag + " OK done\r\n"
			}}}
			session, _ := open(t, server.start(t))
			_, err := session.Fetch(t.Context(), 5, failingWriter{}, 0)
			require.ErrorContains(t, err, "store is full")
			_, err = session.Next(t.Context(), 0, 1)
			require.NoError(t, err, "still in step")
		}},
		{"whole mails are held, so 100 MB are cut at the limit and not kept", func(t *testing.T) {
			const size = 100 << 20
			chunk := bytes.Repeat([]byte("x"), 1<<20)
			server := &fake{replies: map[string]reply{"UID SEARCH": there, "UID FETCH": func(c net.Conn, tag, args string) string {
				if strings.Contains(args, "RFC822.SIZE") {
					return lines(envelope, tag+" OK done") // says 4 bytes, and then does not know partial FETCH
				}
				_, _ = io.WriteString(c, "* 1 FETCH (UID 5 BODY[]<0> {104857600}\r\n")
				for range size / len(chunk) {
					if _, err := c.Write(chunk); err != nil {
						return ""
					}
				}
				return ")\r\n" + tag + " OK done\r\n"
			}}}
			session, _ := open(t, server.start(t))
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			var raw bytes.Buffer
			_, err := session.Fetch(t.Context(), 5, &raw, 1<<20)
			runtime.ReadMemStats(&after)
			require.ErrorIs(t, err, mail.ErrTooLarge)
			require.LessOrEqual(t, raw.Len(), 1<<20+1)
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(size/2), "other tests allocate meanwhile")
			require.Contains(t, server.transcript(), "BODY.PEEK[]<0.1048577>")
			_, err = session.Next(t.Context(), 0, 1)
			require.NoError(t, err, "still in step")
		}},
		{"no XOAUTH2, and an empty answer is written as =", func(t *testing.T) {
			var tag string
			server := &fake{caps: "IMAP4rev1 SASL-IR AUTH=XOAUTH2", replies: map[string]reply{
				"AUTHENTICATE": func(_ net.Conn, t, _ string) string { tag = t; return "+ " + encoded(`{"status":"400"}`) + "\r\n" },
				"":             func(net.Conn, string, string) string { return lines(tag + " NO failed") },
				"=":            func(net.Conn, string, string) string { return lines(tag + " BAD not base64") },
			}}
			_, err := Dial(t.Context(), withToken(server.start(t), AuthXOAuth2))
			requireKind(t, mail.KindAuth, err)
			require.NotContains(t, server.commands(), "=")
		}},
		{"no NOTIFY, so other folders are asked for by STATUS", func(t *testing.T) {
			server := &fake{caps: "IMAP4rev1 IDLE NOTIFY", replies: numbered(map[string]int{"INBOX": 5, "B": 9})}
			cfg := server.start(t)
			cfg.IdleRestart, cfg.PollInterval = 100*time.Millisecond, 50*time.Millisecond
			account := openAccount(t, cfg, "INBOX", "B")
			for folder, at := range map[string]string{"B": "7:8", "INBOX": "7:4"} {
				_, err := account.Next(t.Context(), folder, mail.Position{Cursor: at}, 5)
				require.NoError(t, err)
			}
			require.NoError(t, account.Wait(t.Context()))
			require.Contains(t, server.transcript(), "STATUS")
			require.NotContains(t, server.transcript(), "NOTIFY")
		}},
		{"COPYUID with * closes the connection, so a search tells whether the move was done", func(t *testing.T) {
			server := &fake{replies: map[string]reply{"UID SEARCH": there}}
			server.replies["UID MOVE"] = func(_ net.Conn, tag, _ string) string {
				server.answer("UID SEARCH", func(_ net.Conn, tag, _ string) string { return lines("* SEARCH", tag+" OK done") })
				return lines("* OK [COPYUID 7 5 *] moved", "* 1 EXPUNGE", tag+" OK done")
			}
			cfg := server.start(t)
			ack := mail.Ack{MoveTo: "Done"}
			require.Error(t, openAccount(t, cfg).Acknowledge(t.Context(), "INBOX", []string{"7-5"}, ack))
			require.NoError(t, openAccount(t, cfg).Acknowledge(t.Context(), "INBOX", []string{"7-5"}, ack))
			require.Equal(t, 1, strings.Count(server.transcript(), "UID MOVE"))
		}},
		{"EXISTS may come between SELECT and IDLE", func(t *testing.T) {
			server := &fake{replies: map[string]reply{"SELECT": func(_ net.Conn, tag, _ string) string {
				return selected(tag) + lines("* 1 EXISTS")
			}}}
			session, _ := open(t, server.start(t))
			why, err := session.Wait(t.Context())
			require.NoError(t, err)
			require.Equal(t, WhyChanged, why)
		}},
		{"EXISTS may be left out before IDLE is confirmed, so a search follows", func(t *testing.T) {
			server := &fake{}
			account := openAccount(t, server.start(t))
			_, err := account.Next(t.Context(), "INBOX", mail.Position{Cursor: "7:4"}, 1)
			require.NoError(t, err)
			server.answer("UID SEARCH", there)
			begun := time.Now()
			require.NoError(t, account.Wait(t.Context()))
			require.Less(t, time.Since(begun), recheckAfter+5*time.Second)
		}},
		{"TCP keepalive finds no dead proxy, so IDLE ends with a NOOP that must be answered", func(t *testing.T) {
			server := &fake{replies: map[string]reply{"DONE": silence}}
			session, _ := open(t, server.start(t))
			_, err := session.Wait(t.Context())
			requireKind(t, mail.KindNetwork, err)
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if !strings.Contains(c.name, "100 MB") { // it measures memory
				t.Parallel()
			}
			c.test(t)
		})
	}
}

func TestCloseFromAnotherGoroutineUnblocks(t *testing.T) {
	t.Parallel()
	server := &fake{replies: map[string]reply{"UID SEARCH": silence}}
	cfg := server.start(t)
	cfg.CommandTimeout = time.Minute
	account := openAccount(t, cfg)
	failed := make(chan error)
	go func() {
		_, err := account.Next(context.Background(), "INBOX", mail.Position{}, 1)
		failed <- err
	}()
	for !strings.Contains(server.transcript(), "UID SEARCH") {
		<-time.After(time.Millisecond)
	}
	require.NoError(t, account.Close())
	select {
	case err := <-failed:
		require.Error(t, err)
		require.False(t, errors.Is(err, context.Canceled))
	case <-time.After(10 * time.Second):
		t.Fatal("Next still waits")
	}
}
