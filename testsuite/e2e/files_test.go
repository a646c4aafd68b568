package e2e_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/client"
)

// TestBlobStoreAway takes the folder for mails away, and gives it back.
func TestBlobStoreAway(t *testing.T) {
	t.Parallel()
	i := install(t, options{})
	i.startWorker()
	i.deploy()
	i.watch()
	all := letters(10)
	i.receive(all[:5]...)
	i.handled(all[:5])

	folder := filepath.Join(i.dir, "files")
	require.NoError(t, os.Rename(folder, folder+".away"))
	require.NoError(t, os.WriteFile(folder, nil, 0o600))
	i.receive(all[5:]...)
	m := i.status("tells why mail is not read", func(m client.Mailbox) bool { return m.Connection == "error" })
	require.Contains(t, m.Cause, "store file")
	require.NoError(t, os.Remove(folder))
	require.NoError(t, os.Rename(folder+".away", folder))
	i.handled(all)
}
