package sql

import (
	"bytes"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/connectors"
)

// lossy forwards connections to a server and cuts each after the server has answered a COMMIT, so that the answer is lost. commits counts
// these. It starts to cut when cutting is set.
type lossy struct {
	addr    string
	cutting atomic.Bool
	commits atomic.Int64
}

func startLossy(t *testing.T, server string) *lossy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &lossy{addr: l.Addr().String()}
	var open sync.WaitGroup
	open.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			open.Go(func() { p.serve(client, server) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		open.Wait()
	})
	return p
}

func (p *lossy) serve(client net.Conn, server string) {
	defer func() { _ = client.Close() }()
	upstream, err := net.Dial("tcp", server)
	if err != nil {
		return
	}
	defer func() { _ = upstream.Close() }()
	var committing atomic.Bool
	var copying sync.WaitGroup
	copying.Go(func() {
		buffer := make([]byte, 64<<10)
		for {
			n, err := upstream.Read(buffer)
			if err != nil || committing.Load() { // the server has answered; nobody hears it
				p.commits.Add(int64(n) / max(int64(n), 1))
				_ = client.Close()
				_ = upstream.Close()
				return
			}
			if _, err := client.Write(buffer[:n]); err != nil {
				return
			}
		}
	})
	buffer := make([]byte, 64<<10)
	for {
		n, err := client.Read(buffer)
		if err != nil {
			break
		}
		if p.cutting.Load() && bytes.Contains(bytes.ToLower(buffer[:n]), []byte("commit")) {
			committing.Store(true)
		}
		if _, err := upstream.Write(buffer[:n]); err != nil {
			break
		}
	}
	_ = upstream.Close()
	copying.Wait()
	_, _ = io.Copy(io.Discard, client)
}

// testCommitAnswerLost: with a table of calls a repetition gets the first outputs and changes nothing; without one it is done again, as
// the documentation says.
func testCommitAnswerLost(t *testing.T, d database) {
	d.table(t, "paid", "n int")
	d.calls(t)
	server := net.JoinHostPort(d.settings["SQL_HOST"], d.settings["SQL_PORT"])
	for table, times := range map[string]int{"waybill_calls": 1, "": 2} {
		d.sql(t, "DELETE FROM paid")
		proxy := startLossy(t, server)
		host, port, err := net.SplitHostPort(proxy.addr)
		require.NoError(t, err)
		c := d.connect(t, map[string]string{"SQL_HOST": host, "SQL_PORT": port, "SQL_IDEMPOTENCY_TABLE": table})
		const insert = "INSERT INTO paid VALUES (7) RETURNING n"
		proxy.cutting.Store(true)
		_, err = call(t, c, "instance/1", "INSERT", insert, nil)
		require.ErrorContains(t, err, "broke")
		require.Equal(t, connectors.Retryable, connectors.AsError(err).Kind)
		require.Equal(t, codeConnection, connectors.AsError(err).Code)
		require.Positive(t, proxy.commits.Load(), "the server had answered")
		require.Equal(t, 1, d.count(t, "paid"), "and had committed")

		proxy.cutting.Store(false)
		outputs, err := call(t, c, "instance/1", "INSERT", insert, nil)
		require.NoError(t, err)
		require.Equal(t, map[string]any{"rowCount": int64(1), "result": rows(map[string]any{"n": int64(7)}), "insertId": nil}, outputs)
		require.Equal(t, times, d.count(t, "paid"), table)
		_, err = call(t, c, "instance/2", "INSERT", insert, nil)
		require.NoError(t, err)
		require.Equal(t, times+1, d.count(t, "paid"), "another call is another row")
	}
}

// testSameCallAtOnce: two attempts of a call at the same time, as after a heartbeat that came late.
func testSameCallAtOnce(t *testing.T, d database) {
	d.table(t, "once", "n int")
	c := d.calls(t)
	var all sync.WaitGroup
	results := make([]map[string]any, 8)
	errs := make([]error, len(results))
	for i := range results {
		all.Go(func() {
			results[i], errs[i] = c.Call(t.Context(), connectors.Call{Action: "INSERT", IdempotencyKey: "same", Inputs: map[string]any{"query": "INSERT INTO once VALUES (1) RETURNING n"}})
		})
	}
	all.Wait()
	for i := range results {
		if errs[i] != nil { // a deadlock is retried
			require.Equal(t, codeConflict, connectors.AsError(errs[i]).Code, "%v", errs[i])
			continue
		}
		require.Equal(t, int64(1), results[i]["rowCount"])
	}
	require.Equal(t, 1, d.count(t, "once"))
}

func testFailedCallIsNotRecorded(t *testing.T, d database) {
	d.table(t, "later", "n int PRIMARY KEY")
	c := d.calls(t)
	d.sql(t, "INSERT INTO later VALUES (1)")
	_, err := call(t, c, "k", "INSERT", "INSERT INTO later VALUES (1)", nil)
	require.Equal(t, codeConstraint, connectors.AsError(err).Code)
	require.Zero(t, d.count(t, "waybill_calls"))
	d.sql(t, "DELETE FROM later")
	_, err = call(t, c, "k", "INSERT", "INSERT INTO later VALUES (1)", nil)
	require.NoError(t, err)
	require.Equal(t, 1, d.count(t, "waybill_calls"))
	_, err = call(t, c, strings.Repeat("k", 5000), "DELETE", "DELETE FROM later", nil)
	require.NoError(t, err, "a key may be long")
	_, err = call(t, c, "K", "INSERT", "INSERT INTO later VALUES (2)", nil)
	require.NoError(t, err, "keys that a collation takes for the same")
	require.Equal(t, 1, d.count(t, "later"))
}
