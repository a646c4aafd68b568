package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestUnmarked(t *testing.T) {
	for _, name := range []string{"FEATURES_MARK_EMAILS_AS_SYNCHRONIZED", "FeaturesMarkEmailsAsSynchronized"} {
		t.Run(name, func(t *testing.T) {
			for text, want := range map[string]bool{"": false, "true": false, "false": true, "False": true, "0": true} {
				t.Setenv(name, text)
				got, err := unmarked()
				require.NoError(t, err)
				require.Equal(t, want, got, text)
			}
			t.Setenv(name, "no")
			_, err := unmarked()
			require.EqualError(t, err, name+`="no" is neither true nor false`)
		})
	}
}
