package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
)

func TestStatusTellsOfTheArchive(t *testing.T) {
	var b strings.Builder
	printArchive(&b, nil)
	require.Empty(t, b.String(), "where there is none")
	began := noon
	printArchive(&b, &client.ArchiveStatus{
		Began: &began, Error: "move-archive, 4 tries: no space left on device; 7 files are staged",
		Last: &client.ArchiveMove{Ended: noon, MovedArchive: contract.MovedArchive{
			Staged: 9, Documents: 40, Blocks: 2, Waiting: 1, Damaged: []string{"events-staged/bad.ndjson.gz"},
		}},
	})
	require.Equal(t, `archive, last move: 2026-03-02T12:00:00Z: 40 documents in 2 blocks, from 9 staged files
archive, waiting: 1 staged files were left
archive, damaged: 1 staged files, which stay where they are: events-staged/bad.ndjson.gz
archive, moving: since 2026-03-02T12:00:00Z
archive, error: move-archive, 4 tries: no space left on device; 7 files are staged
`, b.String())
}
