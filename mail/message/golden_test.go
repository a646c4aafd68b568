package message

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files")

// golden is what a mail must be parsed to, with a digest of each attachment's content.
type golden struct {
	Message
	Automatic string   `json:"automatic,omitempty"`
	Kind      Kind     `json:"kind,omitempty"` // unless a person's
	Bounce    *Bounce  `json:"bounce,omitempty"`
	Content   []string `json:"content,omitempty"`
}

func TestGolden(t *testing.T) {
	mails, err := filepath.Glob("testdata/*.eml")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(mails), 30)
	for _, name := range mails {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".eml"), func(t *testing.T) {
			raw, err := os.ReadFile(name)
			require.NoError(t, err)
			var got golden
			parsed, err := Parse(bytes.NewReader(raw), Limits{TextBytes: 10_000}, func(_ Attachment, r io.Reader) error {
				content, err := io.ReadAll(r)
				if len(content) < 60 {
					got.Content = append(got.Content, fmt.Sprintf("%q", content))
				} else {
					got.Content = append(got.Content, fmt.Sprintf("%d bytes, sha256 %x", len(content), sha256.Sum256(content)))
				}
				return err
			})
			require.NoError(t, err)
			require.Equal(t, int64(len(raw)), parsed.Size)
			got.Message = *parsed
			_, got.Automatic = Automatic(parsed.Headers)
			if kind := Classify(parsed); kind != Person {
				got.Kind = kind
			}
			got.Bounce = BounceOf(parsed)

			var text bytes.Buffer
			encoder := json.NewEncoder(&text)
			encoder.SetEscapeHTML(false)
			encoder.SetIndent("", "  ")
			require.NoError(t, encoder.Encode(got))
			path := strings.TrimSuffix(name, ".eml") + ".json"
			if *update {
				require.NoError(t, os.WriteFile(path, text.Bytes(), 0o644))
			}
			want, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, string(want), text.String())
		})
	}
}
