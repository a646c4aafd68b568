package contract

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestShownTopics(t *testing.T) {
	long := strings.Repeat("x", 256)
	var many []string
	for r := 'a'; r <= 'z'; r++ {
		many = append(many, strings.Repeat(string(r), 100))
	}
	for name, c := range map[string]struct{ topics, shown []string }{
		"none":       {nil, nil},
		"some":       {[]string{"b", "a"}, []string{"b", "a"}},
		"twice":      {[]string{"a", "a", "b"}, []string{"a", "b"}},
		"a long one": {[]string{"a", long, "b"}, []string{"a", AnyTopic}},
		"longest":    {[]string{long[1:]}, []string{long[1:]}},
		"many":       {many, append(many[:15:15], AnyTopic)},
	} {
		require.Equal(t, c.shown, ShownTopics(c.topics), name)
		require.Equal(t, c.shown, ShownTopics(ShownTopics(c.topics)), "%s, again", name)
	}
}
