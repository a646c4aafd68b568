package scenarios_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/testsuite/scenario"
)

// TestScenarios runs every scenario file of the folders beside it, one folder an element.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("*/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	scenario.Test(t, files...)
}
