package rest

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestManyHosts: host names come from data, and one too many must not let all others be called again.
func TestManyHosts(t *testing.T) {
	b := breakers{config: breakerConfig{buffer: 5, rate: 20}}
	known := map[string]*breaker{}
	for i := range maxBreakers {
		host := fmt.Sprintf("%d.example.com", i)
		known[host] = b.of(host)
	}
	one := b.of("one-more.example.com")
	require.Len(t, b.hosts, maxBreakers)
	require.Same(t, one, b.of("one-more.example.com"), "the new one is remembered")
	kept := 0
	for host, before := range known {
		if b.hosts[host] == before {
			kept++
		}
	}
	require.Equal(t, maxBreakers-1, kept)
}
