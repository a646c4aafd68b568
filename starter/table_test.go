package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What is too large is refused, and not cut off.
func TestTableThatIsTooLarge(t *testing.T) {
	line := strings.Repeat("a", 1023) + "\n"
	_, err := readTable(strings.NewReader(strings.Repeat(line, maxImport/len(line))+"b\n"), "-", "people")
	require.ErrorContains(t, err, "more than 67108864 bytes")
}

func TestPolicyThatIsTooLarge(t *testing.T) {
	file := filepath.Join(t.TempDir(), "policy.json")
	rules := `[{"class": "auth", "retryCount": 3}]`
	require.NoError(t, os.WriteFile(file, []byte(rules+strings.Repeat(" ", maxPolicy-len(rules))), 0o600))
	_, err := readPolicy(file)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, []byte(rules+strings.Repeat(" ", maxPolicy-len(rules))+"{"), 0o600))
	_, err = readPolicy(file)
	require.ErrorContains(t, err, "more than 65536 bytes")
}
