package nameserver

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"sync"

	"golang.org/x/net/dns/dnsmessage"
)

// Server answers until it is closed.
type Server struct {
	conn net.PacketConn
	done chan struct{}

	mu    sync.Mutex
	names map[string][]netip.Addr
}

// Start starts a server with the addresses of names, in lower case and without the last dot; "*" stands for all others. Each question
// takes the first address away, but for the last one. Other names do not exist.
func Start(names map[string][]string) (*Server, error) {
	s := &Server{done: make(chan struct{}), names: map[string][]netip.Addr{}}
	for name, addresses := range names {
		for _, text := range addresses {
			address, err := netip.ParseAddr(text)
			if err != nil {
				return nil, err
			}
			s.names[name] = append(s.names[name], address)
		}
	}
	var err error
	if s.conn, err = net.ListenPacket("udp", "127.0.0.1:0"); err != nil {
		return nil, err
	}
	go s.serve()
	return s, nil
}

// Close ends the server.
func (s *Server) Close() error {
	err := s.conn.Close()
	<-s.done
	return err
}

// Resolver asks this server.
func (s *Server) Resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", s.conn.LocalAddr().String())
	}}
}

func (s *Server) serve() {
	defer close(s.done)
	buffer := make([]byte, 1500)
	for {
		n, from, err := s.conn.ReadFrom(buffer)
		if err != nil {
			return
		}
		var m dnsmessage.Message
		if m.Unpack(buffer[:n]) != nil || len(m.Questions) != 1 {
			continue
		}
		s.answer(&m)
		if packed, err := m.Pack(); err == nil {
			_, _ = s.conn.WriteTo(packed, from)
		}
	}
}

func (s *Server) answer(m *dnsmessage.Message) {
	q := m.Questions[0]
	m.Response, m.Authoritative, m.Additionals = true, true, nil
	address, exists := s.next(strings.ToLower(strings.TrimSuffix(q.Name.String(), ".")), q.Type == dnsmessage.TypeA)
	switch {
	case !exists:
		m.RCode = dnsmessage.RCodeNameError
	case q.Type == dnsmessage.TypeA:
		m.Answers = []dnsmessage.Resource{{
			Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class}, Body: &dnsmessage.AResource{A: address.As4()},
		}}
	}
}

func (s *Server) next(name string, take bool) (netip.Addr, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.names[name]) == 0 {
		name = "*"
	}
	list := s.names[name]
	if len(list) == 0 {
		return netip.Addr{}, false
	}
	if take && len(list) > 1 {
		s.names[name] = list[1:]
	}
	return list[0], true
}
