package dialguard

import (
	"errors"
	"net"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/testsuite/nameserver"
)

func TestPublic(t *testing.T) {
	for address, want := range map[string]bool{
		"8.8.8.8": true, "1.1.1.1": true, "172.15.255.255": true, "172.32.0.1": true, "100.63.255.255": true, "100.128.0.1": true, "192.169.0.1": true,
		"198.17.0.1": true, "223.255.255.255": true, "11.0.0.1": true, "128.0.0.1": true, "169.253.0.1": true,
		"2606:4700::1111": true, "2a00:1450:4001::1": true, "2620:fe::fe": true, "2001:4860:4860::8888": true, "::ffff:8.8.8.8": true,

		"0.0.0.0": false, "0.1.2.3": false, "10.0.0.1": false, "10.255.255.255": false, "100.64.0.1": false, "100.127.255.255": false, "127.0.0.1": false,
		"127.255.255.254": false, "168.63.129.16": false, "169.254.169.254": false, "172.16.0.1": false, "172.31.255.255": false, "192.0.0.8": false,
		"192.0.2.1": false, "192.88.99.1": false, "192.168.0.1": false, "198.18.0.1": false, "198.19.255.255": false, "198.51.100.1": false, "203.0.113.1": false,
		"224.0.0.1": false, "239.255.255.250": false, "240.0.0.1": false, "255.255.255.255": false,

		"::": false, "::1": false, "::127.0.0.1": false, "::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false, "::ffff:169.254.169.254": false,
		"::ffff:0:127.0.0.1": false, "64:ff9b::7f00:1": false, "64:ff9b::a00:1": false, "64:ff9b::808:808": false, "64:ff9b:1::1": false, "100::1": false,
		"2001::1": false, "2001:0:4136:e378::1": false, "2001:20::1": false, "2001:db8::1": false, "2002:7f00:1::": false, "2002:a00:1::": false,
		"3fff::1": false, "5f00::1": false, "fc00::1": false, "fd00:ec2::254": false, "fe80::1": false, "fe80::1%eth0": false, "fec0::1": false, "ff02::1": false,
		"4000::1": false,
	} {
		require.Equal(t, want, public(netip.MustParseAddr(address)), address)
	}
	require.False(t, public(netip.Addr{}))
}

func TestNewRefusesWhatItWouldMisread(t *testing.T) {
	for _, wrong := range []string{"", "10.0.0.1/8", "10.0.0.0/33", "::ffff:10.0.0.0/104", "*.internal", "http://crm", "crm:0", "crm:http", "crm:99999", "a b", "user@crm", ":80"} {
		_, err := New(wrong)
		require.ErrorContains(t, err, wrong, wrong)
	}
	_, err := New("10.0.0.0/8", "fd00::/8", "10.0.0.7", "::1", "crm.internal", "crm.internal:8080", "[::1]:80")
	require.NoError(t, err)
}

// listen takes connections on an address of this machine.
func listen(t *testing.T, address string) (host, port string) {
	t.Helper()
	l, err := net.Listen("tcp", address)
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	host, port, err = net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	return host, port
}

func TestDialDeniesWhatIsNotAllowed(t *testing.T) {
	_, port := listen(t, "127.0.0.1:0")
	dial := func(g *Guard, host string) error {
		conn, err := g.DialContext(t.Context(), "tcp", net.JoinHostPort(host, port))
		if err == nil {
			_ = conn.Close()
		}
		return err
	}
	none := &Guard{}
	for _, host := range []string{"127.0.0.1", "localhost", "LOCALHOST", "0.0.0.0", "::ffff:127.0.0.1"} {
		denied := (*Denied)(nil)
		require.ErrorAs(t, dial(none, host), &denied, host)
		require.Equal(t, host, denied.Host)
		require.False(t, public(denied.Address))
	}
	for _, allowed := range []string{"127.0.0.0/8", "127.0.0.1", "::ffff:127.0.0.1"} {
		g, err := New(allowed)
		require.NoError(t, err)
		require.NoError(t, dial(g, "127.0.0.1"), allowed)
	}
	for _, allowed := range []string{"localhost", "Localhost.", "localhost:" + port} {
		g, err := New(allowed)
		require.NoError(t, err)
		require.NoError(t, dial(g, "localhost"), allowed)
		require.Error(t, dial(g, "127.0.0.1"), "the host is allowed by its name")
	}
	g, err := New("localhost:1", "10.0.0.0/8")
	require.NoError(t, err)
	require.Error(t, dial(g, "localhost"), "at another port")
	_, err = none.DialContext(t.Context(), "tcp", "no port")
	require.Error(t, err)
}

func TestDialChecksWhatANameLeadsTo(t *testing.T) {
	_, port := listen(t, "127.0.0.1:0")
	dns, err := nameserver.Start(map[string][]string{
		"inner.example": {"127.0.0.1"}, "cloud.example": {"169.254.169.254"}, "rebind.example": {"127.0.0.2", "127.0.0.1"},
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, dns.Close()) })
	allowed, err := New("127.0.0.2")
	require.NoError(t, err)
	allowed.Resolver = dns.Resolver()
	denied := (*Denied)(nil)
	for _, host := range []string{"inner.example", "cloud.example"} {
		_, err = allowed.DialContext(t.Context(), "tcp", net.JoinHostPort(host, port))
		require.ErrorAs(t, err, &denied, host)
	}
	// The first answer may be called and nobody listens there; the second one is another and may not.
	_, err = allowed.DialContext(t.Context(), "tcp", net.JoinHostPort("rebind.example", port))
	require.Error(t, err)
	require.False(t, errors.As(err, new(*Denied)), "%v", err)
	_, err = allowed.DialContext(t.Context(), "tcp", net.JoinHostPort("rebind.example", port))
	require.ErrorAs(t, err, &denied)
	require.Equal(t, "127.0.0.1", denied.Address.String())
}
