package main

import (
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/temporal"
)

// build is the result of version.
type build struct {
	Version     string `json:"version"`
	Commit      string `json:"commit,omitempty"`
	Go          string `json:"go"`
	TemporalSDK string `json:"temporalSdk"`
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Show the version of this program",
		Example: `  starter version --output json`,
		Args:    need(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			b := build{Version: "(devel)", Go: runtime.Version(), TemporalSDK: temporal.SDKVersion}
			if info, ok := debug.ReadBuildInfo(); ok {
				b.Version = info.Main.Version
				for _, s := range info.Settings {
					if s.Key == "vcs.revision" {
						b.Commit = s.Value
					}
				}
			}
			return a.print(cmd, b, func(w io.Writer) {
				fields(w, "waybill", b.Version, "commit", b.Commit, "go", b.Go, "temporal sdk", b.TemporalSDK)
			})
		},
	}
}
