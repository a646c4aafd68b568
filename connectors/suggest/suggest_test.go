package suggest

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNearest(t *testing.T) {
	known := []string{"subject", "text", "html", "inReplyTo", "SEND"}
	for name, want := range map[string]string{
		"subjekt":   "subject",
		"Subject":   "subject",
		"inreplyto": "inReplyTo",
		"htlm":      "", // two edits in four letters are no slip
		"htm":       "html",
		"send":      "SEND",
		"recipient": "",
		"":          "",
	} {
		require.Equal(t, want, Nearest(name, known), "nearest to %q", name)
	}
	require.Equal(t, "aa", Nearest("ab", []string{"ac", "aa"}), "the first in order wins a tie")
}

func TestHint(t *testing.T) {
	require.Equal(t, `; did you mean "text"?`, Hint("txt", []string{"text", "html"}))
	require.Equal(t, `; known: html, text`, Hint("colour", []string{"text", "html"}))
	require.Empty(t, Hint("colour", nil))
}

func TestDistance(t *testing.T) {
	require.Equal(t, 3, distance("kitten", "sitting"))
	require.Equal(t, 4, distance("", "four"))
	require.Equal(t, 0, distance("same", "same"))
}
