package imap

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/emersion/go-imap/v2"
)

// startTLS upgrades a connection (RFC 9051, section 6.2.1). It is done before the library sees the connection, which else
// keeps the capabilities that it was told in the clear; RFC 9051 wants them discarded, as they may be an attacker's. For the same
// reason whatever arrives before TLS begins and was not asked for ends the connection: it would be read as if it had been
// protected (response injection, CVE-2021-33515 and its kin).
func startTLS(ctx context.Context, raw net.Conn, config *tls.Config) (*tls.Conn, string, error) {
	in := bufio.NewReaderSize(raw, 4096)
	greeting, err := readLine(in)
	if err != nil {
		return nil, "", err
	}
	switch status, text := cutStatus(greeting); status {
	case "* OK":
	case "* BYE":
		return nil, "", &imap.Error{Type: imap.StatusResponseTypeBye, Text: text}
	case "* PREAUTH":
		return nil, "", errors.New("the server takes us for logged in before TLS began (PREAUTH)")
	default:
		return nil, "", fmt.Errorf("this is no IMAP server, it says %q", greeting)
	}
	if in.Buffered() > 0 {
		return nil, "", errors.New("the server sent more than its greeting before TLS began")
	}
	if _, err := io.WriteString(raw, "T0 STARTTLS\r\n"); err != nil {
		return nil, "", err
	}
	answer, err := readLine(in)
	if err != nil {
		return nil, "", err
	}
	if status, text := cutStatus(answer); status != "T0 OK" {
		if status == "T0 NO" || status == "T0 BAD" {
			return nil, "", fmt.Errorf("the server refused STARTTLS: %s", text)
		}
		return nil, "", fmt.Errorf("the server answered STARTTLS with %q", answer)
	}
	if in.Buffered() > 0 {
		return nil, "", errors.New("the server sent more than its answer before TLS began")
	}
	secured := tls.Client(raw, config)
	if err := secured.HandshakeContext(ctx); err != nil {
		return nil, "", err
	}
	return secured, greeting, nil
}

func readLine(in *bufio.Reader) (string, error) {
	line, err := in.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		return "", fmt.Errorf("a line of more than %d bytes before TLS began", in.Size())
	}
	return strings.TrimRight(string(line), "\r\n"), err
}

// cutStatus splits "* OK ready" into "* OK" and "ready".
func cutStatus(line string) (status, text string) {
	tag, rest, _ := strings.Cut(line, " ")
	word, text, _ := strings.Cut(rest, " ")
	return tag + " " + strings.ToUpper(word), text
}

// greeted is a connection whose greeting came before TLS. The library waits for one, and since this one tells no
// capabilities it asks for them, under TLS.
type greeted struct {
	net.Conn
	greeting io.Reader
}

func greet(c net.Conn) net.Conn {
	return &greeted{Conn: c, greeting: strings.NewReader("* OK TLS has begun\r\n")}
}

func (g *greeted) Read(p []byte) (int, error) {
	if n, err := g.greeting.Read(p); err == nil {
		return n, nil
	}
	return g.Conn.Read(p)
}
